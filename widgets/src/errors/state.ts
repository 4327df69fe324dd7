// What the view of mistakes shows, as signals. `receive` applies one frame of `dlnb/widgets/errors_frame.py`.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import type { Column } from "../core/frame";

export type ListName = "worst" | "new" | "mended" | "forgotten" | "cell" | "class";
export type Kind = "classes" | "labels" | "numbers" | "losses";

export interface FoundHead {
  kind: Kind;
  steps: [number, number];
  count: number;
  batches: boolean;
  classCount: number;
  summary: string;
  since: number | null;
  looks: number;
  new: number;
  mended: number;
  forgotten: number;
  comparable: boolean;
  anew: boolean;
  classes?: string[];
  calibration?: number | null;
  outputs?: number;
}
export interface ListHead {
  name: ListName;
  truth: number;
  said: number;
  page: number;
  pages: number;
  total: number;
  truths: string[];
  answers: string[];
}
export interface CurveHead {
  class: number;
  area?: number | null;
}
export interface Status {
  model: string;
  task: string;
  split: string;
  splits: string[];
  state: string;
  notice: string;
  reading: [number, number] | null;
  influence: { words: string; step: number } | null;
}
export interface ErrorsFrame extends Frame, Status {
  found?: FoundHead;
  list?: ListHead;
  curve?: CurveHead | null;
  pictures?: number;
  forget?: boolean;
}

/** Columns of one table, each with one number a class. */
export interface Table {
  support: Column;
  said: Column;
  right: Column;
  average: Float32Array;
}
export interface Bins {
  confidence: Float32Array;
  accuracy: Float32Array;
  count: Int32Array;
}
export interface Found extends FoundHead {
  split: string;
  /** Names and numbers of the classes that are shown. */
  classes: string[];
  shown: Int32Array;
  table: Table | null;
  bins: Bins | null;
}
export interface Example {
  number: number;
  truth: string;
  answer: string;
  loss: number;
  /** Probabilities of what was said and of the truth. */
  said: number;
  ofTruth: number;
  forgotten: number;
  right: boolean | null;
}
export interface Listed extends ListHead {
  examples: Example[];
}
export interface Curve extends CurveHead {
  x: Float32Array;
  y: Float32Array;
  /** The examples behind the dots of a scatter plot. */
  numbers: Int32Array | null;
}
export interface Picture {
  height: number;
  width: number;
  channels: number;
  pixels: Uint8Array;
}

export class ErrorsState {
  readonly status = signal<Status | null>(null);
  readonly found = signal<Found | null>(null);
  readonly list = signal<Listed | null>(null);
  readonly curve = signal<Curve | null>(null);
  readonly silent = signal(false);
  /** The cells of the confusion matrix, row by row; they change in place, and this number with them. */
  readonly matrixVersion = signal(0);
  readonly pictureVersion = signal(0);
  matrix: Int32Array | null = null;
  readonly pictures = new Map<string, Picture>();

  receive(frame: ErrorsFrame, columns: Map<string, Column>): void {
    const other = this.status.value !== null && this.status.value.split !== frame.split;
    if (frame.full || other) {
      this.found.value = this.list.value = this.curve.value = null;
      this.matrix = null;
    }
    if (frame.full || frame.forget) this.pictures.clear();
    if (frame.found) this.take(frame.found, frame.split, columns);
    if (frame.list) this.list.value = listed(frame.list, columns);
    if (frame.curve !== undefined) this.curve.value = frame.curve && curve(frame.curve, columns);
    if (frame.pictures) this.keep(frame.split, columns);
    this.status.value = frame;
  }

  /** How many examples of one class were taken for another; places among the classes that are shown. */
  cell(row: number, column: number): number {
    return this.matrix?.[row * (this.found.value?.classes.length ?? 0) + column] ?? 0;
  }

  /** Examples of a class that are in the matrix. */
  rowTotal(row: number): number {
    const count = this.found.value?.classes.length ?? 0;
    let total = 0;
    for (let column = 0; column < count; column++) total += this.cell(row, column);
    return total;
  }

  picture(split: string, number: number): Picture | undefined {
    return this.pictures.get(`${split} ${number}`);
  }

  private take(head: FoundHead, split: string, columns: Map<string, Column>): void {
    const before = this.found.value;
    const classes = head.anew ? (head.classes ?? []) : (before?.classes ?? []);
    const shown = head.anew ? ((columns.get("shown") as Int32Array | undefined) ?? new Int32Array()) : (before?.shown ?? new Int32Array());
    const gaps = columns.get("cell/gap"); // from each cell that changed to the next one
    if (head.anew) this.matrix = gaps ? new Int32Array(classes.length ** 2) : null;
    if (gaps && this.matrix) {
      const counts = columns.get("cell/count")!;
      let cell = 0;
      for (let i = 0; i < gaps.length; i++) this.matrix[(cell += gaps[i]!)] = counts[i]!;
    }
    this.matrixVersion.value += 1;
    this.found.value = { ...head, split, classes, shown, table: table(columns), bins: bins(columns) };
  }

  private keep(split: string, columns: Map<string, Column>): void {
    const shapes = columns.get("picture/shape");
    const pixels = columns.get("picture/pixels") as Uint8Array | undefined;
    if (!shapes || !pixels) return;
    let offset = 0;
    for (let i = 0; i + 3 < shapes.length; i += 4) {
      const [number, height, width, channels] = [shapes[i]!, shapes[i + 1]!, shapes[i + 2]!, shapes[i + 3]!];
      const size = height * width * channels;
      this.pictures.set(`${split} ${number}`, { height, width, channels, pixels: pixels.slice(offset, offset + size) });
      offset += size;
    }
    this.pictureVersion.value += 1;
  }
}

function table(columns: Map<string, Column>): Table | null {
  if (!columns.has("class/support")) return null;
  const whole = (name: string) => columns.get(`class/${name}`)!;
  return {
    support: whole("support"),
    said: whole("said"),
    right: whole("right"),
    average: columns.get("class/average") as Float32Array,
  };
}

function bins(columns: Map<string, Column>): Bins | null {
  const count = columns.get("bin/count") as Int32Array | undefined;
  if (!count) return null;
  return { count, confidence: columns.get("bin/confidence") as Float32Array, accuracy: columns.get("bin/accuracy") as Float32Array };
}

function listed(head: ListHead, columns: Map<string, Column>): Listed {
  const numbers = columns.get("list/number") ?? new Int32Array();
  const at = (name: string, i: number, otherwise: number) => columns.get(`list/${name}`)?.[i] ?? otherwise;
  const examples = Array.from(numbers, (number, i) => ({
    number,
    truth: head.truths[i] ?? "",
    answer: head.answers[i] ?? "",
    loss: at("loss", i, NaN),
    said: at("said", i, NaN),
    ofTruth: at("truth", i, NaN),
    forgotten: at("forgotten", i, 0),
    right: columns.has("list/right") ? at("right", i, 0) === 1 : null,
  }));
  return { ...head, examples };
}

function curve(head: CurveHead, columns: Map<string, Column>): Curve {
  const dots = columns.get("dot/index") as Int32Array | undefined;
  const [x, y] = dots ? ["dot/truth", "dot/said"] : ["curve/recall", "curve/precision"];
  const column = (name: string) => (columns.get(name) as Float32Array | undefined) ?? new Float32Array();
  return { ...head, x: column(x!), y: column(y!), numbers: dots ?? null };
}
