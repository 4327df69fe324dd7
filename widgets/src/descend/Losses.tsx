// The losses of all racers over the steps, as curves and as a table.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Curve, type Line } from "../core/curve";
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
  const host = useRef<HTMLDivElement>(null);
  const curve = useRef<Curve | null>(null);
  const point = useSignal("");
  const window = useSignal<[number, number] | null>(null);
  state.frames.value; // ways grow in place
  const lines = lossLines(state);
  const title = state.surface.value!.lowest === null ? "Loss" : "Loss above the lowest place";
  useLayoutEffect(() => {
    const made = new Curve(host.current!, HEIGHT, (text) => (point.value = text), (zoom) => (window.value = zoom));
    curve.current = made;
    return () => made.close();
  }, []);
  useLayoutEffect(() => {
    if (!curve.current) return;
    const steps = state.status.value!.steps;
    const logarithmic = lines.every(({ pieces }) => pieces.mean.every((value) => value >= 0)) && lines.some(({ pieces }) => pieces.mean.some((value) => value > 0));
    Object.assign(curve.current, { lines, logarithmic, reached: steps, step: steps, zoom: window.value });
    curve.current.draw();
  });
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by !== undefined) curve.current?.move(by);
    else if (event.key === "+") curve.current?.zoomBy(0.5);
    else if (event.key === "-") curve.current?.zoomBy(2);
    else if (event.key === "0") window.value = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>{title}</strong>
        {state.running.map(({ racer, place }) => (
          <span key={racer.name} class="dlnb-name">
            <Badge racer={racer} place={place} /> {racer.label}
          </span>
        ))}
      </figcaption>
      <div
        class="dlnb-plot"
        ref={host}
        tabIndex={0}
        role="img"
        aria-label={`${title} over steps. ${state.summary()} Arrow keys read single points, plus and minus zoom.`}
        onKeyDown={press}
      />
      <output class="dlnb-point" aria-live="polite">
        {point.value}
      </output>
    </figure>
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
