// The losses of all racers over the steps, as curves and as a table.
import { useSignal } from "@preact/signals";
import { Chart } from "../core/Chart";
import type { Line } from "../core/curve";
import { number } from "../core/format";
import { rows } from "../core/pieces";
import { Badge } from "./Racers";
import { colour, type DescendState } from "./state";

const HEIGHT = 170;
const ROWS = 200;

/** How far above the lowest place each racer was, if it is known, else its loss. */
export function lossLines(state: DescendState): Line[] {
  const lowest = state.surface.value?.lowest ?? 0;
  return state.running.map(({ racer, place, path }) => ({
    label: racer.label,
    colour: colour(place),
    pieces: rows(path.loss.map((_, step) => step), path.loss.map((loss) => loss - lowest)),
  }));
}

export function Losses({ state }: { state: DescendState }) {
  const zoom = useSignal<[number, number] | null>(null);
  state.frames.value; // ways grow in place
  const lines = lossLines(state);
  const steps = state.status.value!.steps;
  const values = lines.flatMap(({ pieces }) => pieces.mean);
  const logarithmic = values.every((value) => value >= 0) && values.some((value) => value > 0);
  return (
    <Chart
      title={state.surface.value!.lowest === null ? "Loss" : "Loss above the lowest place"}
      height={HEIGHT}
      drawing={{ lines, logarithmic, reached: steps, step: steps, zoom: zoom.value }}
      onZoom={(window) => (zoom.value = window)}
      summary={state.summary()}
    >
      {state.running.map(({ racer, place }) => (
        <span key={racer.name} class="dlnb-name">
          <Badge racer={racer} place={place} /> {racer.label}
        </span>
      ))}
    </Chart>
  );
}

/** Where everybody was at each step, at most 200 of them. */
export function Table({ state }: { state: DescendState }) {
  state.frames.value;
  const last = state.status.value!.steps;
  const every = Math.max(1, Math.ceil((last + 1) / ROWS));
  const steps = Array.from({ length: last + 1 }, (_, step) => step).filter((step) => (last - step) % every === 0);
  const [one, other] = state.surface.value!.weights;
  return (
    <div class="dlnb-table" tabIndex={0} role="group" aria-label="The race as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">step</th>
            {state.running.flatMap(({ racer }) => [one, other, "loss"].map((what) => <th scope="col" key={racer.name + what}>{`${racer.label} ${what}`}</th>))}
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => (
            <tr key={step}>
              <th scope="row">{step.toLocaleString("en")}</th>
              {state.running.flatMap(({ racer, path }) =>
                [path.x, path.y, path.loss].map((values, i) => <td key={racer.name + i}>{step < values.length ? number(values[step]) : ""}</td>),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
