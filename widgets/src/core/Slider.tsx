// One knob: a slider, a field for the exact number, and the step at which the change took effect.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { exact, number } from "./format";
import { arrow, type Control, fromPlace, placing, toPlace } from "./places";

const PAUSE = 60; // milliseconds between two settings while the slider moves
const CONFIRM = 3000; // milliseconds in which the kernel confirms a setting, or the slider lets go of it

interface Props {
  control: Control;
  label: string;
  off: boolean;
  /** Words beside the name. */
  aside?: string;
  set: (value: number | null) => void;
}

export function Slider({ control, label, off, aside, set: send }: Props) {
  const { value: told, scale } = control;
  const held = useSignal<number | null | undefined>(undefined); // what the hand has set and the kernel has not yet confirmed
  const typed = useSignal<string | null>(null); // what is in the field while it is being written
  const late = useRef<number>(0);
  useEffect(() => {
    if (held.value !== undefined && told === held.value) held.value = undefined;
  }, [told, held]);
  useEffect(() => () => clearTimeout(late.current), []);

  const set = (value: number | null) => {
    if (value !== null && (!Number.isFinite(value) || value < 0)) return;
    held.value = value;
    clearTimeout(late.current);
    late.current = window.setTimeout(() => {
      send(value);
      late.current = window.setTimeout(() => (held.value = undefined), CONFIRM);
    }, PAUSE);
  };
  const shown = held.value === undefined ? told : held.value;
  const commit = () => {
    const text = typed.value?.trim().replace(",", ".");
    typed.value = null;
    if (text && Number(text) !== shown) set(Number(text));
  };
  const at = held.value !== undefined ? "…" : control.at !== null ? `since step ${control.at.toLocaleString("en")}` : aside;
  if (scale === "switch")
    return (
      <label class="dlnb-knob dlnb-knob-switch" data-knob={control.name}>
        <span class="dlnb-knob-name">{label}</span>
        <input type="checkbox" role="switch" checked={shown === 1} disabled={off} onChange={(event) => set(event.currentTarget.checked ? 1 : 0)} />
        <span class="dlnb-knob-at dlnb-quiet">{at}</span>
      </label>
    );
  const places = placing(control);
  return (
    <div class="dlnb-knob" data-knob={control.name}>
      <span class="dlnb-knob-name">
        {label} <span class="dlnb-knob-at dlnb-quiet">{at}</span>
      </span>
      <input
        type="range"
        min={places.first}
        max={places.last}
        step={places.step}
        value={shown === null ? places.last : toPlace(places, shown)}
        disabled={off}
        aria-label={label}
        aria-valuetext={shown === null ? "off" : number(shown)}
        onInput={(event) => set(fromPlace(places, Number(event.currentTarget.value)))}
        onKeyDown={(event) => {
          const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
          if (by === undefined || off) return;
          set(arrow(places, shown ?? places.high, by));
          event.preventDefault();
        }}
      />
      <span class="dlnb-knob-number">
        <input
          type="text"
          inputMode="decimal"
          value={typed.value ?? (shown === null ? "off" : exact(shown))}
          disabled={off}
          aria-label={`${label} as a number`}
          onInput={(event) => (typed.value = event.currentTarget.value)}
          onBlur={commit}
          onKeyDown={(event) => {
            if (event.key === "Enter") commit();
            if (event.key === "Escape") typed.value = null;
          }}
        />
        {control.off && (
          <button type="button" class="dlnb-small" disabled={off || shown === null} aria-label={`${label} off`} onClick={() => set(null)}>
            off
          </button>
        )}
      </span>
    </div>
  );
}
