// What the kernel has said of the race, put together from the frames of `dlnb/widgets/descend/widget.py`.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import { number } from "../core/format";
import type { Column } from "../core/frame";

export type Place = [x: number, y: number];

export interface Surface {
  name: string;
  title: string;
  about: string;
  box: [left: number, right: number, bottom: number, top: number];
  weights: [string, string];
  minima: Place[];
  lowest: number | null;
  /** Cells of the map on a side. */
  side: number;
}
export interface Knob {
  name: string;
  label: string;
  low: number;
  high: number;
  scale: "log" | "linear";
  value: number;
}
export interface Racer {
  name: string;
  label: string;
  about: string;
  on: boolean;
  steps: number;
  stuck: string;
  /** The step after which only a hundredth of the way down was left; null if it is not yet there, or nobody knows where that is. */
  arrived: number | null;
  loss: number;
  knobs: Knob[];
}
/** A line of the arithmetic, for both weights; null is a number that JSON does not have. */
export interface Line {
  name: string;
  words: string;
  formula: string;
  numbers: [string, string];
  values: [number | null, number | null];
}
export interface Status {
  racers: Racer[];
  start: Place;
  steps: number;
  over: boolean;
  chosen: string;
  lines: Line[];
  /** How far the arithmetic and PyTorch are apart. */
  apart: number | null;
  notice: string;
}
export interface DescendFrame extends Frame, Status {
  surface?: Surface;
  surfaces?: { name: string; title: string }[];
  /** By racer the step from which on its way is in this frame. */
  paths: Record<string, number>;
}
/** The way of a racer: one entry for the start and for each step. */
export interface Path {
  x: number[];
  y: number[];
  loss: number[];
}
export type Send = (kind: string, content?: object) => void;

export const LETTERS = "SMNRAW";

export class DescendState {
  readonly status = signal<Status | null>(null);
  readonly surface = signal<Surface | null>(null);
  readonly surfaces = signal<{ name: string; title: string }[]>([]);
  readonly silent = signal(false);
  /** Whether something was asked for that the kernel has not answered. */
  awaited = true;
  /** Grows with each frame. */
  readonly frames = signal(0);
  map: Float32Array = new Float32Array();
  paths = new Map<string, Path>();

  receive(frame: DescendFrame, columns: Map<string, Column>): void {
    if (frame.full) this.paths = new Map();
    if (frame.surface) {
      this.surface.value = frame.surface;
      this.map = columns.get("map") as Float32Array;
    }
    if (frame.surfaces) this.surfaces.value = frame.surfaces;
    for (const [name, first] of Object.entries(frame.paths)) this.extend(name, first, columns.get(`path/${name}`)!);
    this.status.value = frame;
    this.awaited = false;
    this.frames.value += 1;
  }

  private extend(name: string, first: number, column: Column): void {
    const empty: Path = { x: [], y: [], loss: [] };
    const { x, y, loss } = (first > 0 && this.paths.get(name)) || empty;
    for (const values of [x, y, loss]) values.length = Math.min(values.length, first);
    for (let i = 0; i + 2 < column.length; i += 3) {
      x.push(column[i]!);
      y.push(column[i + 1]!);
      loss.push(column[i + 2]!);
    }
    this.paths.set(name, { x, y, loss });
  }

  /** Those that take part, each with its place among all, which decides its colour and letter. */
  get running(): { racer: Racer; place: number; path: Path }[] {
    return (this.status.value?.racers ?? []).flatMap((racer, place) => {
      const path = this.paths.get(racer.name);
      return racer.on && path ? [{ racer, place, path }] : [];
    });
  }

  get chosen(): Racer | undefined {
    return this.status.value?.racers.find(({ name }) => name === this.status.value!.chosen);
  }

  /** The loss of the map nearest to a place; undefined beyond its edge. */
  lossAt([x, y]: Place): number | undefined {
    const surface = this.surface.value;
    if (!surface) return undefined;
    const [left, right, bottom, top] = surface.box;
    const column = Math.floor(((x - left) / (right - left)) * surface.side);
    const row = Math.floor(((y - bottom) / (top - bottom)) * surface.side);
    if (column < 0 || row < 0 || column >= surface.side || row >= surface.side) return undefined;
    return this.map[row * surface.side + column];
  }

  /** The race in words. */
  summary(): string {
    const [surface, status] = [this.surface.value, this.status.value];
    if (!surface || !status) return "";
    const said = this.running.map(({ racer }) => {
      if (racer.stuck) return racer.stuck;
      const there = racer.arrived === null ? "" : `, arrived after ${racer.arrived} steps`;
      return `${racer.label}: loss ${number(racer.loss)}${there}.`;
    });
    return [`${surface.title}, step ${status.steps}.`, ...said, status.notice].filter(Boolean).join(" ");
  }
}

/** The style variable with the colour of a racer. */
export const colour = (place: number): string => `--dlnb-racer-${place % 7}`;

/** The letter of a racer, so that its colour is not all that tells it apart. */
export const letter = (racer: Racer, place: number): string => LETTERS[place] ?? racer.label.charAt(0).toUpperCase();
