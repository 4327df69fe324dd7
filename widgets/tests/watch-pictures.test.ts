import { describe, expect, it } from "vitest";
import type { Column } from "../src/core/frame";
import { answer, countRight, type Images } from "../src/watch/pictures";
import { gallery as received, ordered, type Shape } from "../src/watch/previews";

const gallery = (...of: Parameters<typeof received>) => received(...of) as Images | null;
const SHAPE: Shape = { kind: "images", count: 3, height: 1, width: 1, channels: 1, classes: ["no", "yes"] };

function sent(scores: number[], pixels?: number[]): Map<string, Column> {
  const found = new Map<string, Column>([["gallery/scores", Float32Array.from(scores)]]);
  if (pixels) found.set("gallery/pixels", Uint8Array.from(pixels)).set("gallery/truth", Int32Array.from([0, 1, 0]));
  return found;
}
const first = () => gallery(SHAPE, sent([0.9, 0.1, 0.8, 0.2, 0.6, 0.4], [1, 2, 3]), null)!;

describe("the gallery", () => {
  it("keeps pixels and truth, which travel once, and takes the new scores", () => {
    const shown = gallery(SHAPE, sent([0.9, 0.1, 0.3, 0.7, 0.6, 0.4]), first())!;
    expect([[...shown.pixels], [...shown.truth!]]).toEqual([[1, 2, 3], [0, 1, 0]]);
    expect(answer(shown, 0)!.best).toBe(0);
    expect(answer(shown, 1)!.best).toBe(1);
    expect(answer(shown, 1)!.score).toBeCloseTo(0.7);
    expect(countRight(shown)).toBe(3);
  });

  it("is not there before there were pixels, and has no answers before the model was asked", () => {
    expect(gallery(SHAPE, sent([1, 0, 1, 0, 1, 0]), null)).toBeNull();
    const silent = gallery(SHAPE, new Map<string, Column>([["gallery/pixels", new Uint8Array(3)]]), null)!;
    expect([answer(silent, 0), countRight(silent)]).toEqual([null, null]);
  });

  it("has the worst first: the least probability of the truth", () => {
    expect(ordered(first(), "worst")).toEqual([1, 2, 0]);
    expect(ordered(first(), "same")).toEqual([0, 1, 2]);
  });

  it("knows what was right at the last look and is wrong now, the greatest change first", () => {
    const before = gallery(SHAPE, sent([0.9, 0.1, 0.4, 0.6, 0.8, 0.2]), first())!;
    const now = gallery(SHAPE, sent([0.2, 0.8, 0.45, 0.55, 0.4, 0.6]), before)!;
    expect(ordered(now, "newly wrong")).toEqual([0, 2]);
    expect(ordered(first(), "newly wrong")).toEqual([]);
  });

  it("does not take other pictures for changed answers", () => {
    const other = gallery(SHAPE, sent([0, 1, 0, 1, 0, 1], [7, 8, 9]), first())!;
    expect(ordered(other, "newly wrong")).toEqual([]);
  });

  it("cannot order what has no truth", () => {
    const untold = { ...first(), truth: null };
    expect(ordered(untold, "worst")).toEqual([0, 1, 2]);
  });
});
