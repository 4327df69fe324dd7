import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { Arithmetic, fine } from "../src/descend/Arithmetic";
import { Descend } from "../src/descend/index";
import { lossLines, Table } from "../src/descend/Losses";
import { area, between, shares, ticks, toPixel, toPlace } from "../src/descend/paint";
import { Racers } from "../src/descend/Racers";
import { colour, type DescendFrame, DescendState, type Knob, letter, type Line, type Racer, type Surface } from "../src/descend/state";

const SURFACE: Surface = {
  name: "bowl", title: "Round bowl", about: "The same slope on all sides.", box: [-2, 2, -1, 1], weights: ["x", "y"], minima: [[0, 0]], lowest: 0, side: 2,
}; // prettier-ignore
const RATE: Knob = { name: "lr", label: "learning rate", low: 1e-4, high: 10, scale: "log", value: 0.1 };
const LINES: Line[] = [
  { name: "g", words: "the slope", formula: "∂loss/∂w", numbers: ["", ""], values: [2, -4] },
  { name: "step", words: "downhill", formula: "−lr · g", numbers: ["−0.25 · 2", "−0.25 · (−4)"], values: [-0.5, 1] },
];

const racer = (name: string, part: Partial<Racer> = {}): Racer => ({
  name, label: name.toUpperCase(), about: "", on: true, steps: 2, stuck: "", arrived: null, loss: 0.5, knobs: [RATE], ...part,
}); // prettier-ignore

function frame(part: Partial<DescendFrame> = {}): DescendFrame {
  return {
    kind: "frame", view: "v", number: 1, full: false, columns: [], racers: [racer("sgd"), racer("adam", { on: false })], start: [1, 1], steps: 2,
    over: false, chosen: "sgd", lines: [], apart: null, notice: "", paths: {}, ...part,
  }; // prettier-ignore
}

const column = (...values: number[]): Map<string, Column> => new Map([["path/sgd", new Float32Array(values)]]);

function begun(part: Partial<DescendFrame> = {}): DescendState {
  const state = new DescendState();
  const columns = column(1, 1, 2, 0.5, 0.5, 1, 0.25, 0.25, 0.5);
  columns.set("map", new Float32Array([1, 2, 3, 4]));
  state.receive(
    frame({ full: true, surface: SURFACE, surfaces: [{ name: "bowl", title: "Round bowl" }, { name: "saddle", title: "Saddle" }], paths: { sgd: 0 }, ...part }),
    columns,
  );
  return state;
}

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement("div"))));
afterEach(() => {
  render(null, host);
  host.remove();
  vi.useRealTimers();
});

describe("frames", () => {
  it("lengthen the ways, and replace what was taken back", () => {
    const state = begun();
    state.receive(frame({ paths: { sgd: 3 } }), column(0.1, 0.2, 0.3));
    expect(state.paths.get("sgd")!.loss).toHaveLength(4);
    state.receive(frame({ paths: { sgd: 0 } }), column(1, 1, 2, 9, 8, 7));
    expect(state.paths.get("sgd")).toEqual({ x: [1, 9], y: [1, 8], loss: [2, 7] });
    state.receive(frame({ paths: { sgd: 1 } }), column(5, 5, 5));
    expect(state.paths.get("sgd")!.x).toEqual([1, 5]);
  });

  it("keep the surface where they bring none", () => {
    const state = begun();
    state.receive(frame(), new Map());
    expect(state.surface.value).toBe(SURFACE);
    expect(state.frames.value).toBe(2);
  });

  it("answer what was asked for", () => {
    const state = new DescendState();
    expect(state.awaited).toBe(true);
    state.receive(frame({ full: true, surface: SURFACE }), new Map([["map", new Float32Array(4)]]));
    expect(state.awaited).toBe(false);
  });

  it("leave out who does not take part", () => {
    expect(begun().running.map(({ racer }) => racer.name)).toEqual(["sgd"]);
  });
});

describe("the map", () => {
  it("says the loss of the cell under a place, and none beyond its edge", () => {
    const state = begun();
    expect(state.lossAt([-1, -0.5])).toBe(1);
    expect(state.lossAt([1, 0.5])).toBe(4);
    expect(state.lossAt([3, 0])).toBeUndefined();
  });

  it("finds a place from pixels and back", () => {
    const room = area(300, 200);
    expect(toPixel(room, SURFACE, [-2, 1])).toEqual([room.left, room.top]);
    const [x, y] = toPlace(room, SURFACE, toPixel(room, SURFACE, [0.7, -0.3]))!;
    expect(x).toBeCloseTo(0.7);
    expect(y).toBeCloseTo(-0.3);
    expect(toPlace(room, SURFACE, [0, 0])).toBeNull();
  });

  it("has the lowest dark, the highest bright, and what is no number apart", () => {
    const found = shares(new Float32Array([0, 5, 10, NaN, Infinity]), 0);
    expect(found[0]).toBe(0);
    expect(found[2]).toBeCloseTo(1);
    expect(found[1]!).toBeGreaterThan(0.5); // logarithmically
    expect([found[3], found[4]]).toEqual([NaN, NaN]);
    expect([...shares(new Float32Array([3, 3]), null)]).toEqual([0, 0]);
  });

  it("is smooth between the middles of its cells", () => {
    const values = new Float32Array([0, 1, 2, 3]);
    expect(between(values, 2, 0.25, 0.25)).toBe(0);
    expect(between(values, 2, 0.5, 0.5)).toBe(1.5);
    expect(between(values, 2, 1, 1)).toBe(3);
  });

  it("has round numbers at its edge", () => {
    expect(ticks(-2, 2, 4)).toEqual([-2, -1, 0, 1, 2]);
    expect(ticks(0, 0.37, 4)).toEqual([0, 0.1, 0.2, 0.3]);
  });
});

describe("words", () => {
  it("say how the race stands", () => {
    const state = begun({ racers: [racer("sgd", { arrived: 2 }), racer("adam", { stuck: "ADAM flew off." })], notice: "Too long." });
    expect(state.summary()).toBe("Round bowl, step 2. SGD: loss 0.5, arrived after 2 steps. Too long.");
    state.receive(frame({ racers: [racer("sgd", { stuck: "SGD flew off." })] }), new Map());
    expect(state.summary()).toBe("Round bowl, step 2. SGD flew off.");
  });

  it("give every racer a letter and a colour of its own", () => {
    expect([0, 1, 2, 3, 4, 5].map((place) => letter(racer("x"), place)).join("")).toBe("SMNRAW");
    expect(letter(racer("mine"), 6)).toBe("M");
    expect(new Set([0, 1, 2, 3, 4, 5, 6].map(colour)).size).toBe(7);
  });

  it("have four digits and a true minus", () => {
    expect([0, -0.12345, 123456, -0.00001].map(fine)).toEqual(["0", "−0.1235", "1.235e5", "−1.000e−5"]);
  });
});

describe("knobs", () => {
  it("are sent when a number is typed, and not when it is none", () => {
    vi.useFakeTimers();
    const send = vi.fn();
    act(() => render(<Racers state={begun()} send={send} />, host));
    const field = host.querySelector<HTMLInputElement>("[data-knob=lr] input[type=text]")!;
    const type = (text: string) =>
      act(() => {
        field.value = text;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
        vi.advanceTimersByTime(100);
      });
    type("fast");
    expect(send).not.toHaveBeenCalled();
    type("0,25");
    expect(send).toHaveBeenCalledExactlyOnceWith("knob", { racer: "sgd", name: "lr", value: 0.25 });
  });

  it("belong to the one that is chosen, and who flew off says so", () => {
    const send = vi.fn();
    act(() => render(<Racers state={begun({ racers: [racer("sgd", { stuck: "SGD flew off at step 3." }), racer("adam")] })} send={send} />, host));
    expect(host.querySelector("[role=alert]")!.textContent).toContain("flew off at step 3");
    act(() => host.querySelector<HTMLElement>("[data-racer=adam] button")!.click());
    act(() => host.querySelector<HTMLElement>("[data-racer=sgd] input")!.click());
    expect(send.mock.calls).toEqual([["choose", { name: "adam" }], ["switch", { name: "sgd", value: false }]]);
  });
});

describe("the list of the racers", () => {
  const last = (part: Partial<Racer>, surface = SURFACE) => {
    act(() => render(<Racers state={begun({ racers: [racer("sgd", part)], surface })} send={vi.fn()} />, host));
    return [...host.querySelectorAll("tr")].map((row) => row.children[2]!.textContent);
  };

  it("says who has arrived, who has not, and who is stuck", () => {
    expect(last({ arrived: 7 })).toEqual(["arrived", "after 7 steps"]);
    expect(last({})).toEqual(["arrived", "not yet"]);
    expect(last({ stuck: "SGD flew off." })).toEqual(["arrived", "stuck"]);
    expect(last({ on: false })).toEqual(["arrived", ""]);
  });

  it("counts steps where nobody knows the lowest place", () => {
    expect(last({}, { ...SURFACE, lowest: null })).toEqual(["steps", "2"]);
  });
});

describe("the arithmetic", () => {
  it("shows formula, numbers and what comes out for both weights", () => {
    act(() => render(<Arithmetic state={begun({ lines: LINES, apart: 2e-17 })} />, host));
    const row = host.querySelector("[data-line=step]")!;
    expect(row.textContent).toContain("−lr · g");
    expect(row.textContent).toContain("−0.25 · (−4) = 1");
    expect([...row.querySelectorAll("b")].map((cell) => cell.className)).toEqual(["dlnb-negative", "dlnb-positive"]);
    expect(host.querySelector("[data-apart]")!.textContent).toContain("came to the same new weights");
  });

  it("says so where it is the same to the last bit", () => {
    act(() => render(<Arithmetic state={begun({ lines: LINES, apart: 0 })} />, host));
    expect(host.querySelector("[data-apart]")!.textContent).toContain("the same new weights, to the last bit.");
  });

  it("asks for a step before there is one, and does not claim what is not so", () => {
    const state = begun();
    act(() => render(<Arithmetic state={state} />, host));
    expect(host.textContent).toContain("Make a step");
    act(() => state.receive(frame({ lines: [{ ...LINES[1]!, values: [null, 1] }], apart: 0.5 }), new Map()));
    act(() => render(<Arithmetic state={state} />, host));
    expect(host.querySelector("[data-apart]")!.textContent).toContain("0.5 away");
    expect(host.textContent).toContain("no number");
  });
});

describe("losses", () => {
  it("are counted from the lowest place where it is known", () => {
    expect(lossLines(begun({ surface: { ...SURFACE, lowest: -1 } }))[0]!.pieces.mean).toEqual([3, 2, 1.5]);
    expect(lossLines(begun({ surface: { ...SURFACE, lowest: null } }))[0]!.pieces.mean).toEqual([2, 1, 0.5]);
  });

  it("are a table, too", () => {
    act(() => render(<Table state={begun()} />, host));
    const cells = [...host.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
    expect(cells).toEqual([["0", "1", "1", "2"], ["1", "0.5", "0.5", "1"], ["2", "0.25", "0.25", "0.5"]]);
  });
});

describe("the whole", () => {
  const shown = (state: DescendState) => {
    const send = vi.fn();
    act(() => render(<Descend state={state} theme={signal(0)} send={send} />, host));
    const root = host.querySelector<HTMLElement>(".dlnb-descend")!;
    const press = (key: string, target: Element = root) => act(() => void target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    return { send, root, press };
  };

  it("is worked by keys", () => {
    const { send, root, press } = shown(begun());
    [".", ",", "r"].forEach((key) => press(key));
    expect(send.mock.calls).toEqual([["step", { steps: 1 }], ["back", { steps: 1 }], ["restart", undefined]]);
    press("t");
    expect(host.querySelector(".dlnb-table")).not.toBeNull();
    press(".", root.querySelector("input[type=text]")!);
    expect(send).toHaveBeenCalledTimes(3); // a point that is typed is no step
  });

  it("moves a cross on the map by arrows, and begins there with Enter", () => {
    const { send, press } = shown(begun());
    const canvas = host.querySelector(".dlnb-board canvas")!;
    press("ArrowRight", canvas);
    expect(host.querySelector(".dlnb-map output")!.textContent).toContain("x 1.1, y 1");
    press("ArrowDown", canvas);
    press("Enter", canvas);
    expect(send).toHaveBeenCalledExactlyOnceWith("start", { x: 1.1, y: 0.95 });
  });

  it("orders the next steps only when the last ones have come, and stops at the end", () => {
    vi.useFakeTimers();
    const state = begun();
    const { send, press, root } = shown(state);
    press(" ");
    act(() => void vi.advanceTimersByTime(5000));
    expect(send).toHaveBeenCalledTimes(1);
    act(() => state.receive(frame({ steps: 3 }), new Map()));
    act(() => void vi.advanceTimersByTime(5000));
    expect(send).toHaveBeenCalledTimes(2);
    act(() => state.receive(frame({ steps: 4, over: true }), new Map()));
    act(() => void vi.advanceTimersByTime(5000));
    expect(send).toHaveBeenCalledTimes(2);
    expect(root.dataset["playing"]).toBe("false");
  });

  it("pauses when something else is asked for", () => {
    vi.useFakeTimers();
    const { send, press } = shown(begun());
    press(" ");
    press(",");
    act(() => void vi.advanceTimersByTime(5000));
    expect(send.mock.calls).toEqual([["back", { steps: 1 }]]);
  });
});
