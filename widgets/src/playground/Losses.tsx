// The losses over the epochs as a chart, on which a click goes back there, and everything as a table.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Curve, type Line } from "../core/curve";
import { number, percent } from "../core/format";
import { TRAIN, VALID } from "../core/theme";
import { COLUMNS, type PlaygroundState, type Send } from "./state";

const HEIGHT = 150;
const ROWS = 200;

/** The two losses, as far as there are any. */
export function lossLines(state: PlaygroundState): Line[] {
  const [train, test] = [state.history.get("loss"), state.history.get("test_loss")];
  if (!train || !test) return [];
  return [
    { label: "test", colour: VALID, pieces: test },
    { label: "training", colour: TRAIN, pieces: train },
  ];
}

export function Losses({ state, send }: { state: PlaygroundState; send: Send }) {
  const host = useRef<HTMLDivElement>(null);
  const curve = useRef<Curve | null>(null);
  const point = useSignal("");
  const at = useRef<number | null>(null);
  const down = useRef(0);
  const zoom = useSignal<[number, number] | null>(null);
  const status = state.calm.value!; // the curves grow in place
  const lines = lossLines(state);
  useLayoutEffect(() => {
    const told = (text: string, epoch: number | null) => {
      point.value = text;
      at.current = epoch;
    };
    const made = new Curve(host.current!, HEIGHT, told, (window) => (zoom.value = window), "epoch");
    curve.current = made;
    return () => made.close();
  }, []);
  useLayoutEffect(() => {
    if (!curve.current) return;
    const marks = status.marks.map(([step, text]) => ({ step, text }));
    Object.assign(curve.current, { lines, marks, reached: status.epoch, step: status.epoch, zoom: zoom.value });
    curve.current.draw();
  });
  const take = () => at.current !== null && at.current <= status.furthest && send("seek", { epoch: at.current });
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by !== undefined) curve.current?.move(by);
    else if (event.key === "+") curve.current?.zoomBy(0.5);
    else if (event.key === "-") curve.current?.zoomBy(2);
    else if (event.key === "0") zoom.value = null;
    else if (event.key === "Enter") take();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>Loss</strong>
        {lines.map((line) => (
          <span key={line.label} class="dlnb-key">
            <i style={{ background: `var(${line.colour})` }} aria-hidden="true" /> {line.label} <b>{number(line.pieces.mean[line.pieces.mean.length - 1])}</b>
          </span>
        ))}
        {status.last.test_accuracy !== null && (
          <span class="dlnb-key">
            right: training <b>{percent(status.last.accuracy ?? NaN)}</b>, test <b data-accuracy={status.last.test_accuracy}>{percent(status.last.test_accuracy)}</b>
          </span>
        )}
      </figcaption>
      <div
        class="dlnb-plot"
        ref={host}
        tabIndex={0}
        role="img"
        aria-label={`Loss over epochs. ${state.summary()} Arrow keys read single points, plus and minus zoom, Enter goes back to the epoch that is read.`}
        onKeyDown={press}
        onPointerDown={(event) => (down.current = event.clientX)}
        onClick={(event) => Math.abs(event.clientX - down.current) < 3 && take()}
      />
      <output class="dlnb-point" aria-live="polite">
        {point.value || "click on the curve to go back there"}
      </output>
    </figure>
  );
}

/** Losses and accuracies of every epoch, at most 200 of them. */
export function Table({ state }: { state: PlaygroundState }) {
  state.calm.value;
  const found = COLUMNS.map((name) => state.history.get(name));
  const steps = found[0]?.steps ?? [];
  const every = Math.max(1, Math.ceil(steps.length / ROWS));
  const chosen = steps.map((_, row) => row).filter((row) => (steps.length - 1 - row) % every === 0);
  return (
    <div class="dlnb-table" tabIndex={0} role="group" aria-label="The training as a table">
      <table>
        <thead>
          <tr>
            {["epoch", "training loss", "test loss", "training right", "test right"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {chosen.map((row) => (
            <tr key={steps[row]}>
              <th scope="row">{steps[row]!.toLocaleString("en")}</th>
              {found.map((column, k) => (
                <td key={COLUMNS[k]}>{k < 2 ? number(column?.mean[row]) : column ? percent(column.mean[row] ?? NaN) : ""}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
