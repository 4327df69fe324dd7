// Pictures, each of one class: what the model says of them, and in which order they are looked at.
import type { Pictures } from "./previews";

export interface Images extends Pictures {
  kind: "images";
  truth: Int32Array | null;
  scores: Float32Array | null;
  /** What the model said at the look before. */
  before: Float32Array | null;
}

/** The most likely class of picture `i` and its probability, now or at the look before. */
export function answer(shown: Images, i: number, scores = shown.scores): { best: number; score: number } | null {
  if (!scores) return null;
  const classes = shown.classes.length;
  const row = scores.subarray(i * classes, (i + 1) * classes);
  const best = row.reduce((top, value, k) => (value > row[top]! ? k : top), 0);
  return { best, score: row[best]! };
}

/** The least probability of the truth first. */
export function worstImages(shown: Images, all: number[]): number[] {
  return all.sort((a, b) => ofTruth(shown, a) - ofTruth(shown, b));
}

/** Right at the last look and wrong now, the greatest change first. */
export function newlyWrongImages(shown: Images, all: number[]): number[] {
  const { truth, before } = shown;
  if (!truth || !before) return [];
  const change = (i: number) => ofTruth(shown, i) - ofTruth(shown, i, before);
  return all
    .filter((i) => answer(shown, i)!.best !== truth[i] && answer(shown, i, before)!.best === truth[i])
    .sort((a, b) => change(a) - change(b));
}

export function countRight(shown: Images): number | null {
  const { truth } = shown;
  if (!truth || !shown.scores) return null;
  return Array.from(truth).filter((class_, i) => answer(shown, i)?.best === class_).length;
}

function ofTruth(shown: Images, i: number, scores = shown.scores!): number {
  return scores[i * shown.classes.length + shown.truth![i]!]!;
}
