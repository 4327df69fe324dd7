// A slider with a field for the exact number. What the hand has set stays shown until the kernel has answered.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { exact, number } from "../core/format";

const PAUSE = 50; // milliseconds between two settings while the slider moves
const CONFIRM = 1500; // milliseconds after which the slider shows what the kernel says, whatever was set

export interface SliderProps {
  name: string;
  label: string;
  value: number;
  low: number;
  high: number;
  /** The smallest step of a plain slider; a logarithmic one has none. */
  step?: number;
  logarithmic?: boolean;
  /** What the value is called, where that is no number. */
  words?: (value: number) => string;
  off?: boolean;
  set: (value: number) => void;
}

const digits = (value: number): number => Number(value.toPrecision(3));

/** Where a value stands on the slider; on a logarithmic one 0 stands at its lower end. */
export const toPlace = ({ low, high, logarithmic }: Pick<SliderProps, "low" | "high" | "logarithmic">, value: number): number => {
  const within = Math.min(high, Math.max(low, value));
  return logarithmic ? (100 * Math.log(within / low)) / Math.log(high / low) : within;
};
export const fromPlace = ({ low, high, step, logarithmic }: Pick<SliderProps, "low" | "high" | "step" | "logarithmic">, place: number): number => {
  if (logarithmic) return digits(low * (high / low) ** (place / 100));
  return step === undefined || step < 1 ? digits(place) : Math.round(place);
};

export function Slider(props: SliderProps) {
  const { name, label, value, low, high, step, logarithmic, words, off, set: send } = props;
  const held = useSignal<number | null>(null);
  const typed = useSignal<string | null>(null);
  const late = useRef(0);
  const sent = useRef(-PAUSE);
  const waiting = useRef<number | null>(null); // set, and not yet sent
  useEffect(() => {
    if (held.value !== null && Math.abs(value - held.value) <= 1e-6 * Math.abs(value)) held.value = null;
  }, [value, held]);
  useEffect(() => () => clearTimeout(late.current), []);
  // What is done next (undo, a step) must find the setting in the kernel: none waits longer than until the slider is let go.
  const flush = () => {
    const wanted = waiting.current;
    if (wanted === null) return;
    clearTimeout(late.current);
    waiting.current = null;
    sent.current = performance.now();
    send(wanted);
    late.current = window.setTimeout(() => (held.value = null), CONFIRM);
  };
  const set = (wanted: number) => {
    if (!Number.isFinite(wanted)) return;
    held.value = waiting.current = wanted;
    clearTimeout(late.current);
    const wait = sent.current + PAUSE - performance.now();
    if (wait > 0) late.current = window.setTimeout(flush, wait);
    else flush();
  };
  const commit = () => {
    const text = typed.value?.trim().replace(",", ".").replace("−", "-");
    typed.value = null;
    if (text && Number(text) !== shown) set(Number(text));
    flush();
  };
  const shown = held.value ?? value;
  return (
    <div class="dlnb-knob" data-knob={name}>
      <span>{label}</span>
      <input
        type="range"
        min={logarithmic ? 0 : low}
        max={logarithmic ? 100 : high}
        step={logarithmic ? 1 : (step ?? (high - low) / 100)}
        value={toPlace(props, shown)}
        disabled={off}
        aria-label={label}
        aria-valuetext={words ? words(shown) : number(shown)}
        onInput={(event) => set(fromPlace(props, Number(event.currentTarget.value)))}
        onChange={flush}
      />
      <input
        type="text"
        inputMode="decimal"
        value={typed.value ?? exact(Number(shown.toPrecision(4)))}
        disabled={off}
        aria-label={`${label} as a number`}
        onInput={(event) => (typed.value = event.currentTarget.value)}
        onBlur={commit}
        onKeyDown={(event) => {
          if (event.key === "Enter") commit();
          if (event.key === "Escape") typed.value = null;
        }}
      />
    </div>
  );
}
