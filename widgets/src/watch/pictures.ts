// The pictures of the gallery, what the model says of them, and in which order they are looked at.
import type { Column } from "../core/frame";

export interface Shape {
  count: number;
  height: number;
  width: number;
  channels: number;
  classes: string[];
}
export interface Gallery extends Shape {
  pixels: Uint8Array;
  truth: Int32Array | null;
  scores: Float32Array | null;
  /** What the model said at the look before. */
  before: Float32Array | null;
}
export type Order = "same" | "worst" | "newly wrong";

/** The gallery after a frame: pixels and truth travel once, scores each time. */
export function gallery(shape: Shape, columns: Map<string, Column>, last: Gallery | null): Gallery | null {
  const fresh = columns.get("gallery/pixels") as Uint8Array | undefined;
  const pixels = fresh ?? last?.pixels;
  if (!pixels) return last;
  return {
    ...shape,
    pixels,
    truth: fresh ? ((columns.get("gallery/truth") as Int32Array | undefined) ?? null) : (last?.truth ?? null),
    scores: (columns.get("gallery/scores") as Float32Array | undefined) ?? null,
    before: fresh ? null : (last?.scores ?? null),
  };
}

/** The most likely class of picture `i` and its probability, now or at the look before. */
export function answer(shown: Gallery, i: number, scores = shown.scores): { best: number; score: number } | null {
  if (!scores) return null;
  const classes = shown.classes.length;
  const row = scores.subarray(i * classes, (i + 1) * classes);
  const best = row.reduce((top, value, k) => (value > row[top]! ? k : top), 0);
  return { best, score: row[best]! };
}

/** Which pictures are shown, and in which order. */
export function ordered(shown: Gallery, order: Order): number[] {
  const all = Array.from({ length: shown.count }, (_, i) => i);
  const { truth, scores, before } = shown;
  if (order === "same" || !truth || !scores) return all;
  const ofTruth = (of: Float32Array, i: number) => of[i * shown.classes.length + truth[i]!]!;
  if (order === "worst") return all.sort((a, b) => ofTruth(scores, a) - ofTruth(scores, b));
  if (!before) return [];
  return all
    .filter((i) => answer(shown, i)!.best !== truth[i] && answer(shown, i, before)!.best === truth[i])
    .sort((a, b) => ofTruth(scores, a) - ofTruth(before, a) - (ofTruth(scores, b) - ofTruth(before, b)));
}

export function countRight(shown: Gallery): number | null {
  const { truth } = shown;
  if (!truth || !shown.scores) return null;
  return Array.from(truth).filter((class_, i) => answer(shown, i)?.best === class_).length;
}
