// What the comparison shows, as signals. `receive` applies one frame of `dlnb/widgets/compare.py`.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import { number } from "../core/format";
import type { Column } from "../core/frame";

export const STATES = ["running", "paused", "done", "pruned", "stopped", "failed", "ready"] as const;
export type LineState = (typeof STATES)[number];

export interface AxisHeader {
  name: string;
  choices: string[] | null;
  log: boolean;
  low: number;
  high: number;
}
export interface Axis extends AxisHeader {
  values: Float32Array;
}
export interface SweepStatus {
  state: string;
  wanted: number;
  begun: number;
  ended: number;
  error: string;
}
export interface CompareFrame extends Frame {
  goal: string;
  direction: "minimize" | "maximize";
  column: string;
  drawable: string[];
  importance: [string, number][];
  hidden: number;
  notice: string;
  sweep: SweepStatus | null;
  width: number;
  restart: boolean;
  labels?: string[];
  kinds?: ("run" | "trial" | "setting")[];
  axes?: AxisHeader[];
}
export interface Line {
  label: string;
  kind: "run" | "trial" | "setting";
  state: LineState;
  step: number;
  total: number;
  value: number;
  promoted: boolean;
  /** How good it is among all, 0 the worst and 1 the best; NaN where nothing is known. */
  rank: number;
}
/** The part of an axis that is chosen, in the axis' own share from 0 to 1. */
export type Brush = [number, number];

export class CompareState {
  readonly status = signal<CompareFrame | null>(null);
  readonly lines = signal<Line[]>([]);
  readonly axes = signal<Axis[]>([]);
  readonly selected = signal<number | null>(null);
  readonly brushes = signal<ReadonlyMap<string, Brush>>(new Map());
  readonly silent = signal(false);
  /** The curves change in place; this number changes with them. */
  readonly version = signal(0);
  /** For each line the mean of each piece; piece i ends at step i · width. */
  curves: number[][] = [];
  width = 1;

  receive(frame: CompareFrame, columns: Map<string, Column>): void {
    if (frame.full) this.selected.value = null;
    if (frame.full || frame.restart) this.curves = [];
    this.width = frame.width;
    this.append(columns);
    if (frame.axes) this.axes.value = frame.axes.map((axis, i) => ({ ...axis, values: columns.get(`axis/${i}`) as Float32Array }));
    const before = this.lines.value;
    const labels = frame.labels ?? before.map((line) => line.label);
    const kinds = frame.kinds ?? before.map((line) => line.kind);
    const values = [...columns.get("values")!];
    const ranks = rank(values, frame.direction);
    this.lines.value = labels.map((label, i) => ({
      label,
      kind: kinds[i]!,
      state: STATES[columns.get("states")![i]!]!,
      step: columns.get("steps")![i]!,
      total: columns.get("totals")![i]!,
      promoted: columns.get("promoted")![i] === 1,
      value: values[i]!,
      rank: ranks[i]!,
    }));
    this.status.value = frame;
    this.version.value += 1;
  }

  /** Whether a line lies within every brush. */
  isChosen(line: number): boolean {
    for (const [name, [low, high]] of this.brushes.value) {
      const share = this.share(name, line);
      if (!(share >= low && share <= high)) return false;
    }
    return true;
  }

  /** Where a line crosses an axis, from 0 at its low end to 1; the goal is an axis too. NaN where it does not. */
  share(name: string, line: number): number {
    const axis = this.allAxes().find((one) => one.name === name);
    return axis ? share(axis, axis.values[line]!) : NaN;
  }

  /** The settings and then the goal. */
  allAxes(): Axis[] {
    return [...this.axes.value, this.goalAxis()];
  }

  goalAxis(): Axis {
    const values = Float32Array.from(this.lines.value, (line) => line.value);
    const finite = [...values].filter(Number.isFinite).sort((a, b) => a - b);
    const low = finite[0] ?? 0;
    let high = finite[finite.length - 1] ?? 1;
    const log = low > 0 && high / low > 20;
    if (high <= low) high = low + 1;
    return { name: this.status.value?.goal ?? "goal", choices: null, log, low, high, values };
  }

  /** The best line of those that came to their end. */
  best(): number | null {
    const direction = this.status.value?.direction === "maximize" ? -1 : 1;
    let best: number | null = null;
    this.lines.value.forEach((line, i) => {
      if (line.state !== "done" || !Number.isFinite(line.value)) return;
      if (best === null || direction * line.value < direction * this.lines.value[best]!.value) best = i;
    });
    return best;
  }

  /** One setting of a line in words. */
  words(axis: Axis, line: number): string {
    const value = axis.values[line]!;
    if (Number.isNaN(value)) return "–";
    return axis.choices ? (axis.choices[value] ?? "–") : number(value);
  }

  /** What is seen, for those who do not see it. */
  summary(): string {
    const lines = this.lines.value;
    const count = (state: LineState) => lines.filter((line) => line.state === state).length;
    const parts = [`${lines.length} ${this.status.value?.sweep ? "trials" : "runs"}: ${STATES.filter(count).map((state) => `${count(state)} ${state}`).join(", ")}.`];
    const best = this.best();
    if (best !== null) {
      const settings = this.axes.value.map((axis) => `${axis.name} ${this.words(axis, best)}`).join(", ");
      parts.push(`Best ${this.status.value!.goal.replaceAll("_", " ")} ${number(lines[best]!.value)}, ${lines[best]!.label}${settings ? `: ${settings}` : ""}.`);
    }
    const mattered = this.status.value?.importance[0];
    if (mattered) parts.push(`${mattered[0]} mattered most.`);
    return parts.join(" ");
  }

  private append(columns: Map<string, Column>): void {
    const [line, start, length, values] = ["line", "start", "length", "values"].map((name) => columns.get(`curve/${name}`)!);
    let offset = 0;
    for (let i = 0; i < line!.length; i++) {
      const curve = (this.curves[line![i]!] ??= []);
      curve.length = Math.min(curve.length, start![i]!); // pieces from there on are said anew
      for (let j = 0; j < length![i]!; j++) curve[start![i]! + j] = values![offset + j]!;
      offset += length![i]!;
    }
  }
}

/** Where a value lies on an axis, from 0 to 1. */
export function share(axis: AxisHeader, value: number): number {
  if (axis.choices) return axis.choices.length < 2 ? 0.5 : value / (axis.choices.length - 1);
  const place = axis.log ? Math.log(value / axis.low) / Math.log(axis.high / axis.low) : (value - axis.low) / (axis.high - axis.low);
  return Math.min(1, Math.max(0, place));
}

/** The value at a share of an axis. */
export function valueAt(axis: AxisHeader, place: number): number {
  return Number((axis.log ? axis.low * (axis.high / axis.low) ** place : axis.low + (axis.high - axis.low) * place).toPrecision(9));
}

/** How good each value is among all: 0 the worst, 1 the best, equal ones alike. */
export function rank(values: number[], direction: "minimize" | "maximize"): number[] {
  const sorted = [...new Set(values.filter(Number.isFinite))].sort((a, b) => (direction === "maximize" ? a - b : b - a));
  const place = new Map(sorted.map((value, i) => [value, sorted.length < 2 ? 1 : i / (sorted.length - 1)]));
  return values.map((value) => place.get(value) ?? NaN);
}
