import { describe, expect, it } from "vitest";
import { span } from "../src/compare/Overlay";
import { byKey, words } from "../src/compare/Parallel";
import { marks, ranked, smoothed } from "../src/compare/paint";
import { trend } from "../src/compare/Side";
import { type Axis, type CompareFrame, CompareState, rank, share, valueAt } from "../src/compare/state";
import { compare } from "../src/compare/Table";
import type { Column } from "../src/core/frame";

const LR = { name: "lr", choices: null, log: true, low: 1e-4, high: 1e-1 };
const WIDTH = { name: "width", choices: ["8", "16", "32"], log: false, low: 0, high: 2 };

interface Part {
  frame?: Partial<CompareFrame>;
  curves?: [number, number, number[]][];
  values?: number[];
  states?: number[];
}

/** One frame as the kernel sends it. */
function frame(state: CompareState, { frame: header = {}, curves = [], values = [0.5, 0.2, NaN], states = [2, 2, 0] }: Part): void {
  const columns = new Map<string, Column>([
    ["curve/line", Int32Array.from(curves, (one) => one[0])],
    ["curve/start", Int32Array.from(curves, (one) => one[1])],
    ["curve/length", Int32Array.from(curves, (one) => one[2].length)],
    ["curve/values", Float32Array.from(curves.flatMap((one) => one[2]))],
    ["states", Uint8Array.from(states)],
    ["steps", Int32Array.from(values, () => 40)],
    ["totals", Int32Array.from(values, () => 80)],
    ["values", Float32Array.from(values)],
    ["promoted", Uint8Array.from(values, () => 0)],
    ["axis/0", Float32Array.from([1e-4, 1e-2, 1e-1])],
    ["axis/1", Float32Array.from([0, 2, NaN])],
  ]);
  const first: Partial<CompareFrame> = { labels: ["trial 0", "trial 1", "trial 2"], kinds: ["trial", "trial", "trial"], axes: [LR, WIDTH] };
  state.receive(
    {
      kind: "frame", view: "v", number: 1, full: false, columns: [], goal: "valid_loss", direction: "minimize", column: "loss", drawable: ["loss"],
      importance: [], hidden: 0, notice: "", sweep: null, width: 4, restart: false, ...(state.status.value ? {} : first), ...header,
    },
    columns,
  ); // prettier-ignore
}

function opened(part: Part = {}): CompareState {
  const state = new CompareState();
  frame(state, { frame: { full: true }, ...part });
  return state;
}

describe("the curves", () => {
  it("grow by what is new, and the last piece is said anew", () => {
    const state = opened({ curves: [[0, 0, [1, 2, 3]], [2, 0, [9]]] });
    frame(state, { curves: [[0, 2, [4, 5]]] });
    expect(state.curves[0]).toEqual([1, 2, 4, 5]);
    expect(state.curves[2]).toEqual([9]);
  });

  it("are forgotten when their pieces become wider", () => {
    const state = opened({ curves: [[0, 0, [1, 2, 3, 4]]] });
    frame(state, { frame: { restart: true, width: 8 }, curves: [[1, 0, [7]]] });
    expect([state.curves[0], state.curves[1], state.width]).toEqual([undefined, [7], 8]);
  });
});

describe("the lines", () => {
  it("keep their names and settings in frames that do not repeat them", () => {
    const state = opened();
    frame(state, { values: [0.5, 0.2, 0.9] });
    expect(state.lines.value.map((line) => line.label)).toEqual(["trial 0", "trial 1", "trial 2"]);
    expect(state.words(state.axes.value[1]!, 1)).toBe("32");
    expect(state.words(state.axes.value[1]!, 2)).toBe("–");
  });

  it("are ranked by the goal, whichever way it goes, and unknown ones are not", () => {
    expect(rank([3, 1, NaN, 2], "minimize")).toEqual([0, 1, NaN, 0.5]);
    expect(rank([3, 1, NaN, 2], "maximize")).toEqual([1, 0, NaN, 0.5]);
    expect(rank([2, 2], "minimize")).toEqual([1, 1]);
  });

  it("have a best one only among those that came to their end", () => {
    expect(opened({ values: [0.5, 0.2, 0.1], states: [2, 2, 0] }).best()).toBe(1);
    expect(opened({ states: [0, 0, 0] }).best()).toBeNull();
    expect(opened({ frame: { full: true, direction: "maximize" } }).best()).toBe(0);
  });

  it("are told in a sentence", () => {
    const state = opened({ frame: { full: true, importance: [["lr", 0.8], ["width", 0.2]] } });
    expect(state.summary()).toBe("3 runs: 1 running, 2 done. Best valid loss 0.2, trial 1: lr 0.01, width 32. lr mattered most.");
  });
});

describe("axes", () => {
  it("divide a logarithmic range by its powers, and give the value back", () => {
    expect(share(LR, 1e-2)).toBeCloseTo(2 / 3);
    expect(valueAt(LR, 2 / 3)).toBeCloseTo(1e-2);
    expect([share(LR, 1), share(LR, 1e-9)]).toEqual([1, 0]);
    expect([0, 1, 2].map((choice) => share(WIDTH, choice))).toEqual([0, 0.5, 1]);
  });

  it("choose the lines that lie within every brush", () => {
    const state = opened();
    const chosen = () => [0, 1, 2].filter((i) => state.isChosen(i));
    expect(chosen()).toEqual([0, 1, 2]);
    state.brushes.value = new Map([["lr", [0.5, 1]]]);
    expect(chosen()).toEqual([1, 2]);
    state.brushes.value = new Map([["lr", [0.5, 1]], ["valid_loss", [0, 0.5]]]);
    expect(chosen()).toEqual([1]); // the third has no value yet
  });

  it("are brushed by keys alone", () => {
    expect(byKey("ArrowUp", false, null)).toEqual([0.5, 1]);
    expect(byKey("ArrowDown", false, [0.5, 1])!.map((x) => Number(x.toFixed(3)))).toEqual([0.4, 0.9]);
    expect(byKey("ArrowUp", false, [0.5, 1])).toEqual([0.5, 1]);
    expect(byKey("ArrowDown", true, [0.4, 0.8])!.map((x) => Number(x.toFixed(3)))).toEqual([0.45, 0.75]);
    expect(byKey("Escape", false, [0, 1])).toBeNull();
    expect(byKey("a", false, null)).toBeUndefined();
  });

  it("say a brush in their own values", () => {
    expect(words({ ...LR, values: new Float32Array() }, [1 / 3, 1])).toBe("0.001 to 0.1");
    expect(words({ ...WIDTH, values: new Float32Array() }, [0.4, 1])).toBe("16, 32");
    expect(words({ ...WIDTH, values: new Float32Array() }, [0.1, 0.4])).toBe("none");
  });

  it("have round marks", () => {
    expect(marks(1e-4, 1e-1, true, 5)).toEqual([1e-4, 1e-3, 1e-2, 1e-1]);
    expect(marks(0, 1, false, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(marks(0.31, 0.47, true, 3).every((value) => value >= 0.31 && value <= 0.47)).toBe(true);
  });
});

describe("what is drawn", () => {
  it("is not smoothed beyond gaps and has no bias at its start", () => {
    const smooth = smoothed([2, 2, NaN, 2], 3);
    expect(smooth.map((value) => Number(value.toFixed(6)))).toEqual([2, 2, NaN, 2]);
    expect(smoothed([0, 1], 1)[1]).toBeCloseTo(2 / 3);
  });

  it("shows the usual values though one line explodes", () => {
    const usual = Array.from({ length: 200 }, (_, i) => 1 - i / 400);
    const [low, high] = span([usual, [0.9, 1e9]], false);
    expect(low).toBeGreaterThan(0.4);
    expect(low).toBeLessThan(0.51);
    expect(high).toBeLessThan(3);
    expect(span([usual, [0.9, 1e9]], true)[1]).toBeGreaterThan(1e8);
    expect(span([], false)).toEqual([0, 1]);
  });

  it("has other ends of viridis on white and on black", () => {
    expect(ranked(1, true)).toBe("rgb(253,231,37)");
    expect(ranked(0, false)).toBe("rgb(68,1,84)");
    expect(ranked(1, false)).not.toBe(ranked(1, true));
  });

  it("is said in words", () => {
    const axis: Axis = { ...LR, values: Float32Array.from([1, 2, 3, 4, 5, 6]) };
    const goal: Axis = { ...LR, name: "loss", values: Float32Array.from([9, 9, 5, 5, 1, 1]) };
    expect(trend(axis, goal)).toBe("At low lr the middle one has 9, at high 1.");
  });
});

describe("the table", () => {
  it("puts what is unknown last, whichever way it is sorted", () => {
    const values = [3, NaN, 1, 2];
    expect([...values].sort((a, b) => compare(a, b, false))).toEqual([1, 2, 3, NaN]);
    expect([...values].sort((a, b) => compare(a, b, true))).toEqual([3, 2, 1, NaN]);
  });
});
