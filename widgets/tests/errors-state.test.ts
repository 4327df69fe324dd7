import { describe, expect, it } from "vitest";
import type { Column } from "../src/core/frame";
import { binWords, scale } from "../src/errors/Charts";
import { brief, exampleWords, listWords, tabs } from "../src/errors/Examples";
import { cellWords, strengths } from "../src/errors/Matrix";
import { type ErrorsFrame, ErrorsState, type FoundHead, type ListHead } from "../src/errors/state";
import { viridis } from "../src/core/viridis";

const HEAD: FoundHead = {
  kind: "classes", steps: [3, 3], count: 6, batches: false, classCount: 3, summary: "Right on 4 of 6.", since: null, looks: 1, new: 0,
  mended: 0, forgotten: 0, comparable: true, anew: false,
}; // prettier-ignore
const LIST: ListHead = { name: "worst", truth: -1, said: -1, page: 0, pages: 1, total: 2, truths: ["a", "b"], answers: ["b", "b"] };

function frame(part: Partial<ErrorsFrame> = {}): ErrorsFrame {
  return {
    kind: "frame", view: "a", number: 1, full: false, columns: [], model: "LeNet", task: "digits", split: "valid",
    splits: ["train", "valid"], state: "running", notice: "", reading: null, influence: null, ...part,
  }; // prettier-ignore
}

function columns(parts: Record<string, Column>): Map<string, Column> {
  return new Map(Object.entries(parts));
}

/** A state with [[2, 1, 0], [0, 1, 0], [0, 1, 1]]. */
function looked(): ErrorsState {
  const state = new ErrorsState();
  state.receive(
    frame({ full: true, found: { ...HEAD, anew: true, classes: ["a", "b", "c"] } }),
    columns({ shown: Int32Array.of(0, 1, 2), "cell/gap": Uint8Array.of(0, 1, 3, 3, 1), "cell/count": Uint8Array.of(2, 1, 1, 1, 1) }),
  );
  return state;
}

describe("the matrix", () => {
  it("is put together from the cells that changed", () => {
    const state = looked();
    expect([...state.matrix!]).toEqual([2, 1, 0, 0, 1, 0, 0, 1, 1]);
    state.receive(frame({ found: HEAD }), columns({ "cell/gap": Uint8Array.of(1, 6), "cell/count": Uint8Array.of(0, 5) }));
    expect([...state.matrix!]).toEqual([2, 0, 0, 0, 1, 0, 0, 5, 1]);
    expect(state.found.value!.classes).toEqual(["a", "b", "c"]);
  });

  it("goes with another split and with another kind of answers", () => {
    const state = looked();
    state.receive(frame({ split: "train" }), new Map());
    expect([state.matrix, state.found.value, state.list.value]).toEqual([null, null, null]);
    const other = looked();
    other.receive(frame({ found: { ...HEAD, kind: "labels", anew: true, classes: ["x"] } }), columns({ shown: Int32Array.of(0) }));
    expect(other.matrix).toBeNull();
  });

  it("says each cell in words, shares of an empty row included", () => {
    const state = looked();
    expect(cellWords(state, 0, 1)).toBe("truly a, the model says b: 1 example, 33 % of them");
    state.matrix!.fill(0);
    expect(cellWords(state, 0, 1)).toBe("truly a, the model says b: 0 examples");
  });

  it("shades counts by the largest, shares as they are, and mistakes by the largest mistake", () => {
    const state = looked();
    expect([...strengths(state, { shares: false, mistakes: false })]).toEqual([1, 0.5, 0, 0, 0.5, 0, 0, 0.5, 0.5]);
    expect(strengths(state, { shares: true, mistakes: false })[1]).toBeCloseTo(1 / 3);
    const mistakes = strengths(state, { shares: false, mistakes: true });
    expect([mistakes[0], mistakes[1], mistakes[7]]).toEqual([NaN, 1, 1]);
    state.matrix!.fill(0);
    expect([...strengths(state, { shares: true, mistakes: false })].every((value) => value === 0)).toBe(true);
  });
});

describe("the examples", () => {
  it("keep their columns together", () => {
    const state = looked();
    state.receive(
      frame({ list: LIST }),
      columns({
        "list/number": Int32Array.of(7, 4), "list/loss": Float32Array.of(2, 0.5), "list/said": Float32Array.of(0.75, 0.5),
        "list/truth": Float32Array.of(0.25, 0.5), "list/forgotten": Int32Array.of(2, 0), "list/right": Uint8Array.of(0, 1),
      }), // prettier-ignore
    );
    const [first, second] = state.list.value!.examples;
    expect(first).toEqual({ number: 7, truth: "a", answer: "b", loss: 2, said: 0.75, ofTruth: 0.25, forgotten: 2, right: false });
    expect(second!.right).toBe(true);
    expect(exampleWords(first!, "valid")).toBe("valid 7, truly a, the model says b, 75 % sure, 25 % for the truth, loss 2, forgotten 2 times");
  });

  it("have words where there is neither truth nor probability", () => {
    const bare = { number: 3, truth: "", answer: "", loss: NaN, said: NaN, ofTruth: NaN, forgotten: 0, right: null };
    expect(exampleWords(bare, "batch")).toBe("batch 3, loss –");
  });

  it("keep their pictures by split until they are told to forget them", () => {
    const state = looked();
    const pictures = columns({ "picture/shape": Int32Array.of(5, 1, 2, 1, 6, 1, 1, 3), "picture/pixels": Uint8Array.of(1, 2, 7, 8, 9) });
    state.receive(frame({ pictures: 2 }), pictures);
    expect([...state.picture("valid", 5)!.pixels]).toEqual([1, 2]);
    expect(state.picture("valid", 6)).toMatchObject({ height: 1, width: 1, channels: 3 });
    expect(state.picture("train", 5)).toBeUndefined();
    state.receive(frame({ forget: true }), new Map());
    expect(state.pictures.size).toBe(0);
  });

  it("are listed by what can be known of them", () => {
    const found = looked().found.value!;
    expect(tabs({ ...found, new: 3 }).map(([, label]) => label)).toEqual(["Worst", "Newly wrong 3", "Newly right 0", "Forgotten 0"]);
    expect(tabs({ ...found, comparable: false }).map(([name]) => name)).toEqual(["worst", "new"]);
    const list = { ...LIST, examples: [] };
    expect(listWords(found, { ...list, name: "cell", truth: 0, said: 2 })).toBe("Truly a, the model says c");
    expect(listWords({ ...found, since: 1200 }, { ...list, name: "new" })).toContain("since step 1,200");
    expect(listWords(found, { ...list, name: "new" })).toContain("one look only");
  });

  it.each([[0, "0"], [0.00012, "<.001"], [0.01234, "0.012"], [12.3, "12"], [Infinity, "∞"], [NaN, "–"]])("write a loss of %f as %s", (loss, text) => {
    expect(brief(loss)).toBe(text);
  }); // prettier-ignore
});

describe("the charts", () => {
  it("say what a bar of the reliability diagram holds", () => {
    const bins = { count: Int32Array.of(0, 4), confidence: Float32Array.of(NaN, 0.75), accuracy: Float32Array.of(NaN, 0.5) };
    expect(binWords(bins, 0)).toBe("confidence 0.0 % to 50 %: no answer");
    expect(binWords(bins, 1)).toBe("confidence 50 % to 100 %: 4 answers, on average 75 % sure and 50 % right");
  });

  it("put low values left and below, and one value alone in the middle", () => {
    expect(scale([0, 1], 0, false)).toBeLessThan(scale([0, 1], 1, false));
    expect(scale([0, 1], 0, true)).toBeGreaterThan(scale([0, 1], 1, true));
    expect(Number.isFinite(scale([2, 2], 2, true))).toBe(true);
  });

  it("take a curve for what its columns are", () => {
    const state = looked();
    state.receive(frame({ curve: { class: 1, area: 0.5 } }), columns({ "curve/recall": Float32Array.of(0, 1), "curve/precision": Float32Array.of(1, 0.5) }));
    expect(state.curve.value).toMatchObject({ class: 1, numbers: null });
    state.receive(frame({ curve: { class: 0 } }), columns({ "dot/index": Int32Array.of(4), "dot/truth": Float32Array.of(2), "dot/said": Float32Array.of(3) }));
    expect([...state.curve.value!.numbers!]).toEqual([4]);
    state.receive(frame({ curve: null }), new Map());
    expect(state.curve.value).toBeNull();
  });

  it("have viridis at both ends, and nothing beyond them", () => {
    expect([viridis(0), viridis(1), viridis(-3), viridis(7), viridis(NaN)]).toEqual([
      [68, 1, 84], [253, 231, 37], [68, 1, 84], [253, 231, 37], [68, 1, 84],
    ]); // prettier-ignore
    const light = Array.from({ length: 50 }, (_, i) => viridis(i / 49)).map(([r, g, b]) => 0.2126 * r + 0.7152 * g + 0.0722 * b);
    expect(light.every((value, i) => i === 0 || value > light[i - 1]!)).toBe(true);
  });
});
