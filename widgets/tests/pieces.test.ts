import { describe, expect, it } from "vitest";
import { Pieces, rows, withDetail } from "../src/core/pieces";

const range = (n: number, from = 1) => Array.from({ length: n }, (_, i) => i + from);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe("the pieces of a curve", () => {
  it("keep every value while there are few", () => {
    const pieces = new Pieces();
    pieces.append([1, 2, 3], [5, 4, 3]);
    expect([pieces.steps, pieces.mean, pieces.low, pieces.high]).toEqual([[1, 2, 3], [5, 4, 3], [5, 4, 3], [5, 4, 3]]);
    expect(pieces.last).toBe(3);
  });

  it("are at most 4096 however long the run, and cover it all", () => {
    const pieces = new Pieces();
    for (let at = 1; at < 200_000; at += 1000) {
      pieces.append(range(1000, at), range(1000, at));
      expect(pieces.length).toBeLessThanOrEqual(4096);
    }
    expect(pieces.length).toBeGreaterThan(1024);
    expect(pieces.steps[pieces.length - 1]).toBe(200_000);
    expect(pieces.steps).toEqual([...pieces.steps].sort((a, b) => a - b));
  });

  it.each([1, 777, 4097, 50_000, 99_999])("lose no spike, wherever it is (%i)", (place) => {
    const pieces = new Pieces();
    const values = range(100_000).map((step) => (step === place ? 1000 : step === 100_001 - place ? -1000 : 0));
    for (let at = 0; at < values.length; at += 100) pieces.append(range(100, at + 1), values.slice(at, at + 100));
    expect(Math.max(...pieces.high)).toBe(1000);
    expect(Math.min(...pieces.low)).toBe(-1000);
  });

  it("preserve the mean", () => {
    const pieces = new Pieces();
    const values = range(65_536).map((step) => Math.sin(step) + step / 1e4);
    for (let at = 0; at < values.length; at += 64) pieces.append(range(64, at + 1), values.slice(at, at + 64));
    expect(mean(pieces.mean)).toBeCloseTo(mean(values), 6);
  });

  it("take what the kernel has put together already, with its band", () => {
    const pieces = new Pieces();
    pieces.append([100, 200], [2, 3], [1, 0], [9, 4]);
    expect([pieces.low, pieces.high]).toEqual([[1, 0], [9, 4]]);
  });

  it("replace a step that is said again", () => {
    const pieces = new Pieces();
    pieces.append([1, 2], [0.5, 0.1]);
    pieces.append([2, 3], [0.2, 0.3]);
    expect([pieces.steps, pieces.mean]).toEqual([[1, 2, 3], [0.5, 0.2, 0.3]]);
  });

  it("are not spoiled by a NaN among them", () => {
    const pieces = new Pieces();
    pieces.append(range(10_000), range(10_000).map((step) => (step % 3 ? 7 : Number.NaN)));
    expect(pieces.mean.every((value) => value === 7)).toBe(true);
    expect(pieces.low.every((value) => value === 7) && pieces.high.every((value) => value === 7)).toBe(true);
  });
});

describe("a curve with a stretch in detail", () => {
  const coarse = rows([10, 20, 30, 40, 50], [1, 2, 3, 4, 5], [0, 1, 2, 3, 4], [2, 3, 4, 5, 6]);

  it("has the fine rows in the window, and the coarse ones on both sides", () => {
    const fine = rows([18, 19, 20, 21, 22], [7, 7, 7, 7, 7]);
    expect(withDetail(coarse, fine, 15, 22).steps).toEqual([10, 18, 19, 20, 21, 22, 30, 40, 50]);
    expect(withDetail(coarse, fine, 15, 22).high).toEqual([2, 7, 7, 7, 7, 7, 4, 5, 6]);
  });

  it.each([
    [60, 70, [10, 20, 30, 40, 50, 61]],
    [0, 5, [61, 10, 20, 30, 40, 50]],
    [0, 100, [61]],
  ])("is right at its ends (%i to %i)", (first, last, steps) => {
    expect(withDetail(coarse, rows([61], [0]), first, last).steps).toEqual(steps);
  });
});
