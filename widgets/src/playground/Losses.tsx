// The losses over the epochs as a chart, on which a click goes back there, and everything as a table.
import { useSignal } from "@preact/signals";
import { Chart, Legend } from "../core/Chart";
import type { Line } from "../core/curve";
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
  const zoom = useSignal<[number, number] | null>(null);
  const status = state.calm.value!; // the curves grow in place
  const lines = lossLines(state);
  const marks = status.marks.map(([step, text]) => ({ step, text }));
  return (
    <Chart
      title="Loss"
      height={HEIGHT}
      unit="epoch"
      drawing={{ lines, marks, reached: status.epoch, step: status.epoch, zoom: zoom.value }}
      onZoom={(window) => (zoom.value = window)}
      summary={state.summary()}
      onTake={(epoch) => epoch <= status.furthest && send("seek", { epoch })}
      takes="Enter goes back to the epoch that is read"
      idle="click on the curve to go back there"
    >
      <Legend lines={lines} />
      {status.last.test_accuracy !== null && (
        <span class="dlnb-key">
          right: training <b>{percent(status.last.accuracy ?? NaN)}</b>, test <b data-accuracy={status.last.test_accuracy}>{percent(status.last.test_accuracy)}</b>
        </span>
      )}
    </Chart>
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
