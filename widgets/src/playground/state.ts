// What the kernel has said of the playground, put together from its frames.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import { number, percent } from "../core/format";
import type { Column } from "../core/frame";
import { Pieces } from "../core/pieces";

export interface Layer {
  units: number;
  activation: string;
  dropout: number;
  norm: string;
}
export interface Network {
  inputs: string[];
  layers: Layer[];
  outputs: number;
  seed: number;
}
export type OptionValue = number | boolean;
export interface Option {
  name: string;
  value: OptionValue;
}
export interface Plan {
  optimizer: string;
  lr: number;
  batch: number;
  l1: number;
  l2: number;
  options: Option[];
}
export interface Recipe {
  shape: string;
  points: number;
  classes: number;
  noise: number;
  flipped: number;
  imbalance: number;
  share: number;
  seed: number;
}
export interface Data {
  recipe: Recipe | null;
  drawn: boolean;
  /** 0 for a surface. */
  classes: number;
  names: string[];
  hues: number[];
  axes: [string, string];
  share: number;
  trains: number;
  tests: number;
  columns: string[] | null;
  chosen: [string, string, string] | null;
}
export interface Structure {
  network: Network;
  plan: Plan;
  data: Data;
}
export interface Mission {
  name: string;
  title: string;
  task: string;
  why: string;
  conditions: string[];
}
export interface Fixed {
  inputs: string[];
  activations: string[];
  norms: string[];
  optimizers: { name: string; options: Option[] }[];
  shapes: { name: string; surface: boolean }[];
  missions: Mission[];
  limits: { layers: number; units: number; classes: number };
  side: number;
  small: number;
  reach: number;
  lines: number;
}
export const COLUMNS = ["loss", "test_loss", "accuracy", "test_accuracy"] as const;
export type ColumnName = (typeof COLUMNS)[number];
export interface Seeds {
  count: number;
  epoch: number;
  steps: number;
  lost: number;
  middle: number | null;
  low: number | null;
  high: number | null;
  good: number;
}
export interface Warp {
  layer: number;
  units: [number, number];
}
/** A place on its way through the network, and the point that lies there. */
export interface Trace {
  x: number;
  y: number;
  wanted: string | null;
  loss: number | null;
}
export interface Status {
  playing: boolean;
  pace: { epochs: number; steps: number } | null;
  notice: string;
  noticed: number;
  epoch: number;
  steps: number;
  place: number;
  furthest: number;
  last: Record<ColumnName, number | null>;
  undo: string;
  pending: string;
  marks: [epoch: number, words: string][];
  mission: number | null;
  held: boolean[];
  passed: string[];
  seeds: Seeds | null;
  warp: Warp | null;
  trace: Trace | null;
  edits: number;
}
export interface PlaygroundFrame extends Frame, Status {
  fixed?: Fixed;
  structure?: Structure;
  /** Whether the history in this frame is all of it. */
  again?: boolean;
}
export type Send = (kind: string, content?: object, buffers?: ArrayBuffer[]) => void;

const CALM = 190; // milliseconds
const EMPTY = new Uint8Array();
const NONE = new Float32Array();

export class PlaygroundState {
  readonly fixed = signal<Fixed | null>(null);
  readonly structure = signal<Structure | null>(null);
  readonly status = signal<Status | null>(null);
  /** The same for what need not change twenty times a second: at once while it rests, else five times a second. */
  readonly calm = signal<Status | null>(null);
  readonly silent = signal(false);
  /** Grows with each frame; `points` with each that brings points; `trace` changes with the place that is followed. */
  readonly frames = signal(0);
  readonly points = signal(0);
  readonly trace = signal("");
  private calmed = 0;
  history = new Map<ColumnName, Pieces>();
  neurons: Uint8Array = EMPTY;
  output: Uint8Array = EMPTY;
  scales: Float32Array = NONE;
  weights: Float32Array = NONE;
  places: Float32Array = NONE;
  values: Float32Array = NONE;
  trains: Uint8Array = EMPTY;
  seedsMean: Uint8Array = EMPTY;
  seedsSpread: Uint8Array = EMPTY;
  seedsRight: Float32Array = NONE;
  warpGrid: Float32Array = NONE;
  warpPoints: Float32Array = NONE;
  warpValues: Float32Array = NONE;
  traced: Float32Array = NONE;

  receive(frame: PlaygroundFrame, columns: Map<string, Column>): void {
    const bytes = (name: string, before: Uint8Array) => (columns.get(name) as Uint8Array | undefined) ?? before;
    const floats = (name: string, before: Float32Array) => (columns.get(name) as Float32Array | undefined) ?? before;
    this.neurons = bytes("neurons", this.neurons);
    this.output = bytes("output", this.output);
    this.scales = floats("scales", this.scales);
    this.weights = floats("weights", this.weights);
    this.places = floats("points/places", this.places);
    this.values = floats("points/values", this.values);
    this.trains = bytes("points/trains", this.trains);
    this.seedsMean = bytes("seeds/mean", this.seedsMean);
    this.seedsSpread = bytes("seeds/spread", this.seedsSpread);
    this.seedsRight = floats("seeds/right", this.seedsRight);
    this.warpGrid = floats("warp/grid", this.warpGrid);
    this.warpPoints = floats("warp/points", this.warpPoints);
    this.warpValues = floats("warp/values", this.warpValues);
    this.traced = floats("trace/values", NONE);
    if (frame.full || frame.again) this.history = new Map();
    for (const name of COLUMNS) {
      const steps = columns.get(`history/${name}/steps`);
      if (!steps) continue;
      const [mean, low, high] = ["mean", "low", "high"].map((part) => columns.get(`history/${name}/${part}`));
      const pieces = this.history.get(name) ?? new Pieces();
      this.history.set(name, pieces);
      pieces.append(steps, mean!, low ?? mean!, high ?? mean!);
    }
    if (frame.fixed) this.fixed.value = frame.fixed;
    if (frame.structure) this.structure.value = frame.structure;
    const [before, now] = [this.calm.value, performance.now()];
    const news = frame.full || frame.again || frame.structure || before?.noticed !== frame.noticed || before.passed.length !== frame.passed.length;
    this.status.value = frame;
    if (!frame.playing || news || now - this.calmed > CALM) {
      this.calmed = now;
      this.calm.value = frame;
    }
    this.trace.value = JSON.stringify(frame.trace && [frame.trace.x, frame.trace.y]);
    if (columns.has("points/places")) this.points.value += 1;
    this.frames.value += 1;
  }

  /** Where the weights of a layer begin; hidden layers from 0, the output last. */
  offset(layer: number): number {
    const widths = this.widths;
    let at = 0;
    for (let k = 0; k < layer; k++) at += (widths[k]! + 1) * widths[k + 1]!;
    return at;
  }

  /** Neurons at each level: inputs, hidden layers, outputs. */
  get widths(): number[] {
    const network = this.structure.value?.network;
    return network ? [network.inputs.length, ...network.layers.map(({ units }) => units), network.outputs] : [];
  }

  /** The place of a weight among all, or of a bias (source null). */
  placeOf(layer: number, unit: number, source: number | null): number {
    const [before, here] = [this.widths[layer]!, this.widths[layer + 1]!];
    return this.offset(layer) + (source === null ? before * here + unit : unit * before + source);
  }

  /** The picture of a hidden neuron. */
  mapOf(layer: number, unit: number): Uint8Array {
    const size = (this.fixed.value?.small ?? 0) ** 2;
    let before = unit;
    for (let k = 0; k < layer; k++) before += this.structure.value!.network.layers[k]!.units;
    return this.neurons.subarray(before * size, (before + 1) * size);
  }

  /** What the output says at a place of the plane, in words; empty beyond its edge. */
  said([x, y]: [number, number]): string {
    const [fixed, structure] = [this.fixed.value, this.structure.value];
    if (!fixed || !structure) return "";
    const [column, row] = [Math.floor(((x + fixed.reach) / (2 * fixed.reach)) * fixed.side), Math.floor(((fixed.reach - y) / (2 * fixed.reach)) * fixed.side)];
    if (column < 0 || row < 0 || column >= fixed.side || row >= fixed.side) return "";
    const at = row * fixed.side + column;
    const { classes, names } = structure.data;
    if (classes === 0) return number((this.output[at]! - 128) / 127);
    const shares = classes === 2 ? [1 - this.output[at]! / 255, this.output[at]! / 255] : names.map((_, k) => this.output[k * fixed.side ** 2 + at]! / 255);
    const best = shares.indexOf(Math.max(...shares));
    return `${names[best]} ${percent(shares[best]!)}`;
  }

  /** How it stands, in words. */
  summary(): string {
    const [status, structure] = [this.status.value, this.structure.value];
    if (!status || !structure) return "";
    const words = [`Epoch ${status.epoch.toLocaleString("en")}.`];
    if (status.seeds) {
      const { count, middle, low, high } = status.seeds;
      const told = structure.data.classes ? percent : number;
      const range = [low, middle, high].map((value) => (value === null ? "–" : told(value)));
      words.push(`${count} seeds after ${status.seeds.epoch} epochs: from ${range[0]} to ${range[2]}, the middle one ${range[1]}.`);
    } else {
      words.push(`Training loss ${number(status.last.loss)}, test loss ${number(status.last.test_loss)}.`);
      if (status.last.test_accuracy !== null) words.push(`${percent(status.last.test_accuracy)} of the test points right.`);
    }
    return [...words, status.notice || status.pending].filter(Boolean).join(" ");
  }
}
