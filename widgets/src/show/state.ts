// What is shown, as it came from the kernel: one frame with all of it. `dlnb/widgets/show_frames.py` makes it.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";
import type { Column } from "../core/frame";
import { type Gallery, gallery, type Shape } from "../watch/previews";

/** Pictures of one size, N × height × width × channels numbers, one behind the other. */
export interface Pictures {
  count: number;
  height: number;
  width: number;
  channels: 1 | 3;
  labels: string[] | null;
  colours: "grey" | "signed" | "magnitude";
  /** The numbers that are darkest and brightest. */
  dark: number;
  bright: number;
  /** They are whole numbers. */
  whole: boolean;
  several: boolean;
  note: string;
  values: Float32Array | Uint8Array;
}
export interface Spectrum {
  columns: number;
  bins: number;
  /** Samples from a column to the next, and that a column looks at. */
  hop: number;
  window: number;
  /** Hz from a bin to the next. */
  step: number;
  loud: Uint8Array;
}
export interface Sounds {
  count: number;
  samples: number;
  /** Hz; null where it is no sound. */
  rate: number | null;
  labels: string[] | null;
  several: boolean;
  note: string;
  spectra: (Spectrum | null)[];
  values: Float32Array;
}
export interface Tokens {
  pieces: string[][];
  ids: Int32Array[];
  labels: string[] | null;
  unknown: number | null;
  note: string;
}
export interface TableColumn {
  name: string;
  missing: number;
  /** Of numbers: the least, the largest, the mean, the deviation; of texts: how many different ones. */
  about: string[];
  texts?: string[];
  numbers?: Float32Array;
}
export interface Table {
  rows: number;
  columns: TableColumn[];
  labels: string[] | null;
  note: string;
}
export interface Scene {
  height: number;
  width: number;
  names: string[];
  count: number;
  pixels: Uint8Array;
  rows: Float32Array;
  boxes: Float32Array;
}
export type Sight =
  | ({ kind: "pictures" } & Pictures)
  | ({ kind: "sounds" } & Sounds)
  | ({ kind: "tokens" } & Tokens)
  | ({ kind: "table" } & Table)
  | ({ kind: "scene" } & Scene)
  | { kind: "preview"; gallery: Gallery | null }
  | { kind: "nothing" };

export interface ShowFrame extends Frame {
  title: string;
  facts: [name: string, words: string][];
  strange: [what: string, remedy: string][];
  low: number | null;
  high: number | null;
  sight: Sight["kind"];
  pictures?: Omit<Pictures, "values">;
  sounds?: Omit<Sounds, "values" | "spectra"> & { spectra: (Omit<Spectrum, "loud"> | null)[] };
  tokens?: Omit<Tokens, "ids">;
  table?: Table;
  scene?: Omit<Scene, "pixels" | "rows" | "boxes">;
  gallery?: Shape;
}

export interface Shown {
  title: string;
  facts: [string, string][];
  strange: [string, string][];
  low: number | null;
  high: number | null;
  counts: Int32Array | null;
  sight: Sight;
}

export class ShowState {
  readonly shown = signal<Shown | null>(null);
  readonly silent = signal(false);

  receive(frame: ShowFrame, columns: Map<string, Column>): void {
    const { title, facts, strange, low, high } = frame;
    const counts = (columns.get("counts") as Int32Array | undefined) ?? null;
    this.shown.value = { title, facts, strange, low, high, counts, sight: sightOf(frame, columns) };
  }
}

function sightOf(frame: ShowFrame, columns: Map<string, Column>): Sight {
  const column = <T extends Column>(name: string) => columns.get(name) as T;
  const { pictures, sounds, tokens, table, scene, gallery: shape } = frame;
  if (pictures) return { kind: "pictures", ...pictures, values: column("values") };
  if (sounds) {
    let begin = 0;
    const spectra = sounds.spectra.map((one) => {
      if (!one) return null;
      const loud = column<Uint8Array>("spectra").subarray(begin, (begin += one.columns * one.bins));
      return { ...one, loud };
    });
    return { kind: "sounds", ...sounds, spectra, values: column("values") };
  }
  if (tokens) {
    let begin = 0;
    const ids = tokens.pieces.map((row) => column<Int32Array>("ids").subarray(begin, (begin += row.length)));
    return { kind: "tokens", ...tokens, ids };
  }
  if (table) {
    const filled = table.columns.map((one, place) => (one.texts ? one : { ...one, numbers: column<Float32Array>(`column/${place}`) }));
    return { kind: "table", ...table, columns: filled };
  }
  if (scene) return { kind: "scene", ...scene, pixels: column("pixels"), rows: column("rows"), boxes: column("boxes") };
  if (shape) return { kind: "preview", gallery: gallery(shape, columns, null) };
  return { kind: "nothing" };
}

/** Between which numbers the most of them lie, in words; `counts` are those of equal steps from low to high. */
export function mostLie(counts: ArrayLike<number>, low: number, high: number, say: (value: number) => string): string {
  let top = 0;
  let all = 0;
  for (let i = 0; i < counts.length; i++) {
    all += counts[i]!;
    if (counts[i]! > counts[top]!) top = i;
  }
  if (low === high || all === 0) return `All are ${say(low)}.`;
  const step = (high - low) / counts.length;
  const share = Math.round((100 * counts[top]!) / all);
  return `The most, ${share} %, lie between ${say(low + top * step)} and ${say(low + (top + 1) * step)}.`;
}
