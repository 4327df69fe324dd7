// A slider with a field for the exact number.
import { exact, number } from "../core/format";
import { NumberField } from "../core/NumberField";
import { useSetting } from "../core/setting";

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
  const { shown, move, put, flush } = useSetting(value, send, true);
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
        onInput={(event) => move(fromPlace(props, Number(event.currentTarget.value)))}
        onChange={flush}
      />
      <NumberField
        label={label}
        text={exact(Number(shown.toPrecision(4)))}
        off={off}
        enter={(entered) => {
          if (entered !== shown) put(entered);
        }}
      />
    </div>
  );
}
