import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { coloured, hardened, inks, LETTERS, mixed, scale } from "../src/playground/colours";
import { Playground } from "../src/playground/index";
import { inputMap, toPixel, toPlace } from "../src/playground/paint";
import { ends, lines, nearest, planned } from "../src/playground/places";
import { address, broughtBy } from "../src/playground/Share";
import { fromPlace, toPlace as toSlider } from "../src/playground/Slider";
import { type Fixed, type PlaygroundFrame, PlaygroundState, type Structure } from "../src/playground/state";

const INPUTS = ["x", "y", "x²", "y²", "xy", "sin x", "sin y"];
const FIXED: Fixed = {
  inputs: INPUTS, activations: ["tanh", "relu"], norms: ["none", "batch"], optimizers: [{ name: "SGD", options: [] }, { name: "Adam", options: [] }],
  shapes: [{ name: "circle", surface: false }, { name: "hills", surface: true }],
  missions: [
    { name: "line", title: "A straight line", task: "Press Play.", why: "One line.", conditions: ["99% right", "no hidden layer"] },
    { name: "hand", title: "By hand", task: "Drag.", why: "Hands.", conditions: ["no step"] },
  ],
  limits: { layers: 6, units: 8, classes: 6 }, side: 4, small: 2, reach: 6, lines: 3,
}; // prettier-ignore
const STRUCTURE: Structure = {
  network: { inputs: ["x", "y"], layers: [{ units: 3, activation: "tanh", dropout: 0, norm: "none" }, { units: 2, activation: "relu", dropout: 0.1, norm: "batch" }], outputs: 1, seed: 4 },
  plan: { optimizer: "SGD", lr: 0.03, batch: 10, l1: 0, l2: 0, options: [{ name: "momentum", value: 0 }, { name: "nesterov", value: false }] },
  data: {
    recipe: { shape: "circle", points: 500, classes: 2, noise: 0, flipped: 0, imbalance: 0, share: 0.5, seed: 0 }, drawn: false, classes: 2, names: ["A", "B"],
    hues: [0, 1], axes: ["x", "y"], share: 0.5, trains: 250, tests: 250, columns: null, chosen: null,
  },
}; // prettier-ignore

function frame(part: Partial<PlaygroundFrame> = {}): PlaygroundFrame {
  return {
    kind: "frame", view: "v", number: 1, full: false, columns: [], playing: false, pace: null, notice: "", noticed: 0, epoch: 2, steps: 50, place: 0, furthest: 5,
    last: { loss: 0.5, test_loss: 0.625, accuracy: 0.75, test_accuracy: 0.8 }, undo: "", pending: "", marks: [], mission: null, held: [], passed: [], seeds: null, warp: null, trace: null, edits: 0,
    ...part,
  }; // prettier-ignore
}

const history = (from: number, ...losses: number[]): Map<string, Column> =>
  new Map<string, Column>([
    ["history/loss/steps", Int32Array.from(losses, (_, k) => from + k)],
    ["history/loss/mean", new Float32Array(losses)],
    ["history/test_loss/steps", Int32Array.from(losses, (_, k) => from + k)],
    ["history/test_loss/mean", new Float32Array(losses.map((loss) => loss + 1))],
  ]);

/** A state with all columns: weights 0, 1, 2, … tenths; the output 0 to 240 in steps of 16. */
function begun(part: Partial<PlaygroundFrame> = {}, structure = STRUCTURE): PlaygroundState {
  const state = new PlaygroundState();
  const columns = history(0, 3, 2, 1);
  columns.set("weights", Float32Array.from({ length: 20 }, (_, k) => k / 10));
  columns.set("output", Uint8Array.from({ length: 16 }, (_, k) => 16 * k));
  columns.set("neurons", Uint8Array.from({ length: 20 }, (_, k) => k));
  columns.set("points/places", new Float32Array([1, 1, -1, -1]));
  columns.set("points/values", new Float32Array([0, 1]));
  columns.set("points/trains", new Uint8Array([1, 0]));
  state.receive(frame({ full: true, fixed: FIXED, structure, ...part }), columns);
  return state;
}

let host: HTMLElement;
class Quiet {
  observe() {}
  disconnect() {}
}
beforeEach(() => {
  vi.stubGlobal("ResizeObserver", Quiet);
  document.body.append((host = document.createElement("div")));
});
afterEach(() => {
  render(null, host);
  host.remove();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("frames", () => {
  it("lengthen the history, and begin it anew where it did not go on", () => {
    const state = begun();
    state.receive(frame(), history(3, 0.5));
    expect(state.history.get("loss")!.mean).toEqual([3, 2, 1, 0.5]);
    state.receive(frame({ again: true }), history(0, 9, 8));
    expect(state.history.get("loss")!.mean).toEqual([9, 8]);
    expect(state.history.get("test_loss")!.steps).toEqual([0, 1]);
  });

  it("keep what they do not bring", () => {
    const state = begun();
    state.receive(frame(), new Map());
    expect(state.fixed.value).toBe(FIXED);
    expect(state.structure.value).toBe(STRUCTURE);
    expect([state.frames.value, state.points.value]).toEqual([2, 1]);
    expect([...state.trains]).toEqual([1, 0]);
  });

  it("say where each weight and each picture is", () => {
    const state = begun();
    expect(state.placeOf(0, 2, 1)).toBe(5); // 3 × 2 weights, then 3 biases
    expect(state.placeOf(0, 1, null)).toBe(7);
    expect(state.placeOf(1, 0, 0)).toBe(9);
    expect(state.placeOf(2, 0, null)).toBe(19);
    expect([...state.mapOf(1, 1)]).toEqual([16, 17, 18, 19]);
  });
});

describe("what the network says", () => {
  it("is read from its picture, the first row at the top", () => {
    const state = begun();
    expect(state.said([-5, 5])).toBe("A 100 %"); // 0 of 255
    expect(state.said([5, -5])).toBe("B 94 %"); // 240
    expect(state.said([7, 0])).toBe("");
  });

  it("is the likeliest of several classes, or the value of a surface", () => {
    const three = { ...STRUCTURE, data: { ...STRUCTURE.data, classes: 3, names: ["A", "B", "C"], hues: [0, 1, 2] } };
    const state = begun({}, three);
    state.output = Uint8Array.from({ length: 48 }, (_, k) => (k < 16 ? 50 : k < 32 ? 5 : 200));
    expect(state.said([0, 0])).toBe("C 78 %");
    const surface = begun({}, { ...STRUCTURE, data: { ...STRUCTURE.data, classes: 0, names: [] } });
    expect(surface.said([-5, 5])).toBe("-1.01");
  });

  it("and how it stands is told in a sentence", () => {
    const state = begun();
    expect(state.summary()).toBe("Epoch 2. Training loss 0.5, test loss 0.625. 80 % of the test points right.");
    state.receive(frame({ notice: "The loss exploded." }), new Map());
    expect(state.summary()).toContain("The loss exploded.");
    state.receive(frame({ seeds: { count: 64, epoch: 9, steps: 225, lost: 0, low: 0.5, middle: 0.75, high: 1, good: 3 } }), new Map());
    expect(state.summary()).toContain("64 seeds after 9 epochs: from 50 % to 100 %, the middle one 75 %.");
  });
});

describe("colours", () => {
  const image = () => ({ data: new Uint8ClampedArray(16), width: 2, height: 2 }) as unknown as ImageData;

  it("go from one end over the middle to the other", () => {
    const ends = scale([0, 0, 0], [100, 100, 100], [200, 200, 200]);
    const { data } = coloured(image(), new Uint8Array([0, 255, 128, 64]), ends);
    expect([data[0], data[4], data[3]]).toEqual([0, 200, 255]);
    expect(Math.abs(data[8]! - 100)).toBeLessThan(2);
    expect(Math.abs(data[12]! - 50)).toBeLessThan(2);
    expect(new Set(hardened(ends)).size).toBe(2);
  });

  it("show the likeliest class, pale where it is unsure", () => {
    const shares = new Uint8Array([255, 0, 85, 0, 0, 255, 85, 0, 0, 0, 85, 255]);
    const { data } = mixed(image(), shares, 3, [[200, 0, 0], [0, 200, 0], [0, 0, 200]], [250, 250, 250], false);
    expect(data[0]!).toBeGreaterThan(200);
    expect(data[1]!).toBeLessThan(50);
    expect(data[5]!).toBeGreaterThan(data[4]! + 100);
    expect([data[8], data[9], data[10]]).toEqual([250, 250, 250]);
    expect(data[14]!).toBeGreaterThan(data[12]! + 100);
  });

  it("are others in a dark theme", () => {
    const light = inks(host);
    document.body.setAttribute("data-jp-theme-light", "false");
    expect(inks(host).middle).not.toEqual(light.middle);
    document.body.removeAttribute("data-jp-theme-light");
    expect(light.hues).toHaveLength(LETTERS.length);
  });
});

describe("the picture of the network", () => {
  const plan = planned(STRUCTURE, INPUTS, 500);

  it("has a place for every input and neuron, from left to right, and grows beyond a narrow page", () => {
    expect(plan.levels.map((nodes) => nodes.length)).toEqual([7, 3, 2, 1]);
    const across = plan.levels.map((nodes) => nodes[0]!.x);
    expect([...across].sort((a, b) => a - b)).toEqual(across);
    expect(plan.width).toBe(500);
    expect(planned(STRUCTURE, INPUTS, 100).width).toBeGreaterThan(200);
  });

  it("has a line for every weight, in the order of the weights", () => {
    const all = lines(STRUCTURE);
    const state = begun();
    expect(all).toHaveLength(6 + 6 + 2);
    expect(all.map((line) => state.placeOf(line.layer, line.unit, line.source))).toEqual([0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 17, 18]);
  });

  it("begins a line at the input where it stands among all", () => {
    const other = { ...STRUCTURE, network: { ...STRUCTURE.network, inputs: ["xy"] } };
    const [[, y]] = ends(planned(other, INPUTS, 500), { layer: 0, unit: 0, source: 0 });
    expect(y).toBe(plan.levels[0]![4]!.y + plan.size / 2);
  });

  it("finds the line under the pointer, and none beside", () => {
    const line = { layer: 1, unit: 1, source: 2 };
    const [from, to] = ends(plan, line);
    expect(nearest(plan, lines(STRUCTURE), [from[0] + 3, from[1] + 1])).toMatchObject({ layer: 1, source: 2 });
    expect(nearest(plan, lines(STRUCTURE), [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2])).toEqual(line);
    expect(nearest(plan, lines(STRUCTURE), [from[0] + 10, plan.height - 5])).toBeNull();
  });

  it("knows places of the plane as pixels and back, and the pictures of the inputs", () => {
    expect(toPixel([-6, 6], 6, 300)).toEqual([0, 0]);
    expect(toPlace(toPixel([1.5, -2], 6, 300), 6, 300)).toEqual([1.5, -2]);
    const map = inputMap("x", 4, 6);
    expect([...map.slice(0, 4)]).toEqual([...map.slice(4, 8)]);
    expect([map[0], map[3]]).toEqual([1, 255]);
    expect(inputMap("y", 4, 6)[0]).toBe(255); // y points up
  });
});

describe("sliders", () => {
  it("are logarithmic where rates are set, and 0 has a place there", () => {
    const rate = { low: 1e-5, high: 10, logarithmic: true };
    expect(fromPlace(rate, toSlider(rate, 0.03))).toBeCloseTo(0.03);
    expect(toSlider(rate, 0)).toBe(0);
    expect(fromPlace({ low: 0, high: 10, step: 1 }, 3.4)).toBe(3);
    expect(fromPlace({ low: 0, high: 1, step: 0.05 }, 0.05)).toBe(0.05);
  });
});

describe("links", () => {
  it("stand behind the address of the page, and are found there", () => {
    expect(address("1abc", "http://here/lab/tree/00.ipynb#heading")).toBe("http://here/lab/tree/00.ipynb#playground=1abc");
    expect(broughtBy("#playground=1abc")).toBe("1abc");
    expect(broughtBy("#heading")).toBeNull();
  });
});

describe("the whole", () => {
  const ask = vi.fn();
  const shown = (state = begun()) => {
    const send = vi.fn();
    act(() => render(<Playground state={state} theme={signal(0)} send={send} ask={ask} />, host));
    const root = host.querySelector<HTMLElement>(".dlnb-playground")!;
    const press = (key: string, target: Element = root, more: object = {}) =>
      act(() => void target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more })));
    const click = (selector: string) => act(() => host.querySelector<HTMLElement>(selector)!.click());
    return { send, root, press, click, state };
  };

  it("waits until it is told", () => {
    act(() => render(<Playground state={new PlaygroundState()} theme={signal(0)} send={vi.fn()} ask={ask} />, host));
    expect(host.textContent).toContain("Waiting");
  });

  it("is worked by keys", () => {
    const { send, press, root } = shown();
    ["s", "b", "e", ",", "r", "u", " "].forEach((key) => press(key));
    expect(send.mock.calls).toEqual([
      ["step", { unit: "sample" }], ["step", { unit: "batch" }], ["step", { unit: "epoch" }], ["seek", { epoch: 1 }], ["restart"], ["undo"], ["play", { value: true }],
    ]); // prettier-ignore
    press("e", root.querySelector("input[type=text]")!);
    expect(send).toHaveBeenCalledTimes(7);
    press("t");
    expect([...host.querySelectorAll(".dlnb-table tbody tr")].map((row) => row.textContent)).toEqual(["034", "123", "212"]);
  });

  it("sends what is clicked", () => {
    const { send, click } = shown();
    ["[data-action=more-0]", "[data-action=less-1]", "[data-action=more-layers]", "[data-action=less-layers]", "[data-input=xy]", "[data-input=x]", "[data-shape=hills]", "[data-action=reseed]", "[data-action=clear]"].forEach(click);
    expect(send.mock.calls).toEqual([
      ["add_unit", { layer: 0 }], ["remove_unit", { layer: 1, unit: 1 }], ["add_layer", { at: 2 }], ["remove_layer", { layer: 1 }], ["inputs", { names: ["x", "y", "xy"] }],
      ["inputs", { names: ["y"] }], ["recipe", { name: "shape", value: "hills" }], ["restart", { seed: 5 }], ["clear"],
    ]); // prettier-ignore
  });

  it("opens a neuron with its weights as numbers, and a layer with its settings", () => {
    vi.useFakeTimers();
    const { send, click } = shown();
    click("[data-node='1/1']");
    const fields = [...host.querySelectorAll<HTMLInputElement>(".dlnb-parts input[type=text]")];
    expect(fields.map((field) => field.value)).toEqual(["1.2", "1.3", "1.4", "1.6"]);
    act(() => {
      fields[3]!.value = "-0,5";
      fields[3]!.dispatchEvent(new Event("input", { bubbles: true }));
      fields[3]!.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
      vi.advanceTimersByTime(100);
    });
    expect(send).toHaveBeenCalledExactlyOnceWith("weight", { layer: 1, unit: 1, source: null, value: -0.5 });
    click("[data-action=remove-neuron]");
    expect(send).toHaveBeenLastCalledWith("remove_unit", { layer: 1, unit: 1 });
    expect(host.querySelector(".dlnb-parts")).toBeNull();
    click("[data-layer='1']");
    expect(host.querySelector<HTMLSelectElement>("[data-setting=activation]")!.value).toBe("relu");
    click("[data-action=insert-layer]");
    expect(send).toHaveBeenLastCalledWith("add_layer", { at: 1 });
    click("[data-action=remove-layer]");
    expect(send).toHaveBeenLastCalledWith("remove_layer", { layer: 1 });
  });

  it("closes what is open when it is gone", () => {
    const { state, click } = shown();
    click("[data-node='0/2']");
    expect(host.querySelector(".dlnb-parts")).not.toBeNull();
    const smaller = { ...STRUCTURE, network: { ...STRUCTURE.network, layers: [{ ...STRUCTURE.network.layers[0]!, units: 2 }] } };
    act(() => state.receive(frame({ structure: smaller }), new Map()));
    expect(host.querySelector(".dlnb-parts")).toBeNull();
  });

  it("says what cannot be done, and does not play on data that cannot be learned", () => {
    shown(begun({ notice: "A layer holds 8 neurons at most.", pending: "All points are of class A." }));
    expect([...host.querySelectorAll("[role=alert]")].map((one) => one.textContent)).toEqual(["A layer holds 8 neurons at most.", "All points are of class A."]);
    expect(host.querySelector<HTMLButtonElement>("[data-action=play]")!.disabled).toBe(true);
  });

  it("plays slowly by ordering the next step when the last has come, until something goes wrong", () => {
    vi.useFakeTimers();
    const { send, state, click } = shown();
    act(() => {
      const speed = host.querySelector<HTMLSelectElement>("[aria-label=Speed]")!;
      speed.value = "1";
      speed.dispatchEvent(new Event("change", { bubbles: true }));
    });
    click("[data-action=play]");
    act(() => void vi.advanceTimersByTime(1000));
    expect(send.mock.calls).toEqual([["step", { unit: "epoch", count: 1 }]]);
    act(() => state.receive(frame({ epoch: 3 }), new Map()));
    act(() => void vi.advanceTimersByTime(1000));
    expect(send).toHaveBeenCalledTimes(2);
    act(() => state.receive(frame({ notice: "The loss exploded.", noticed: 1 }), new Map()));
    act(() => void vi.advanceTimersByTime(5000));
    expect(send).toHaveBeenCalledTimes(2);
    expect(host.querySelector("[data-action=play]")!.textContent).toContain("Play");
  });

  it("sets points by keys", () => {
    const { send, press } = shown();
    const plane = host.querySelector(".dlnb-board canvas:last-child")!;
    press("ArrowRight", plane);
    press("ArrowUp", plane);
    expect(host.querySelector(".dlnb-output output")!.textContent).toMatch(/^x 0.25, y 0.25: /);
    press("C", plane, { shiftKey: true });
    const [kind, content, buffers] = send.mock.calls[0]!;
    expect([kind, content]).toEqual(["paint", { label: 2 }]);
    expect([...new Float32Array(buffers[0])]).toEqual([0.25, 0.25]);
    press("Delete", plane);
    expect(send).toHaveBeenLastCalledWith("wipe", { x: 0.25, y: 0.25, radius: 0.6 });
  });

  it("shows the mission, what holds, and what it shows once it is passed", () => {
    const { state } = shown(begun({ mission: 0, held: [false, true] }));
    expect([...host.querySelectorAll("li")].map((one) => one.dataset["held"])).toEqual(["false", "true"]);
    expect(host.textContent).not.toContain("Passed.");
    act(() => state.receive(frame({ mission: 0, held: [true, true], passed: ["line"] }), new Map()));
    expect(host.querySelector(".dlnb-passed")!.textContent).toBe("Passed. One line.");
    expect(host.querySelector<HTMLSelectElement>("[data-setting=mission]")!.value).toBe("1"); // the next one is offered
  });

  it("shows the code, or says why there is none", async () => {
    const { click } = shown();
    ask.mockResolvedValueOnce({ answer: { text: "import torch" }, columns: new Map() });
    await act(async () => void click("[data-action=code]"));
    expect(host.querySelector<HTMLTextAreaElement>(".dlnb-script textarea")!.value).toBe("import torch");
    ask.mockRejectedValueOnce(new Error("There are no points yet."));
    await act(async () => void click("[data-action=link]"));
    expect(host.querySelector(".dlnb-share [role=status]")!.textContent).toBe("There are no points yet.");
  });

  it("asks for what the plane shall show, and returns to the network where that has ended", () => {
    vi.useFakeTimers();
    const { send, state } = shown();
    const choose = (value: string) =>
      act(() => {
        const choice = host.querySelector<HTMLSelectElement>("[data-setting=seen]")!;
        choice.value = value;
        choice.dispatchEvent(new Event("change", { bubbles: true }));
      });
    choose("warp1");
    expect(send).toHaveBeenLastCalledWith("warp", { layer: 1, units: [0, 1] });
    act(() => state.receive(frame({ warp: { layer: 1, units: [0, 1] } }), new Map()));
    expect(host.querySelector<HTMLSelectElement>("[data-setting=seen]")!.value).toBe("warp1");
    act(() => state.receive(frame({ warp: null }), new Map()));
    act(() => void vi.advanceTimersByTime(2000));
    expect(host.querySelector<HTMLSelectElement>("[data-setting=seen]")!.value).toBe("output");
    choose("spread");
    expect(send).toHaveBeenLastCalledWith("seeds", { on: true });
  });
});
