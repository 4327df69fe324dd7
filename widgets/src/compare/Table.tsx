// The settings in which the lines differ, one row a line; a click on a heading sorts, a click on a name chooses the line.
import { useSignal } from "@preact/signals";
import { number } from "../core/format";
import type { CompareState } from "./state";

export function Table({ state }: { state: CompareState }) {
  state.version.value;
  const by = useSignal<{ column: string; falling: boolean }>({ column: "goal", falling: state.status.value?.direction === "maximize" });
  const axes = state.axes.value;
  const lines = state.lines.value;
  const shown = lines.map((_, i) => i).filter((i) => state.isChosen(i));
  const key = (i: number): number | string => {
    const { column } = by.value;
    if (column === "line") return i;
    if (column === "state") return lines[i]!.state;
    if (column === "step") return lines[i]!.step;
    return column === "goal" ? lines[i]!.value : (axes.find((axis) => axis.name === column)?.values[i] ?? NaN);
  };
  shown.sort((a, b) => compare(key(a), key(b), by.value.falling) || a - b);
  const headings = ["line", "state", "step", "goal", ...axes.map((axis) => axis.name)];
  const goal = state.status.value?.goal ?? "goal";
  const sort = (column: string) => (by.value = { column, falling: by.value.column === column ? !by.value.falling : false });
  return (
    <section class="dlnb-table" role="group" aria-label="What differs, as a table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {headings.map((column) => (
              <th key={column} scope="col" aria-sort={by.value.column === column ? (by.value.falling ? "descending" : "ascending") : "none"}>
                <button type="button" onClick={() => sort(column)}>
                  {(column === "goal" ? goal : column).replaceAll("_", " ")}
                  {by.value.column === column && <span aria-hidden="true">{by.value.falling ? " ▾" : " ▴"}</span>}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((i) => {
            const line = lines[i]!;
            return (
              <tr key={i} class={i === state.selected.value ? "dlnb-chosen" : ""} onClick={() => (state.selected.value = i)}>
                <th scope="row">
                  <button type="button" aria-pressed={i === state.selected.value}>
                    {line.label}
                  </button>
                </th>
                <td>{line.promoted && line.state === "running" ? "promoted" : line.state}</td>
                <td>{line.step.toLocaleString("en")}</td>
                <td>{number(line.value)}</td>
                {axes.map((axis) => (
                  <td key={axis.name}>{state.words(axis, i)}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      {!axes.length && <p class="dlnb-quiet">These runs do not differ in any setting.</p>}
    </section>
  );
}

/** What is unknown comes last, whichever way it is sorted. */
export function compare(a: number | string, b: number | string, falling: boolean): number {
  const [noA, noB] = [Number.isNaN(a), Number.isNaN(b)];
  if (noA || noB) return Number(noA) - Number(noB);
  return (a < b ? -1 : a > b ? 1 : 0) * (falling ? -1 : 1);
}
