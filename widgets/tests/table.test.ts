import { describe, expect, it } from "vitest";
import { tableSteps } from "../src/watch/Table";

const range = (from: number, to: number, by = 1) => Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, i) => from + i * by);

describe("the rows of the table", () => {
  it("are all steps while there are few", () => {
    expect(tableSteps([range(0, 40, 20), range(1, 40)], 200)).toEqual(range(0, 40));
  });

  it.each([[213], [4000], [100_000]])("of %i steps are at most 200, from the first to the last", (steps) => {
    const validation = range(0, steps, 20);
    const shown = tableSteps([validation, range(1, steps)], 200);
    expect(shown.length).toBeLessThanOrEqual(200);
    expect(shown[0]!).toBeLessThan(steps / 50);
    expect(shown[shown.length - 1]).toBe(steps);
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });

  it("hold every validation where there is room for it", () => {
    const shown = new Set(tableSteps([range(0, 1000, 20), range(1, 1000), range(0, 1000, 20)], 200));
    expect(range(0, 1000, 20).every((step) => shown.has(step))).toBe(true);
  });

  it("of nothing are none", () => expect(tableSteps([], 200)).toEqual([]));
});
