// Parallel coordinates: an axis for each setting and one for the goal, a line across them for each run. A part of an
// axis is chosen by dragging along it, or with the arrow keys; lines outside fade, everywhere in the widget.
import { useRef } from "preact/hooks";
import { number } from "../core/format";
import { Canvas, type Paint } from "./canvas";
import { colours } from "./paint";
import { type Axis, type Brush, type CompareState, valueAt } from "./state";

const HEIGHT = 190;
const ROOM = { top: 22, bottom: 22, side: 44 };
const STEP = 0.1; // of the axis, by one press of an arrow key
const MOST = 12; // axes that there is room for

export function Parallel({ state }: { state: CompareState }) {
  state.version.value;
  const lines = state.lines.value;
  const selected = state.selected.value;
  const axes = [...mostImportant(state), state.goalAxis()];
  const brushes = state.brushes.value;
  const across = (i: number) => (axes.length < 2 ? 0.5 : i / (axes.length - 1));
  const paint: Paint = (context, width, height, host) => {
    const ink = colours(host, lines);
    const x = (i: number) => ROOM.side + across(i) * (width - 2 * ROOM.side);
    const y = (share: number) => height - ROOM.bottom - share * (height - ROOM.top - ROOM.bottom);
    const shares = axes.map((axis) => lines.map((_, line) => state.share(axis.name, line)));
    const draw = (line: number, alpha: number, thick: number) => {
      context.globalAlpha = alpha;
      context.strokeStyle = ink[line]!;
      context.lineWidth = thick;
      context.beginPath();
      let begun = false;
      axes.forEach((axis, i) => {
        const share = shares[i]![line]!;
        if (Number.isNaN(share)) return void (begun = false);
        // Lines with the same choice lie side by side, so that one sees how many they are.
        const apart = axis.choices ? ((line * 0.618) % 1) * 0.05 - 0.025 : 0;
        if (begun) context.lineTo(x(i), y(share + apart));
        else context.moveTo(x(i), y(share + apart));
        begun = true;
      });
      context.stroke();
    };
    const order = lines.map((_, i) => i).sort((a, b) => (lines[a]!.rank || 0) - (lines[b]!.rank || 0));
    const many = lines.length > 24;
    for (const i of order) draw(i, state.isChosen(i) ? (many ? 0.6 : 0.9) : 0.07, many ? 1 : 1.6);
    if (selected !== null && lines[selected]) draw(selected, 1, 3);
    context.globalAlpha = 1;
  };
  const set = (axis: Axis, brush: Brush | null) => {
    const next = new Map(state.brushes.value);
    if (brush) next.set(axis.name, brush);
    else next.delete(axis.name);
    state.brushes.value = next;
  };
  return (
    <section class="dlnb-parallel" role="group" aria-label="Settings and the goal, side by side">
      <h3>
        Settings <span class="dlnb-quiet">drag along an axis to choose lines, double-click to choose all again</span>
      </h3>
      <div class="dlnb-coordinates">
        <Canvas paint={paint} height={HEIGHT} />
        {axes.map((axis, i) => (
          <AxisHandle
            key={axis.name}
            axis={axis}
            left={`calc(${ROOM.side}px + ${across(i)} * (100% - ${2 * ROOM.side}px))`}
            brush={brushes.get(axis.name) ?? null}
            onBrush={(brush) => set(axis, brush)}
          />
        ))}
      </div>
    </section>
  );
}

/** The settings there is room for, what mattered most next to the goal. */
export function mostImportant(state: CompareState): Axis[] {
  const mattered = new Map(state.status.value?.importance ?? []);
  const axes = state.axes.value;
  if (axes.length < MOST) return axes;
  return [...axes].sort((a, b) => (mattered.get(b.name) ?? 0) - (mattered.get(a.name) ?? 0)).slice(0, MOST - 1);
}

interface HandleProps {
  axis: Axis;
  left: string;
  brush: Brush | null;
  onBrush: (brush: Brush | null) => void;
}

function AxisHandle({ axis, left, brush, onBrush }: HandleProps) {
  const from = useRef<number | null>(null);
  const place = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / box.height));
  };
  const end = (which: 0 | 1) =>
    axis.choices ? (axis.choices[which ? axis.choices.length - 1 : 0] ?? "") : number(which ? axis.high : axis.low);
  const text = brush ? words(axis, brush) : "all";
  return (
    <div class="dlnb-axis" style={{ left }}>
      <b>{axis.name.replaceAll("_", " ")}</b>
      <span class="dlnb-end">{end(1)}</span>
      <div
        class="dlnb-rail"
        style={{ top: ROOM.top, height: HEIGHT - ROOM.top - ROOM.bottom }}
        tabIndex={0}
        role="slider"
        aria-orientation="vertical"
        aria-label={`${axis.name}: which lines are chosen`}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(brush ? 50 * (brush[0] + brush[1]) : 50)}
        aria-valuetext={text}
        title={`${axis.name}: ${text}. Arrow keys move, with Shift widen and narrow, Escape chooses all`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture?.(event.pointerId);
          from.current = place(event);
        }}
        onPointerMove={(event) => {
          if (from.current === null) return;
          const now = place(event);
          if (Math.abs(now - from.current) > 0.02) onBrush([Math.min(now, from.current), Math.max(now, from.current)]);
        }}
        onPointerUp={() => (from.current = null)}
        onPointerCancel={() => (from.current = null)}
        onDblClick={() => onBrush(null)}
        onKeyDown={(event) => {
          const next = byKey(event.key, event.shiftKey, brush);
          if (next === undefined) return;
          onBrush(next);
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        {brush && <i style={{ bottom: `${100 * brush[0]}%`, height: `${100 * (brush[1] - brush[0])}%` }} />}
      </div>
      <span class="dlnb-end dlnb-low">{end(0)}</span>
    </div>
  );
}

/** What a key makes of a brush: null to choose all, undefined where it means nothing. */
export function byKey(key: string, shift: boolean, brush: Brush | null): Brush | null | undefined {
  if (key === "Escape" || key === "Delete") return null;
  const by = { ArrowUp: STEP, ArrowDown: -STEP }[key];
  if (by === undefined) return undefined;
  if (!brush) return by > 0 ? [0.5, 1] : [0, 0.5];
  const [low, high] = brush;
  if (shift) {
    const wider = Math.max(STEP, high - low + by);
    const middle = (low + high) / 2;
    return [Math.max(0, middle - wider / 2), Math.min(1, middle + wider / 2)];
  }
  const move = Math.max(-low, Math.min(1 - high, by));
  return [low + move, high + move];
}

/** A brush in the axis' own values. */
export function words(axis: Axis, [low, high]: Brush): string {
  if (!axis.choices) return `${number(valueAt(axis, low))} to ${number(valueAt(axis, high))}`;
  const last = axis.choices.length - 1;
  return axis.choices.filter((_, i) => (last ? i / last : 0.5) >= low && (last ? i / last : 0.5) <= high).join(", ") || "none";
}
