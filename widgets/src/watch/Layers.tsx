// What goes on in each layer: its gradient, how much a step changes it, what comes out of it.
import { useEffect, useRef } from "preact/hooks";
import { number, percent } from "../core/format";
import { themed } from "../core/theme";
import type { Layers as Table, WatchState } from "./state";

const COLUMNS: Record<string, [title: string, hint: string]> = {
  gradient: ["gradient", "norm of the gradient of its parameters"],
  update: ["update / weight", "by how much of itself one step changes its weights; about 0.001 is usual"],
  mean: ["mean", "mean of what comes out of it"],
  std: ["std", "standard deviation of what comes out of it"],
  dead: ["dead", "share of its units that have not answered to any example lately"],
};

export function Layers({ state }: { state: WatchState }) {
  const table = state.layers.value;
  if (!table || table.names.length === 0) return <p class="dlnb-quiet">No layer has been looked at yet; it takes some steps.</p>;
  const columns = table.columns.filter((name) => name in COLUMNS);
  const gradients = table.values.get("gradient");
  const largest = gradients ? Math.max(...Array.from(gradients).filter(Number.isFinite)) : 0;
  return (
    <div class="dlnb-layers" tabIndex={0} role="group" aria-label={`Layers at step ${table.step}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">layer</th>
            {columns.map((name) => (
              <th key={name} scope="col" title={COLUMNS[name]![1]}>
                {COLUMNS[name]![0]}
              </th>
            ))}
            {table.histograms && <th scope="col">activations</th>}
          </tr>
        </thead>
        <tbody>
          {table.names.map((layer, i) => (
            <tr key={layer}>
              <th scope="row">
                <code>{layer}</code>
              </th>
              {columns.map((name) => (
                <Cell key={name} name={name} value={table.values.get(name)?.[i]} largest={largest} />
              ))}
              {table.histograms && (
                <td>
                  <Histogram table={table} row={i} />
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="dlnb-quiet">at step {table.step.toLocaleString("en")}</p>
    </div>
  );
}

function Cell({ name, value, largest }: { name: string; value: number | undefined; largest: number }) {
  if (value === undefined || Number.isNaN(value)) return <td class="dlnb-quiet">–</td>;
  const odd = (name === "dead" && value > 0.3) || (name === "update" && value > 0.1);
  const bar = name === "gradient" && largest > 0 && Number.isFinite(value) ? `${Math.max(2, (100 * value) / largest)}%` : null;
  return (
    <td class={odd ? "dlnb-odd" : ""}>
      {bar && <i class="dlnb-bar" style={{ width: bar }} aria-hidden="true" />}
      {name === "dead" ? percent(value) : number(value)}
      {odd && (
        <span role="img" aria-label="out of the usual">
          {" "}
          !
        </span>
      )}
    </td>
  );
}

/** The values that come out of a layer, as bars. */
function Histogram({ table, row }: { table: Table; row: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const bins = table.histograms!.length / table.names.length;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, bins, 20);
    context.fillStyle = themed(canvas.current!, "--dlnb-blue", "#0072b2");
    for (let k = 0; k < bins; k++) {
      const height = Math.round((20 * table.histograms![row * bins + k]!) / 255);
      context.fillRect(k, 20 - height, 1, height);
    }
  }, [table, row, bins]);
  return <canvas ref={canvas} class="dlnb-histogram" width={bins} height={20} aria-hidden="true" />;
}
