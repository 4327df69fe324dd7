// What the x-ray shows, as signals. `receive` applies one frame of `dlnb/widgets/xray.py`.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import type { Column } from "../core/frame";

export interface Row {
  path: string;
  name: string;
  kind: string;
  settings: string;
  depth: number;
  place: number;
  siblings: number;
  children: number;
  open: boolean;
  parameters: number;
  frozen: "" | "some" | "all";
  same: string | null;
  more: number;
  calls: number;
  shape: string;
}
export interface Off {
  path: string;
  unit: number | null;
}
export type Numbers = Partial<Record<"mean" | "std" | "low" | "high" | "zeros" | "bad" | "dead" | "units" | "gradient_norm", number | null>>;
export interface DetailHeader {
  path: string;
  kind: "none" | "maps" | "units" | "time × units" | "units × time" | "number";
  rows: number;
  cells: number;
  height: number;
  width: number;
  unit: number | null;
  units: number;
  weights: { low: number | null; high: number | null; counted: number; total: number };
  reinitialise: boolean;
  update: number | null;
  calls: number;
  call: number;
  shape: string;
  taken: string;
  problem: string;
  numbers: Numbers;
}
export interface Status {
  model: string;
  state: string | null;
  step: number | null;
  observing: number | null;
  classes: string[];
  chosen: string | null;
  off: Off[];
  notice: string;
}
export interface XrayFrame extends Frame, Status {
  tree?: Row[];
  measures?: Record<string, number | null>;
  before?: Record<string, number | null> | null;
  changed?: number | null;
  difference?: number | null;
  truth?: number | null;
  example?: number;
  examples?: number;
  problems?: string[];
  detail?: DetailHeader;
}

/** Small maps as bytes, 255 where there is no number; `dlnb/explain/pictures.py` makes them. */
export interface Thumbnail {
  count: number;
  height: number;
  width: number;
  signed: boolean;
  scale: number;
  data: Uint8Array;
}
export interface Seen {
  thumbnail: Thumbnail | null;
  gradient: Thumbnail | null;
  mean: number;
  std: number;
  low: number;
  high: number;
  zeros: number;
  bad: number;
  dead: number;
  units: number;
  update: number;
  gradientNorm: number;
}
export interface Answer {
  measures: Record<string, number | null>;
  before: Record<string, number | null> | null;
  changed: number | null;
  difference: number | null;
  truth: number | null;
  example: number;
  examples: number;
  problems: string[];
  now: Float32Array | null;
  then: Float32Array | null;
}
export interface Detail extends DetailHeader {
  values: Float32Array;
  gradient: Float32Array | null;
  overview: Thumbnail | null;
  peaks: Float32Array;
  counts: Int32Array;
}

export class XrayState {
  readonly status = signal<Status | null>(null);
  readonly rows = signal<Row[]>([]);
  readonly seen = signal<(Seen | null)[]>([]);
  readonly answer = signal<Answer | null>(null);
  readonly detail = signal<Detail | null>(null);
  readonly hasGradients = signal(false);
  /** Whether the kernel has said nothing for longer than it should. */
  readonly silent = signal(false);

  receive(frame: XrayFrame, columns: Map<string, Column>): void {
    if (frame.tree) {
      this.rows.value = frame.tree;
      if (!columns.size) this.seen.value = frame.tree.map(() => null);
    }
    if (frame.measures) {
      this.seen.value = readSeen(this.rows.value.length, columns);
      this.hasGradients.value = columns.has("gradients/layout");
      this.answer.value = {
        measures: frame.measures,
        before: frame.before ?? null,
        changed: frame.changed ?? null,
        difference: frame.difference ?? null,
        truth: frame.truth ?? null,
        example: frame.example ?? 0,
        examples: frame.examples ?? 1,
        problems: frame.problems ?? [],
        now: (columns.get("answer") as Float32Array) ?? null,
        then: (columns.get("answer_before") as Float32Array) ?? null,
      };
      this.detail.value = frame.detail ? readDetail(frame.detail, columns) : null;
    }
    this.status.value = frame;
  }

  /** A few sentences for those who do not see the pictures. */
  summary(): string {
    const now = this.status.value;
    if (!now) return "Waiting for the model.";
    const root = this.rows.value[0];
    const parts = [`${now.model}, ${(root?.parameters ?? 0).toLocaleString("en")} weights, ${this.rows.value.length} rows shown.`];
    if (now.step !== null) parts.push(`Step ${now.step}.`);
    const answer = this.answer.value;
    for (const [name, value] of Object.entries(answer?.measures ?? {})) {
      const before = answer?.before?.[name];
      parts.push(`${name} ${say(value)}${before === undefined ? "" : `, before switching off ${say(before)}`}.`);
    }
    const dead = this.seen.value.reduce((sum, seen, i) => sum + (seen && !this.rows.value[i]!.children ? seen.dead || 0 : 0), 0);
    if (dead) parts.push(`${dead} dead units in the layers shown.`);
    const bad = this.rows.value.find((_, i) => (this.seen.value[i]?.bad ?? 0) > 0);
    if (bad) parts.push(`NaN or infinity in ${bad.path || now.model}.`);
    if (now.off.length) parts.push(`Switched off: ${now.off.map(words).join(", ")}.`);
    return parts.join(" ");
  }
}

/** What is switched off, in words. */
export function words({ path, unit }: Off): string {
  return `${path || "the model"}${unit === null ? "" : ` unit ${unit}`}`;
}

function say(value: number | null | undefined): string {
  return value === null || value === undefined ? "not a number" : value.toPrecision(3);
}

function readSeen(count: number, columns: Map<string, Column>): (Seen | null)[] {
  const number = (name: string, i: number) => columns.get(name)?.[i] ?? NaN;
  const thumbnails = readThumbnails("thumbnails", count, columns);
  const gradients = readThumbnails("gradients", count, columns);
  return Array.from({ length: count }, (_, i) => {
    if (Number.isNaN(number("units", i))) return null;
    return {
      thumbnail: thumbnails[i]!,
      gradient: gradients[i]!,
      mean: number("mean", i),
      std: number("std", i),
      low: number("low", i),
      high: number("high", i),
      zeros: number("zeros", i),
      bad: number("bad", i),
      dead: number("dead", i),
      units: number("units", i),
      update: number("update", i),
      gradientNorm: number("gradient_norm", i),
    };
  });
}

function readThumbnails(name: string, count: number, columns: Map<string, Column>): (Thumbnail | null)[] {
  const layout = columns.get(`${name}/layout`);
  const scale = columns.get(`${name}/scale`);
  const data = columns.get(`${name}/data`) as Uint8Array | undefined;
  let start = 0;
  return Array.from({ length: count }, (_, i) => {
    if (!layout || !scale || !data) return null;
    const [maps, height, width, signed] = layout.subarray(4 * i, 4 * i + 4);
    const length = (maps ?? 0) * (height ?? 0) * (width ?? 0);
    if (!length) return null;
    start += length;
    return { count: maps!, height: height!, width: width!, signed: signed === 1, scale: scale[i]!, data: data.subarray(start - length, start) };
  });
}

function readDetail(header: DetailHeader, columns: Map<string, Column>): Detail {
  return {
    ...header,
    values: (columns.get("detail/values") as Float32Array) ?? new Float32Array(),
    gradient: (columns.get("detail/gradient") as Float32Array) ?? null,
    overview: readThumbnails("overview", 1, columns)[0]!,
    peaks: (columns.get("detail/peaks") as Float32Array) ?? new Float32Array(),
    counts: (columns.get("detail/weights") as Int32Array) ?? new Int32Array(),
  };
}
