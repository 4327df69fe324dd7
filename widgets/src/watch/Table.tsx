// Where nobody can see a curve: its numbers, thinned to at most 200 rows.
import type { Line } from "../core/curve";
import { number } from "../core/format";

const ROWS = 200;

/** Steps for the rows of a table: all of the short columns, and of the longest what there is room for, evenly. */
export function tableSteps(columns: number[][], most: number): number[] {
  const longest = columns.reduce((long, column) => (column.length > long.length ? column : long), []);
  const few = thinned([...new Set(columns.filter((column) => column !== longest).flat())].sort((a, b) => a - b), most / 2);
  return [...new Set([...few, ...thinned(longest, most - few.length)])].sort((a, b) => a - b);
}

/** At most `most` of them, evenly, the last one among them. */
function thinned(steps: number[], most: number): number[] {
  const every = Math.ceil(steps.length / most);
  return every <= 1 ? steps : steps.filter((_, i) => (steps.length - 1 - i) % every === 0);
}

export function Table({ lines, window }: { lines: Line[]; window: [number, number] | null }) {
  const [first, last] = window ?? [0, Infinity];
  const within = (line: Line) => line.pieces.steps.filter((step) => step >= first && step <= last);
  const shown = tableSteps(lines.map(within), ROWS);
  const columns = lines.map((line) => new Map(line.pieces.steps.map((step, i) => [step, line.pieces.mean[i]!])));
  return (
    <div class="dlnb-table" tabIndex={0} role="group" aria-label="The curves as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">step</th>
            {lines.map((line) => (
              <th scope="col" key={line.label}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((step) => (
            <tr key={step}>
              <th scope="row">{step.toLocaleString("en")}</th>
              {columns.map((column, i) => (
                <td key={i}>{column.has(step) ? number(column.get(step)) : ""}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
