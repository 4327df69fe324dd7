// A map one can read: the value under the pointer or the cursor, in words and as a table.
import type { Signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../core/format";
import { RAMP } from "../core/viridis";
import { paint, toBytes } from "./paint";
import type { Detail } from "./state";

const WRAP = 32; // values of a vector in a row

interface Props {
  detail: Detail;
  values: Float32Array;
  what: string;
  table: boolean;
  theme: Signal<number>;
  onUnit: (unit: number) => void;
}

/** How a map is laid out: a long vector in several rows. */
export function layout({ rows, cells, kind }: Pick<Detail, "rows" | "cells" | "kind">): { rows: number; cells: number } {
  if (kind !== "units" || cells <= WRAP) return { rows, cells };
  return { rows: Math.ceil(cells / WRAP), cells: WRAP };
}

/** What cell `place` of the map stands for: its place in the layer's output, in words, and its unit. */
export function locate(detail: Detail, place: number): { words: string; unit: number | null } {
  const y = Math.floor(place / detail.cells);
  const x = place % detail.cells;
  const full = (at: number, shown: number, all: number) => Math.floor((at * all) / shown);
  const [row, column] = [full(y, detail.rows, detail.height), full(x, detail.cells, detail.width)];
  switch (detail.kind) {
    case "units":
      return { words: `unit ${column}`, unit: column };
    case "time × units":
      return { words: `time ${row}, unit ${column}`, unit: column };
    case "units × time":
      return { words: `unit ${row}, time ${column}`, unit: row };
    case "maps":
      return { words: `channel ${detail.unit}, row ${row}, column ${column}`, unit: null };
    default:
      return { words: "value", unit: null };
  }
}

/** The cells that stand for the unit that was taken, as a box in a map of `rows` by `cells`. */
export function taken(detail: Detail): { x: number; y: number; wide: number; tall: number } | null {
  const { rows, cells } = layout(detail);
  if (detail.unit === null || detail.kind === "maps" || detail.kind === "none" || detail.kind === "number") return null;
  if (detail.kind === "units × time") return { x: 0, y: Math.floor((detail.unit * detail.rows) / detail.height), wide: cells, tall: 1 };
  const place = Math.floor((detail.unit * detail.cells) / detail.width);
  if (detail.kind === "units") return { x: place % cells, y: Math.floor(place / cells), wide: 1, tall: 1 };
  return { x: place, y: 0, wide: 1, tall: rows };
}

export function BigMap({ detail, values, what, table, theme, onUnit }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal<number | null>(null);
  const version = theme.value;
  const { rows, cells } = layout(detail);
  const { data, signed, scale } = toBytes(values);
  useEffect(() => {
    if (!canvas.current) return;
    const whole = new Uint8Array(rows * cells).fill(signed ? 127 : 0);
    whole.set(data);
    paint(canvas.current, { count: 1, height: rows, width: cells, signed, scale, data: whole }, 1);
  }, [values, rows, cells, version]);

  const place = at.value !== null && at.value < values.length ? at.value : null;
  const said = place === null ? "" : `${locate(detail, place).words}: ${number(values[place])}`;
  const times = Math.max(1, Math.min(20, Math.floor(280 / Math.max(rows, cells))));
  const point = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [((event.clientX - box.left) / box.width) * cells, ((event.clientY - box.top) / box.height) * rows];
    const index = Math.floor(y) * cells + Math.floor(x);
    return index >= 0 && index < values.length ? index : null;
  };
  const choose = (index: number | null) => {
    const unit = index === null ? null : locate(detail, index).unit;
    if (unit !== null) onUnit(unit);
  };
  const press = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -cells, ArrowDown: cells };
    const move = moves[event.key];
    if (move !== undefined) {
      const to = (at.value ?? -move) + move;
      if (to >= 0 && to < values.length) at.value = to;
    } else if (event.key === "Enter") choose(at.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const box = taken(detail);
  const share = ({ x, y, wide, tall }: NonNullable<typeof box>) => ({
    left: `${(100 * x) / cells}%`,
    top: `${(100 * y) / rows}%`,
    width: `${(100 * wide) / cells}%`,
    height: `${(100 * tall) / rows}%`,
  });
  const [y, x] = place === null ? [0, 0] : [Math.floor(place / cells), place % cells];
  return (
    <figure class="dlnb-big">
      <div class="dlnb-big-frame" style={{ width: `${times * cells}px`, aspectRatio: `${cells} / ${rows}` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`${what}, ${detail.height} by ${detail.width}. Arrow keys read the values${detail.kind === "maps" ? "" : ", Enter takes the unit"}.`}
          onPointerMove={(event) => (at.value = point(event))}
          onPointerLeave={() => (at.value = null)}
          onClick={(event) => choose(point(event as unknown as PointerEvent))}
          onKeyDown={press}
        />
        {box && <i class="dlnb-taken" style={share(box)} />}
        {place !== null && <i class="dlnb-cursor" style={share({ x, y, wide: 1, tall: 1 })} />}
      </div>
      <Legend signed={signed} scale={scale} />
      <output class="dlnb-point" aria-live="polite">
        {said || (detail.height > detail.rows || detail.width > detail.cells ? "averaged down; point at a cell to read it" : "point at a cell to read it")}
      </output>
      {table && <Table detail={detail} values={values} />}
    </figure>
  );
}

function Legend({ signed, scale }: { signed: boolean; scale: number }) {
  return (
    <div class="dlnb-legend">
      <span>{signed ? number(-scale) : "0"}</span>
      <i class={signed ? "dlnb-ramp-signed" : ""} style={signed ? undefined : { background: RAMP }} />
      <span>{number(scale)}</span>
    </div>
  );
}

function Table({ detail, values }: { detail: Detail; values: Float32Array }) {
  const { rows, cells } = layout(detail);
  return (
    <div class="dlnb-values" tabIndex={0} role="group" aria-label="The values as a table">
      <table>
        <tbody>
          {Array.from({ length: rows }, (_, y) => (
            <tr key={y}>
              {Array.from(values.subarray(y * cells, (y + 1) * cells), (value, x) => (
                <td key={x}>{Number.isNaN(value) ? "NaN" : number(value)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
