import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { cut, middle, path, tail } from "../src/backprop/Graph";
import { Backprop } from "../src/backprop/index";
import { type BackpropFrame, BackpropState, type Box, type Road, say } from "../src/backprop/state";

// loss = (w · x)² with w = 3, x = 2: two roads lead from h = 6 to the square, written as h · h.
const place = (at: number, shape = "") => ({ at: 4 * at, shown: 1, size: 1, shape });
const NUMBERS = [3, 24, 6, 12, 36, 1, 2].flatMap((value) => [value, value, Math.abs(value), value]);
const [W, DW, H, DH, LOSS, ONE, X] = [0, 1, 2, 3, 4, 5, 6].map((at) => place(at));
const box = (part: Partial<Box>): Box => ({
  kind: "node", nodes: 1, fold: "", note: "", title: "multiply", name: "", autograd: "MulBackward0", formula: "y = a · b", end: "", results: 1,
  outputs: [], constants: [], ...part,
}); // prettier-ignore
const road = (part: Partial<Road>): Road => ({
  from: 0, to: 1, lane: 0, count: 1, letter: "a", name: "", value: null, way: "G times b, the other factor.", note: "", factor: null, left: null, ...part,
}); // prettier-ignore
const output = (value: unknown, arrived: unknown, worked = false) => ({ value, arrived, worked, shape: "" }) as Box["outputs"][0];

const BOXES = [
  box({ kind: "leaf", title: "a leaf", name: "w", end: "Here the way ends.", outputs: [output(W, DW)] }),
  box({ name: "h", outputs: [output(H, DH, true)], constants: [{ letter: "b", name: "x", value: X! }] }),
  box({ outputs: [output(LOSS, ONE)] }),
];
const ROADS = [
  road({ from: 0, to: 1, name: "w", value: W, factor: X, left: DW }),
  road({ from: 1, to: 2, name: "h", value: H, factor: H, left: H }),
  road({ from: 1, to: 2, lane: 1, letter: "b", name: "h", value: H, way: "G times a, the other factor.", factor: H, left: H }),
];

function frame(part: Partial<BackpropFrame> = {}): BackpropFrame {
  return { kind: "frame", view: "v", number: 1, full: true, columns: [], nodes: 3, leaves: 1, loss: "loss", part: "", notice: "", boxes: BOXES, roads: ROADS, ...part };
}

function columns(part: Record<string, Column> = {}): Map<string, Column> {
  return new Map<string, Column>(
    Object.entries({
      numbers: new Float32Array(NUMBERS),
      columns: new Int32Array([0, 1, 2]),
      rows: new Float32Array([0, 0, 0]),
      forward: new Int32Array([1, 2]),
      backward: new Int32Array([2, 1, 0]),
      "bends/counts": new Int32Array([0, 0, 0]),
      "bends/columns": new Int32Array(),
      "bends/rows": new Float32Array(),
      ...part,
    }),
  );
}

function seen(part: Partial<BackpropFrame> = {}, more: Record<string, Column> = {}): BackpropState {
  const state = new BackpropState();
  state.receive(frame(part), columns(more));
  return state;
}

const text = (state: BackpropState) => state.told().map((parts) => parts.map((one) => (typeof one === "string" ? one : state.few(one))).join(""));

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement("div"))));
afterEach(() => {
  render(null, host);
  host.remove();
});

describe("the steps", () => {
  it("begin where the cell has left off: with the forward pass made", () => {
    const state = seen();
    expect(state.step.value).toBe(2);
    expect(state.last.value).toBe(5);
    expect([0, 1, 2].map((i) => state.hasValue(i))).toEqual([true, true, true]);
    expect([0, 1, 2].map((i) => state.hasGradient(i))).toEqual([false, false, false]);
  });

  it("show values from the leaves on, then gradients from the loss back", () => {
    const state = seen();
    state.go(-3);
    expect(state.current.value).toBeNull();
    expect([0, 1, 2].map((i) => state.hasValue(i))).toEqual([true, false, false]);
    state.go(1);
    expect([0, 1, 2].map((i) => state.hasValue(i))).toEqual([true, true, false]);
    state.go(4);
    expect([0, 1, 2].map((i) => state.hasGradient(i))).toEqual([false, true, true]);
    state.go(99);
    expect(state.step.value).toBe(5);
    expect(state.hasGradient(0)).toBe(true);
  });

  it("stay when the same picture comes again, begin anew in another part, and go on where they were after it", () => {
    const state = seen();
    state.go(4);
    state.receive(frame(), columns());
    expect(state.step.value).toBe(4);
    state.receive(frame({ part: "layer" }), columns());
    expect(state.step.value).toBe(2);
    state.go(0);
    state.receive(frame(), columns());
    expect(state.step.value).toBe(4); // where one was before
  });

  it("lead to a box in the pass that is on; a leaf has one on the way back only", () => {
    const state = seen();
    state.visit(1);
    expect(state.current.value).toEqual({ box: 1, back: false });
    state.visit(0);
    expect(state.current.value).toEqual({ box: 0, back: true });
    state.visit(1);
    expect(state.current.value).toEqual({ box: 1, back: true });
  });
});

describe("the words", () => {
  it("of a forward step say the formula, the inputs by name, and the result", () => {
    const state = seen();
    state.go(1);
    expect(text(state)).toEqual(["y = a · b.", "a is w: 3.", "b is x: 2.", "It gives y = 6 (worked out again: autograd has not kept it)."]);
    expect(state.heading()).toBe("Forward 1 of 2: multiply → h");
  });

  it("of the first backward step begin with one", () => {
    const state = seen();
    state.go(3);
    expect(text(state)[0]).toBe("The way back begins here: the loss follows itself one to one, G = 1.");
    expect(text(state)[1]).toBe("To a (h): G times b, the other factor. 1 × 6 = 6.");
  });

  it("add where roads meet and multiply along a road", () => {
    const state = seen();
    state.go(4);
    expect(text(state)).toEqual(["2 roads meet here, so their gradients add up: 6 + 6 gives G = 12.", "To a (w): G times b, the other factor. 12 × 2 = 24."]);
    state.go(5);
    expect(text(state)).toEqual(["Arrives: G = 24.", "Here the way ends."]);
    expect(state.summary()).toBe("Backward 3 of 3: w. Arrives: G = 24. Here the way ends.");
  });

  it("say what is not known", () => {
    const state = seen({ boxes: [box({ kind: "leaf", outputs: [output(W, null)] }), box({ outputs: [{ ...output(null, DH), shape: "(2, 3)" }] }), BOXES[2]!] });
    state.go(1);
    expect(text(state).pop()).toContain("It gives a tensor (2, 3); autograd has not kept it");
    state.go(5);
    expect(text(state)[0]).toBe("No gradient arrives: the loss does not depend on it.");
  });

  it("add the copies where an input was stretched", () => {
    const note = "it was stretched from one number to (2,)";
    const state = seen({ roads: [{ ...ROADS[0]!, note }, { ...ROADS[1]!, note, factor: null }, ROADS[2]!] });
    state.go(4);
    expect(text(state)[1]).toBe(`To a (w): G times b, the other factor. 12 × 2, and the copies added, as ${note}: 24.`);
    state.go(3);
    expect(text(state)[1]).toBe(`To a (h): G times b, the other factor. The copies are added, as ${note}. Leaves: 6.`);
  });

  it("of a step in an opened part tell what comes from outside of it", () => {
    const outside = box({ kind: "outside", title: "what comes before", results: 2, outputs: [] });
    const state = seen({ boxes: [outside, BOXES[1]!, BOXES[2]!], part: "layer" });
    state.go(1);
    expect(text(state)[1]).toBe("a is w: 3.");
    const after = seen({ boxes: [BOXES[0]!, BOXES[1]!, { ...BOXES[2]!, kind: "outside" }] }, { forward: new Int32Array([1]), backward: new Int32Array([1, 0]) });
    after.go(0);
    expect([0, 1, 2].map((i) => after.hasValue(i))).toEqual([true, false, false]);
    after.go(1);
    expect([0, 1, 2].map((i) => after.hasValue(i))).toEqual([true, true, true]);
    expect(after.hasGradient(2)).toBe(false);
    after.go(2);
    expect(after.hasGradient(2)).toBe(true);
  });

  it("name NaN, infinity and signs", () => {
    expect([say(NaN), say(-Infinity), say(-1.5), say(-0.00012)]).toEqual(["NaN", "−∞", "−1.5", "−1.2e−4"]);
    const numbers = new Float32Array([-2, -1, 2.2, -1, -2, NaN, NaN, NaN, NaN, 0, 0, 0, 0]);
    const state = seen({}, { numbers });
    expect(state.few({ at: 0, shown: 2, size: 2, shape: "(2,)" })).toBe("[−1, −2]");
    expect(state.few({ at: 0, shown: 2, size: 900, shape: "(30, 30)" })).toBe("(30, 30) from −2 to −1");
    expect(state.brief({ at: 0, shown: 2, size: 900, shape: "(30, 30)" }, 19)).toBe("−2 … −1");
    expect([19, 7].map((letters) => state.brief({ at: 0, shown: 2, size: 2, shape: "(2,)" }, letters))).toEqual(["[−1, −2]", "−2 … −1"]);
    expect([0, 5, 9].map((at) => state.sign({ at, shown: 1, size: 1, shape: "" }))).toEqual([-1, 0, 0]);
  });
});

describe("the drawing", () => {
  it("leads a road from the right side of one box to the left side of the next, around what stands between", () => {
    const state = seen({}, { "bends/counts": new Int32Array([1, 0, 0]), "bends/columns": new Int32Array([1]), "bends/rows": new Float32Array([1]) });
    const scene = state.scene.value!;
    expect(scene.bends).toEqual([[[1, 1]], [], []]);
    const [x, y] = middle([1, 1]);
    expect(path(scene, 0)).toContain(`${x - 69} ${y}C`);
    expect(path(scene, 1)).not.toBe(path(scene, 2)); // two roads between the same boxes
    expect(cut("a".repeat(30))).toHaveLength(19);
    expect(tail("encoder.layers.3.linear1.weight")).toBe("…s.3.linear1.weight");
  });

  it("goes by keys, says each step, and shows all numbers as a table", async () => {
    const state = seen();
    const send = vi.fn();
    await act(() => render(<Backprop state={state} send={send} />, host));
    const root = host.querySelector<HTMLElement>(".dlnb-backprop")!;
    const press = (key: string) => act(() => void root.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    await press("ArrowRight");
    expect(root.dataset.step).toBe("3");
    expect(host.querySelector(".dlnb-spoken")!.textContent).toContain("Backward 1 of 3");
    await press("End");
    expect(host.querySelector("[data-box='0'] .dlnb-gradient")!.textContent).toBe("∂ 24");
    expect(host.querySelector("[data-box='0'] .dlnb-gradient")!.getAttribute("class")).toContain("dlnb-plus");
    expect(host.querySelector<HTMLButtonElement>("[data-action=next]")!.disabled).toBe(true);
    await press("Home");
    expect(host.querySelector("[data-box='0'] .dlnb-gradient")!.textContent).toBe("");
    await press("t");
    const rows = [...host.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
    expect(rows[1]).toEqual(["multiply", "h", "MulBackward0", "6", "12", "to w: 24"]);
    await press("o");
    await press("u");
    expect(send).not.toHaveBeenCalled();
  });

  it("says so when nothing comes, at first and after a question", async () => {
    const state = new BackpropState();
    await act(() => render(<Backprop state={state} send={vi.fn()} />, host));
    expect(host.textContent).toBe("Waiting for the graph …");
    await act(() => void (state.silent.value = true));
    expect(host.textContent).toContain("No news from the kernel");
    state.receive(frame(), columns());
    expect(state.waiting.value).toBe(false);
    await act(() => void (state.silent.value = false));
    expect(host.querySelector(".dlnb-notice")).toBeNull();
  });

  it("opens a folded part and leaves it again, and shows a notice", async () => {
    const fold = box({ kind: "fold", nodes: 30, fold: "1-30-30", title: "layer", outputs: [output(H, DH)] });
    const state = seen({ boxes: [BOXES[0]!, fold, BOXES[2]!], part: "net", notice: "A number is not finite." });
    const send = vi.fn();
    await act(() => render(<Backprop state={state} send={send} />, host));
    expect(host.querySelector("[role=alert]")!.textContent).toBe("A number is not finite.");
    expect(host.querySelector("[data-action=open]")).toBeNull();
    await act(() => state.go(1));
    expect(text(state)).toEqual(["30 nodes, folded.", "It gives y = 6."]);
    await act(() => state.visit(1));
    await act(() => host.querySelector<HTMLElement>("[data-action=open]")!.click());
    expect(send).toHaveBeenLastCalledWith("unfold", { place: "1-30-30" });
    await act(() => host.querySelector<HTMLElement>("[data-action=out]")!.click());
    expect(send).toHaveBeenLastCalledWith("out");
  });
});
