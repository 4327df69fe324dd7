// All curves over each other: coloured by how good they are, read by mouse or arrow keys, clicked to be chosen.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { number } from "../core/format";
import { themed } from "../core/theme";
import { Canvas, type Paint } from "./canvas";
import { colours, marks, smoothed } from "./paint";
import type { CompareState } from "./state";

const HEIGHT = 260;
const ROOM = { left: 46, right: 8, top: 8, bottom: 24 };
const NEAR = 18; // pixels within which the mouse finds a line

export interface View {
  logarithmic: boolean;
  halfLife: number; // steps
  table: boolean;
}
interface Plane {
  x: (step: number) => number;
  y: (value: number) => number;
  curves: ArrayLike<number>[];
}

export function Overlay({ state, view }: { state: CompareState; view: View }) {
  state.version.value;
  const selected = state.selected.value;
  const lines = state.lines.value;
  const plane = useRef<Plane | null>(null);
  const hover = useSignal<number | null>(null);
  const point = useSignal("");
  const place = useRef(-1); // the piece that is read by keys
  const brushes = state.brushes.value;
  const lit = hover.value ?? selected;

  const paint: Paint = (context, width, height, host) => {
    const curves = state.curves.map((curve) => (view.halfLife ? smoothed(curve, view.halfLife / state.width) : curve));
    const chosen = lines.map((_, i) => state.isChosen(i));
    const [low, high] = span(curves.filter((_, i) => chosen[i] || !brushes.size), view.logarithmic);
    const reached = Math.max(1, ...lines.map((line) => line.step));
    const x = (step: number) => ROOM.left + ((width - ROOM.left - ROOM.right) * step) / reached;
    const share = (value: number) => (view.logarithmic ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
    const y = (value: number) => height - ROOM.bottom - (height - ROOM.bottom - ROOM.top) * share(value);
    plane.current = { x, y, curves };
    drawAxes(context, host, width, height, { low, high, reached, logarithmic: view.logarithmic, x, y });
    const ink = colours(host, lines);
    const stepOf = (i: number, line: number) => Math.min(i * state.width, lines[line]!.step);
    const draw = (line: number, alpha: number, thick: number) => {
      const curve = curves[line];
      if (!curve) return;
      context.globalAlpha = alpha;
      context.strokeStyle = ink[line]!;
      context.lineWidth = thick;
      context.beginPath();
      let begun = false;
      for (let i = 0; i < curve.length; i++) {
        const value = curve[i]!;
        if (!Number.isFinite(value) || (view.logarithmic && value <= 0)) continue;
        if (begun) context.lineTo(x(stepOf(i, line)), y(value));
        else context.moveTo(x(stepOf(i, line)), y(value));
        begun = true;
      }
      context.stroke();
    };
    context.save();
    context.beginPath();
    context.rect(ROOM.left, 0, width - ROOM.left - ROOM.right + 2, height - ROOM.bottom + 1);
    context.clip();
    context.lineJoin = "round";
    const many = lines.length > 24;
    const order = lines.map((_, i) => i).sort((a, b) => (lines[a]!.rank || 0) - (lines[b]!.rank || 0));
    for (const i of order) {
      const faint = !chosen[i] || (lit !== null && lit !== i);
      draw(i, faint ? (many ? 0.12 : 0.25) : many ? 0.75 : 1, many ? 1.1 : 1.8);
    }
    if (lit !== null && lines[lit]) draw(lit, 1, 2.8);
    context.restore();
  };

  const nearest = (event: MouseEvent): number | null => {
    if (!plane.current) return null;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const { x, y, curves } = plane.current;
    let found: number | null = null;
    let least = NEAR;
    curves.forEach((curve, line) => {
      if (!curve || !lines[line] || !state.isChosen(line)) return;
      const at = value(curve, left, (i) => x(Math.min(i * state.width, lines[line]!.step)));
      if (at === null) return;
      const away = Math.abs(y(at) - top);
      if (away < least) [least, found] = [away, line];
    });
    return found;
  };
  const say = (line: number, i: number) => {
    const curve = state.curves[line];
    if (!curve) return;
    const step = Math.min(i * state.width, lines[line]!.step);
    point.value = `${lines[line]!.label}, step ${step.toLocaleString("en")}: ${number(curve[i])}`;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.key === "Escape") state.selected.value = null;
    else if (by !== undefined && event.key.match(/Up|Down/)) {
      const shown = lines.map((_, i) => i).filter((i) => state.isChosen(i));
      const now = shown.indexOf(selected ?? -1);
      const next = shown[(now < 0 ? (by > 0 ? 0 : shown.length - 1) : now + by + shown.length) % shown.length];
      if (next === undefined) return;
      state.selected.value = next;
      place.current = (state.curves[next]?.length ?? 1) - 1;
      say(next, place.current);
    } else if (by !== undefined && selected !== null) {
      const length = state.curves[selected]?.length ?? 0;
      place.current = Math.min(length - 1, Math.max(0, (place.current < 0 ? length - 1 : place.current) + by));
      say(selected, place.current);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="dlnb-overlay">
      <div
        class="dlnb-plot"
        tabIndex={0}
        role="img"
        aria-label={`${state.status.value?.column.replaceAll("_", " ")} over steps. ${state.summary()} Up and down choose a line, left and right read its points.`}
        onKeyDown={onKeyDown}
        onMouseMove={(event) => {
          hover.value = nearest(event);
          if (hover.value !== null) {
            const line = lines[hover.value]!;
            point.value = `${line.label}: ${state.axes.value.slice(0, 6).map((axis) => `${axis.name} ${state.words(axis, hover.value!)}`).join(", ")}; ${state.status.value!.goal.replaceAll("_", " ")} ${number(line.value)}`;
          }
        }}
        onMouseLeave={() => (hover.value = null)}
        onClick={(event) => (state.selected.value = nearest(event))}
      >
        <Canvas paint={paint} height={HEIGHT} />
      </div>
      <output class="dlnb-point" aria-live="polite">
        {point.value}
      </output>
    </figure>
  );
}

/** The smallest and largest value of all curves, with a little room. What lies far out on a linear axis is cut off. */
export function span(curves: ArrayLike<number>[], logarithmic: boolean): [number, number] {
  const values: number[] = [];
  for (const curve of curves) for (let i = 0; i < (curve?.length ?? 0); i++) if (Number.isFinite(curve[i]) && (!logarithmic || curve[i]! > 0)) values.push(curve[i]!);
  if (!values.length) return logarithmic ? [0.1, 1] : [0, 1];
  values.sort((a, b) => a - b);
  const low = values[0]!;
  let high = values[values.length - 1]!;
  if (logarithmic) return high > low ? [low / 1.05, high * 1.05] : [low / 2, high * 2];
  const usual = values[Math.floor(values.length * 0.98)]!;
  if (high - low > 5 * (usual - low) && usual > low) high = low + 1.3 * (usual - low);
  const room = (high - low || Math.abs(high) || 1) * 0.04;
  return [low >= 0 && low < 0.3 * high ? 0 : low - room, high + room];
}

/** The height of a curve at a place across, between the two points around it. */
function value(curve: ArrayLike<number>, left: number, x: (i: number) => number): number | null {
  for (let i = 1; i < curve.length; i++) {
    if (x(i) < left || x(i - 1) > left) continue;
    const part = (left - x(i - 1)) / (x(i) - x(i - 1) || 1);
    const at = curve[i - 1]! + (curve[i]! - curve[i - 1]!) * part;
    return Number.isFinite(at) ? at : null;
  }
  return null;
}

interface Axes {
  low: number;
  high: number;
  reached: number;
  logarithmic: boolean;
  x: (step: number) => number;
  y: (value: number) => number;
}

function drawAxes(context: CanvasRenderingContext2D, host: HTMLElement, width: number, height: number, axes: Axes): void {
  const { low, high, reached, logarithmic, x, y } = axes;
  context.font = "11px " + themed(host, "--jp-ui-font-family", "sans-serif");
  context.fillStyle = themed(host, "--jp-ui-font-color1", "#000");
  context.strokeStyle = themed(host, "--jp-border-color2", "#8884");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const value of marks(low, high, logarithmic, 5)) {
    context.fillText(number(value), ROOM.left - 5, y(value));
    line(context, ROOM.left, y(value), width - ROOM.right, y(value));
  }
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const step of marks(0, reached, false, Math.max(2, width / 110))) {
    if (step % 1 === 0) context.fillText(step.toLocaleString("en"), Math.min(x(step), width - 18), height - ROOM.bottom + 7);
  }
  line(context, ROOM.left, height - ROOM.bottom, width - ROOM.right, height - ROOM.bottom);
}

function line(context: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  context.beginPath();
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  context.stroke();
}
