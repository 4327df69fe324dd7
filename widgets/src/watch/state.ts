// What the dashboard shows, as signals. `receive` applies one frame of `dlnb/widgets/watch.py`.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import type { Column } from "../core/frame";
import type { Mark } from "../core/curve";
import { Pieces } from "../core/pieces";
import type { Control, ControlShape } from "../core/places";
import { type Gallery, type Shape, gallery } from "./previews";

export type RunState = "ready" | "running" | "paused" | "done" | "failed";
export const PANELS = ["curves", "knobs", "health", "predictions", "layers", "time"] as const;
export type PanelName = (typeof PANELS)[number];

export interface Failure {
  kind: string;
  words: string;
  traceback: string;
}
/** What every frame says. */
export interface Status {
  model: string;
  task: string;
  state: RunState;
  step: number;
  total: number;
  epoch: number;
  epochs: number;
  seconds: number;
  rate: number | null;
  left: number | null;
  observing: number;
  /** How many times slower than alone the run is now, as the kernel is busy. */
  busy: number;
  loss: number | null;
  /** Something to know of the run that is no error. */
  word: string;
  knobs: Record<string, number | null>;
  error: Failure | null;
  /** Why the last command was refused, and the how manieth notice that is. */
  notice: string;
  noticed: number;
  /** Why the examples cannot be shown. */
  trouble: string;
}
/** What is sent at the start and never changes. */
export interface Fixed {
  only: PanelName | null;
  /** Whether the task has examples to show. */
  examples: boolean;
  /** What guessing would cost, where the loss says so. */
  chance: { value: number; label: string } | null;
}
export interface KnobsShape {
  controls: ControlShape[];
  schedule: { words: string; held: boolean; scale: number } | null;
  layers: { name: string; frozen: boolean }[];
  /** What undo would take back, or nothing. */
  undo: string;
}
export interface Knobs extends KnobsShape {
  controls: Control[];
}
export interface Finding {
  id: string;
  rule: string;
  severity: "stop" | "warn" | "note";
  sentence: string;
  step: number;
  layer: string | null;
  remedy: { words: string; knobs: Record<string, number | string | null> } | null;
  trial: { state: "running" | "tested" | "adopted" | "failed"; words: string } | null;
}
export interface Health {
  findings: Finding[];
  checked: string[];
}
export interface TimeLine {
  number: number;
  name: string;
  parent: number | null;
  start: number;
  end: number;
  /** Where the line holds its smallest validation loss. */
  best: number | null;
  /** The run that is on it, if it is another than this one. */
  run: { state: RunState; step: number; loss: number | null } | null;
  knobs: string; // what it has otherwise than its parent
}
export interface Time {
  lines: TimeLine[];
  current: number;
  /** False once steps that were made again gave other numbers. */
  exact: boolean;
  megabytes: number;
  budget: number;
}
export interface WhatIf {
  number: number;
  knob: string;
  step: number;
  steps: number;
  settings: { value: number; loss: number | null }[];
}
export interface LayerTable {
  names: string[];
  step: number;
  columns: string[];
}
export interface Layers extends LayerTable {
  values: Map<string, Float32Array>; // one value a layer
  histograms: Uint8Array | null; // (layers, bins), 255 is the fullest bin
}
export interface WatchFrame extends Frame, Status {
  marks: [number, string][];
  /** The half-life of the smoothed curves; where they are sent. */
  halfLife?: number;
  fixed?: Fixed;
  /** The smoothed curves begin anew. */
  smoothAgain?: boolean;
  /** The lines that are compared and begin anew. */
  linesAgain?: number[];
  gallery?: Shape;
  controls?: KnobsShape;
  health?: Health;
  time?: Time;
  whatIf?: WhatIf | null;
  layers?: LayerTable;
}

const CURVE = /^(?:(smooth|line(\d+)):)?(.*)\/steps$/s;

export class WatchState {
  readonly status = signal<Status | null>(null);
  readonly fixed = signal<Fixed>({ only: null, examples: false, chance: null });
  readonly knobs = signal<Knobs | null>(null);
  readonly health = signal<Health | null>(null);
  readonly time = signal<Time | null>(null);
  readonly layers = signal<Layers | null>(null);
  readonly whatIf = signal<WhatIf | null>(null);
  readonly gallery = signal<Gallery | null>(null);
  readonly marks = signal<Mark[]>([]);
  /** Whether the kernel has said nothing for longer than it should. */
  readonly silent = signal(false);
  /** The curves change in place; this number changes with them. */
  readonly version = signal(0);
  /** Told after a full frame: what the view wants has to be said again. */
  onFull: () => void = () => {};
  halfLife = 0;
  curves = new Map<string, Pieces>();
  smooth = new Map<string, Pieces>();
  /** The curves of other lines of the timeline, by the line's number. */
  lines = new Map<number, Map<string, Pieces>>();
  /** What might be: one curve for each setting. */
  fans: Pieces[] = [];
  snapshots = new Map<number, Int32Array>();
  private shape: KnobsShape | null = null;

  receive(frame: WatchFrame, columns: Map<string, Column>): void {
    if (frame.full) {
      this.curves = new Map();
      this.lines = new Map();
      this.marks.value = [];
    }
    if (frame.full || frame.smoothAgain) this.smooth = new Map();
    for (const number of frame.linesAgain ?? []) this.lines.delete(number);
    if (frame.halfLife !== undefined) this.halfLife = frame.halfLife;
    for (const [key, steps] of columns) {
      const [, kind, line, name] = CURVE.exec(key) ?? [];
      const stem = key.slice(0, -"/steps".length);
      const mean = columns.get(`${stem}/mean`);
      if (name === undefined || !mean) continue;
      const home = line ? this.line(Number(line)) : kind ? this.smooth : this.curves;
      const pieces = home.get(name) ?? new Pieces();
      home.set(name, pieces);
      pieces.append(steps, mean, columns.get(`${stem}/low`), columns.get(`${stem}/high`));
      const gaps = columns.get(`${stem}/gaps`);
      const before = columns.get(`${stem}/before`);
      if (gaps && before) gaps.forEach((step, i) => pieces.gaps.push([step, before[i]!]));
    }
    if (frame.marks.length) this.marks.value = [...this.marks.value, ...frame.marks.map(([step, text]) => ({ step, text }))];
    if (frame.gallery) this.gallery.value = gallery(frame.gallery, columns, this.gallery.value);
    if (frame.fixed) this.fixed.value = frame.fixed;
    if (frame.controls) this.shape = frame.controls;
    if (this.shape) {
      const controls = this.shape.controls.map((control) => ({ ...control, value: frame.knobs[control.name] ?? null }));
      this.knobs.value = { ...this.shape, controls };
    }
    if (frame.health) this.health.value = frame.health;
    if (frame.time) {
      for (const { number } of frame.time.lines) {
        const steps = columns.get(`time${number}`);
        if (steps) this.snapshots.set(number, steps as Int32Array);
      }
      this.time.value = frame.time;
    }
    if (frame.whatIf !== undefined) this.receiveWhatIf(frame.whatIf, columns);
    if (frame.layers) this.layers.value = layers(frame.layers, columns, this.layers.value);
    this.status.value = frame;
    this.version.value += 1;
    if (frame.full) this.onFull();
  }

  /** One sentence that says where the run is, for those who do not see the curves. */
  summary(): string {
    const now = this.status.value;
    if (!now) return "Waiting for the run.";
    const parts = [`${STATE_WORDS[now.state]}. Step ${now.step} of ${now.total}.`];
    const loss = this.curves.get("loss");
    if (loss?.length) parts.push(`Training loss ${loss.last!.toPrecision(3)}${trend(loss)}.`);
    else if (now.loss !== null) parts.push(`Training loss ${now.loss.toPrecision(3)}.`);
    for (const [name, pieces] of this.curves)
      if (name.startsWith("valid_") && pieces.length)
        parts.push(`Validation ${name.slice("valid_".length)} ${pieces.last!.toPrecision(3)}.`);
    const warnings = this.health.value?.findings.length ?? 0;
    if (warnings) parts.push(warnings === 1 ? "One warning." : `${warnings} warnings.`);
    return parts.join(" ");
  }

  private line(number: number): Map<string, Pieces> {
    const curves = this.lines.get(number) ?? new Map<string, Pieces>();
    this.lines.set(number, curves);
    return curves;
  }

  private receiveWhatIf(whatIf: WhatIf | null, columns: Map<string, Column>): void {
    this.fans = (whatIf?.settings ?? []).map((_, i) => {
      const fan = new Pieces();
      const [steps, loss] = [columns.get(`fan${i}`), columns.get(`fan${i}/loss`)];
      if (steps && loss) fan.append(steps, loss);
      return fan;
    });
    this.whatIf.value = whatIf;
  }
}

export const STATE_WORDS: Record<RunState, string> = {
  ready: "Ready",
  running: "Training",
  paused: "Paused",
  done: "Done",
  failed: "Failed",
};

function layers(table: LayerTable, columns: Map<string, Column>, before: Layers | null): Layers {
  const values = new Map<string, Float32Array>();
  for (const name of table.columns) values.set(name, columns.get(`layers/${name}`) as Float32Array);
  const histograms = (columns.get("layers/histograms") as Uint8Array | undefined) ?? before?.histograms ?? null;
  return { ...table, values, histograms };
}

/** How the last tenth of a curve compares with the tenth before it. */
function trend({ mean }: Pieces): string {
  if (mean.length < 20) return "";
  const width = Math.floor(mean.length / 10);
  const now = average(mean.slice(-width));
  const then = average(mean.slice(-2 * width, -width));
  const little = 0.02 * Math.abs(then);
  if (now < then - little) return ", falling";
  return now > then + little ? ", rising" : ", flat";
}

function average(values: number[]): number {
  const finite = values.filter(Number.isFinite);
  return finite.reduce((sum, value) => sum + value, 0) / finite.length;
}
