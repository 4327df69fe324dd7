// A table with names: what each column is like stands above its numbers.
import type { Table, TableColumn } from "./state";
import { inCell } from "./read";

export function TableView({ shown }: { shown: Table }) {
  return (
    <div class="dlnb-tableview">
      <div class="dlnb-scroll" tabIndex={0} role="group" aria-label="The table">
        <table>
          <thead>
            <tr>
              <td />
              {shown.labels && <th scope="col">label</th>}
              {shown.columns.map((column, place) => (
                <th key={place} scope="col">
                  {column.name}
                </th>
              ))}
            </tr>
            <tr class="dlnb-quiet">
              <th scope="row">like</th>
              {shown.labels && <td />}
              {shown.columns.map((column, place) => (
                <td key={place}>{about(column)}</td>
              ))}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: shown.rows }, (_, row) => (
              <tr key={row}>
                <th scope="row">{row}</th>
                {shown.labels && <td class="dlnb-label">{shown.labels[row]}</td>}
                {shown.columns.map((column, place) => (
                  <td key={place} class={column.texts ? "dlnb-words" : ""}>
                    {cell(column, row)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {shown.note && <p class="dlnb-quiet">{shown.note}</p>}
    </div>
  );
}

/** What a column is like, in words. */
export function about({ about: parts, missing, texts }: TableColumn): string {
  const gaps = missing ? `, ${missing} missing` : "";
  if (texts) return `${parts[0]}${gaps}`;
  const [low, high, mean, deviation] = parts;
  return `${low} to ${high}, mean ${mean} ± ${deviation}${gaps}`;
}

function cell({ texts, numbers }: TableColumn, row: number): string {
  if (texts) return texts[row] ?? "";
  const value = numbers![row]!;
  return Number.isNaN(value) ? "" : inCell(value, false);
}
