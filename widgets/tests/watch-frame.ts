// Frames and statuses made up for the tests of the dashboard.
import type { Column } from "../src/core/frame";
import type { ControlShape } from "../src/core/places";
import type { Status, WatchFrame } from "../src/watch/state";

export const STATUS: Status = {
  model: "LeNet", task: "digits", state: "running", step: 3, total: 100, epoch: 0, epochs: 5, seconds: 1, rate: 3, left: 30,
  observing: 0, busy: 1, loss: 2.3, word: "", knobs: { lr: 0.001, dropout: 0.2, clip: null }, error: null, notice: "", noticed: 0, trouble: "",
}; // prettier-ignore

export const LR: ControlShape = { name: "lr", low: 1e-6, high: 10, scale: "log", off: false, at: null };
export const DROPOUT: ControlShape = { name: "dropout", low: 0, high: 0.95, scale: "linear", off: false, at: null };
export const CLIP: ControlShape = { name: "clip", low: 0.01, high: 100, scale: "log", off: true, at: null };

export function frame(part: Partial<WatchFrame> = {}): WatchFrame {
  return { kind: "frame", view: "a", number: 1, full: false, columns: [], marks: [], ...STATUS, ...part };
}

export function columns(name: string, steps: number[], values: number[]): Map<string, Column> {
  return new Map<string, Column>([[`${name}/steps`, Int32Array.from(steps)], [`${name}/mean`, Float32Array.from(values)]]);
}
