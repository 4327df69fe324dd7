// Who is taken for whom: the confusion matrix as a heat map, read cell by cell with mouse or arrow keys.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { percent } from "../core/format";
import { onThemeChange, themed } from "../core/theme";
import { viridis } from "../core/viridis";
import type { ErrorsState } from "./state";

const SIDE = 380; // pixels of the map, at most
const NUMBERS = 16; // classes up to which each cell has room for its number
const NAMES = 34; // classes up to which the axes have room for names

export interface Shades {
  shares: boolean;
  mistakes: boolean;
}

interface Props {
  state: ErrorsState;
  shades: Shades;
  onShades: (part: Partial<Shades>) => void;
  onCell: (truth: number, said: number) => void;
}

export function Matrix({ state, shades, onShades, onCell }: Props) {
  state.matrixVersion.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const at = useSignal<[number, number] | null>(null);
  const found = state.found.value!;
  const count = found.classes.length;
  const paint = () => canvas.current && draw(canvas.current, state, shades, at.value);
  const latest = useRef(paint);
  latest.current = paint;
  // Before the page is painted: it gives the canvas its size, and a click must find the cell that is seen.
  useLayoutEffect(() => {
    latest.current();
  });
  useEffect(() => {
    let due = 0;
    const again = () => {
      cancelAnimationFrame(due);
      due = requestAnimationFrame(() => latest.current()); // once the page has its new size and colours
    };
    const resized = new ResizeObserver(again);
    resized.observe(canvas.current!.parentElement!);
    const stop = onThemeChange(again);
    return () => {
      cancelAnimationFrame(due);
      resized.disconnect();
      stop();
    };
  }, []);
  const place = (event: MouseEvent): [number, number] | null => {
    const { left, top, side } = layout(canvas.current!, found.classes);
    const box = canvas.current!.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left - left) / side) * count);
    const row = Math.floor(((event.clientY - box.top - top) / side) * count);
    return row < 0 || column < 0 || row >= count || column >= count ? null : [row, column];
  };
  const open = (cell: [number, number] | null) => cell && onCell(found.shown[cell[0]]!, found.shown[cell[1]]!);
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (by) {
      const [row, column] = at.value ?? [by[0]! > 0 ? -1 : 0, by[1]! > 0 ? -1 : 0];
      const inside = (value: number) => Math.min(count - 1, Math.max(0, value));
      at.value = [inside(row + by[0]!), inside(column + by[1]!)];
    } else if (event.key === "Enter" || event.key === " ") open(at.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <section class="dlnb-matrix" role="group" aria-label="Confusion matrix">
      <h3>
        Who is taken for whom <span class="dlnb-quiet">rows: truly, columns: the model says</span>
      </h3>
      <div class="dlnb-tools">
        <label>
          <input type="checkbox" checked={shades.shares} onChange={(event) => onShades({ shares: event.currentTarget.checked })} /> shares of the row
        </label>
        <label>
          <input type="checkbox" checked={shades.mistakes} onChange={(event) => onShades({ mistakes: event.currentTarget.checked })} /> mistakes only
        </label>
      </div>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="img"
        aria-label={`Confusion matrix of ${count} classes. ${found.summary} Arrow keys read the cells, Enter shows the examples in one.`}
        onKeyDown={onKeyDown}
        onMouseMove={(event) => (at.value = place(event))}
        onMouseLeave={() => (at.value = null)}
        onClick={(event) => open((at.value = place(event)))}
        onBlur={() => (at.value = null)}
      />
      <output class="dlnb-point" aria-live="polite">
        {at.value ? cellWords(state, ...at.value) : count < found.classCount ? `The ${count} of ${found.classCount} classes with most mistakes.` : ""}
      </output>
    </section>
  );
}

/** A cell in words. */
export function cellWords(state: ErrorsState, row: number, column: number): string {
  const { classes } = state.found.value!;
  const [count, total] = [state.cell(row, column), state.rowTotal(row)];
  const examples = `${count.toLocaleString("en")} ${count === 1 ? "example" : "examples"}`;
  const share = total ? `, ${percent(count / total)} of them` : "";
  return `truly ${classes[row]}, the model says ${classes[column]}: ${examples}${share}`;
}

/** How strong each cell is, from 0 to 1; NaN for one that is left out. */
export function strengths(state: ErrorsState, shades: Shades): Float32Array {
  const count = state.found.value?.classes.length ?? 0;
  const values = new Float32Array(count * count);
  for (let row = 0; row < count; row++) {
    const total = shades.shares ? Math.max(1, state.rowTotal(row)) : 1;
    for (let column = 0; column < count; column++)
      values[row * count + column] = shades.mistakes && row === column ? NaN : state.cell(row, column) / total;
  }
  const most = values.reduce((top, value) => (value > top ? value : top), 0);
  const scale = shades.shares && !shades.mistakes ? 1 : most || 1;
  return values.map((value) => value / scale);
}

function layout(canvas: HTMLCanvasElement, classes: string[]): { left: number; top: number; side: number } {
  const longest = classes.reduce((most, name) => Math.max(most, name.length), 0);
  const named = classes.length <= NAMES;
  const left = named ? Math.min(90, 8 + 7 * Math.min(12, longest)) : 4;
  const width = canvas.parentElement!.clientWidth;
  const side = Math.max(60, Math.min(SIDE, width - left - 4));
  return { left, top: named ? (longest > 2 ? Math.min(80, 6 + 6 * Math.min(12, longest)) : 20) : 4, side };
}

function draw(canvas: HTMLCanvasElement, state: ErrorsState, shades: Shades, at: [number, number] | null): void {
  const classes = state.found.value?.classes ?? [];
  const count = classes.length;
  if (!count || canvas.parentElement!.clientWidth === 0) return;
  const { left, top, side } = layout(canvas, classes);
  const ratio = devicePixelRatio || 1;
  const [width, height] = [left + side + 2, top + side + 2];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const values = strengths(state, shades);
  const image = new ImageData(count, count);
  values.forEach((value, i) => image.data.set(Number.isNaN(value) ? [128, 128, 128, 60] : [...viridis(value), 255], 4 * i));
  const small = document.createElement("canvas");
  small.width = small.height = count;
  small.getContext("2d")!.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, top, side, side);

  const cell = side / count;
  context.font = `${Math.min(12, Math.max(8, cell * 0.42))}px ${themed(canvas, "--jp-ui-font-family", "sans-serif")}`;
  context.textBaseline = "middle";
  if (count <= NUMBERS) {
    context.textAlign = "center";
    values.forEach((value, i) => {
      const [row, column] = [Math.floor(i / count), i % count];
      const number = state.cell(row, column);
      if (!number || Number.isNaN(value)) return;
      context.fillStyle = value > 0.6 ? "#000" : "#fff";
      const text = shades.shares ? shareOf(number / Math.max(1, state.rowTotal(row))) : number.toLocaleString("en");
      context.fillText(text, left + (column + 0.5) * cell, top + (row + 0.5) * cell, cell - 2);
    });
  }
  if (count <= NAMES) {
    context.fillStyle = themed(canvas, "--jp-ui-font-color1", "#888");
    classes.forEach((name, k) => {
      const text = name.length > 12 ? `${name.slice(0, 11)}…` : name;
      const middle = (k + 0.5) * cell;
      context.textAlign = "right";
      context.fillText(text, left - 5, top + middle, left - 6);
      context.save();
      context.translate(left + middle, top - 5);
      if (top > 20) context.rotate(-Math.PI / 2);
      context.textAlign = top > 20 ? "left" : "center";
      if (top <= 20) context.textBaseline = "bottom";
      context.fillText(text, 0, 0, top > 20 ? top - 6 : cell);
      context.restore();
    });
  }
  if (at) {
    context.strokeStyle = themed(canvas, "--dlnb-orange", "#d55e00");
    context.lineWidth = 2;
    context.strokeRect(left + at[1] * cell, top + at[0] * cell, cell, cell);
  }
}

/** A share in as few letters as a cell has room for. */
function shareOf(share: number): string {
  return share >= 0.995 ? "1" : share.toFixed(2).replace(/^0/, "");
}
