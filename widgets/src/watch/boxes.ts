// Pictures with boxes: which of them the model has found, and which it should have.
import type { Pictures } from "./previews";

const NOTHING = -1; // the label of no box
const OVERLAP = 0.5; // the intersection over union from which an object counts as found

export interface Boxes extends Pictures {
  kind: "boxes";
  /** (N, M, 4) and (N, M) */
  truth: Float32Array | null;
  trueLabels: Int32Array | null;
  /** (N, K, 4), (N, K), (N, K) */
  found: Float32Array | null;
  foundLabels: Int32Array | null;
  scores: Float32Array | null;
}
export type Corners = [x1: number, y1: number, x2: number, y2: number];
export interface Box {
  corners: Corners;
  label: number;
  /** How sure the model is; of a true box 1. */
  score: number;
  /** Whether there is a found box for a true one, or a true one for a found one. */
  matched: boolean;
}
export interface Scene {
  truth: Box[];
  found: Box[];
}

/** The boxes of picture `i`. The surest box takes the true one that it covers best, if the class is right. */
export function scene(shown: Boxes, i: number): Scene {
  const truth = boxes(shown.truth, shown.trueLabels, null, shown.count, i);
  const found = boxes(shown.found, shown.foundLabels, shown.scores, shown.count, i).sort((a, b) => b.score - a.score);
  for (const box of found) {
    const free = truth.filter((one) => !one.matched && one.label === box.label);
    const best = free.sort((a, b) => overlap(b.corners, box.corners) - overlap(a.corners, box.corners))[0];
    if (best && overlap(best.corners, box.corners) >= OVERLAP) best.matched = box.matched = true;
  }
  return { truth, found };
}

/** Objects, those of them that were found, and boxes that are on none. */
export function countFound(shown: Boxes, of = Array.from({ length: shown.count }, (_, i) => i)) {
  if (!shown.truth || !shown.found) return null;
  const scenes = of.map((i) => scene(shown, i));
  const count = (pick: (one: Scene) => Box[]) => scenes.reduce((sum, one) => sum + pick(one).length, 0);
  return {
    objects: count((one) => one.truth),
    hits: count((one) => one.truth.filter((box) => box.matched)),
    extra: count((one) => one.found.filter((box) => !box.matched)),
  };
}

/** The most missed objects and boxes too many first. */
export function worstBoxes(shown: Boxes, all: number[]): number[] {
  const wrong = all.map((i) => {
    const { objects, hits, extra } = countFound(shown, [i])!;
    return objects - hits + extra;
  });
  return all.sort((a, b) => wrong[b]! - wrong[a]!);
}

export function overlap(a: Corners, b: Corners): number {
  const side = (axis: 0 | 1) => Math.max(0, Math.min(a[axis + 2]!, b[axis + 2]!) - Math.max(a[axis]!, b[axis]!));
  const area = (box: Corners) => (box[2] - box[0]) * (box[3] - box[1]);
  const common = side(0) * side(1);
  return common ? common / (area(a) + area(b) - common) : 0;
}

function boxes(corners: Float32Array | null, labels: Int32Array | null, scores: Float32Array | null, count: number, i: number): Box[] {
  if (!corners || !labels) return [];
  const most = labels.length / count;
  const places = Array.from({ length: most }, (_, k) => i * most + k).filter((place) => labels[place] !== NOTHING);
  return places.map((place) => ({
    corners: [...corners.subarray(4 * place, 4 * place + 4)] as Corners,
    label: labels[place]!,
    score: scores ? scores[place]! : 1,
    matched: false,
  }));
}
