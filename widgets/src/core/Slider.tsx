// One knob: a slider, a field for the exact number, and the step at which the change took effect.
import { exact, number } from "./format";
import { NumberField } from "./NumberField";
import { arrow, type Control, fromPlace, placing, toPlace } from "./places";
import { useSetting } from "./setting";

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
  const { shown, underWay, move, put, flush } = useSetting<number | null>(told, send);
  const at = underWay ? "…" : control.at !== null ? `since step ${control.at.toLocaleString("en")}` : aside;
  if (scale === "switch")
    return (
      <label class="dlnb-knob dlnb-knob-switch" data-knob={control.name}>
        <span class="dlnb-knob-name">{label}</span>
        <input type="checkbox" role="switch" checked={shown === 1} disabled={off} onChange={(event) => put(event.currentTarget.checked ? 1 : 0)} />
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
        onInput={(event) => move(fromPlace(places, Number(event.currentTarget.value)))}
        onChange={flush}
        onKeyDown={(event) => {
          const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 5, PageDown: -5 }[event.key];
          if (by === undefined || off) return;
          move(arrow(places, shown ?? places.high, by));
          event.preventDefault();
        }}
        onKeyUp={flush}
      />
      <span class="dlnb-knob-number">
        <NumberField
          label={label}
          text={shown === null ? "off" : exact(shown)}
          off={off}
          enter={(value) => {
            if (value >= 0 && value !== shown) put(value);
          }}
        />
        {control.off && (
          <button type="button" class="dlnb-small" disabled={off || shown === null} aria-label={`${label} off`} onClick={() => put(null)}>
            off
          </button>
        )}
      </span>
    </div>
  );
}
