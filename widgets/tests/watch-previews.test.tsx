import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Column } from "../src/core/frame";
import { type Boxes, countFound, overlap, scene } from "../src/watch/boxes";
import { type Captioned, shownWidth } from "../src/watch/captioned";
import { drawn, type Forecasts, meanError } from "../src/watch/forecasts";
import { Gallery } from "../src/watch/Gallery";
import { classesSeen, colour, type Masks, meanIou } from "../src/watch/masks";
import { gallery, ordered, orders, type Shape, summary } from "../src/watch/previews";
import { WatchState } from "../src/watch/state";
import type { Texts } from "../src/watch/texts";
import { frame } from "./watch-frame";

const columns = (of: Record<string, Column>) => new Map(Object.entries(of).map(([name, column]) => [`gallery/${name}`, column]));

const BOXES: Shape = { kind: "boxes", count: 2, height: 10, width: 10, channels: 1, classes: ["cat", "dog"] };
const TRUE = { pixels: new Uint8Array(200), truth: Float32Array.from([0, 0, 4, 4, 5, 5, 9, 9, 1, 1, 3, 3, 0, 0, 0, 0]), trueLabels: Int32Array.from([0, 1, 1, -1]) };
const FOUND = { found: Float32Array.from([5, 5, 9, 8, 0, 0, 4, 4, 1, 1, 3, 3, 0, 0, 0, 0]), foundLabels: Int32Array.from([1, 1, 1, -1]), scores: Float32Array.from([0.9, 0.8, 0.7, 0]) };
const boxes = () => gallery(BOXES, columns({ ...TRUE, ...FOUND }), null) as Boxes;

describe("boxes", () => {
  it("are found where half of the union is common and the class is right", () => {
    expect(overlap([0, 0, 2, 2], [1, 0, 3, 2])).toBeCloseTo(1 / 3);
    const { truth, found } = scene(boxes(), 0);
    expect(truth.map((box) => [box.label, box.matched])).toEqual([[0, false], [1, true]]);
    expect(found.map((box) => [box.label, box.matched])).toEqual([[1, true], [1, false]]);
    expect(countFound(boxes())).toEqual({ objects: 3, hits: 2, extra: 1 });
  });

  it("keep what is true from frame to frame, and say the worst first", () => {
    const later = gallery(BOXES, columns({ ...FOUND, foundLabels: Int32Array.from([1, 0, 0, -1]) }), boxes()) as Boxes;
    expect([...later.trueLabels!]).toEqual([0, 1, 1, -1]);
    expect(ordered(later, "worst")).toEqual([1, 0]);
    expect(orders(later)).toEqual(["same", "worst"]);
    expect(ordered(later, "newly wrong")).toEqual([0, 1]);
  });

  it("one true box is taken once, by the surest", () => {
    const twice = { ...FOUND, found: Float32Array.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 3, 3, 1, 1, 3, 3]), foundLabels: Int32Array.from([-1, -1, 1, 1]) };
    expect(countFound(gallery(BOXES, columns({ ...TRUE, ...twice }), null) as Boxes, [1])).toEqual({ objects: 1, hits: 1, extra: 1 });
  });
});

const MASKS: Shape = { kind: "masks", count: 2, height: 1, width: 4, channels: 3, classes: ["nothing", "cat", "dog"] };
const masks = (said: number[]) =>
  gallery(MASKS, columns({ pixels: new Uint8Array(24), truth: Uint8Array.from([0, 0, 1, 1, 0, 0, 0, 0]), said: Uint8Array.from(said) }), null) as Masks;

describe("masks", () => {
  it("are measured by intersection over union, over the classes that occur", () => {
    const shown = masks([0, 1, 1, 1, 0, 0, 0, 2]);
    expect(meanIou(shown, 0)).toBeCloseTo((1 / 2 + 2 / 3) / 2);
    expect(meanIou(shown, 1)).toBeCloseTo((3 / 4 + 0) / 2);
    expect(ordered(shown, "worst")).toEqual([1, 0]);
    expect(classesSeen(shown)).toEqual([1, 2]);
  });

  it("have a colour for each class, none twice", () => {
    const colours = Array.from({ length: 40 }, (_, i) => colour(i + 1).join());
    expect(new Set(colours).size).toBe(40);
  });
});

const read = ["good <b>film</b>", "שלום", "bad"];
const texts = (right: number[], last: Texts | null = null, shape: Partial<Shape> = { read, truth: ["for", "for", "against"] }) =>
  gallery({ kind: "texts", count: 3, said: ["for", "against", "for"], ...shape } as Shape,
    columns({ right: Uint8Array.from(right), scores: Float32Array.from([0.9, 0.6, 0.8]) }), last) as Texts; // prettier-ignore

describe("texts", () => {
  it("have the surest mistake first, and know what was unlearned", () => {
    const first = texts([1, 1, 0]);
    expect(ordered(first, "worst")).toEqual([2, 1, 0]);
    expect(ordered(first, "newly wrong")).toEqual([]);
    const second = texts([1, 0, 0], first, {});
    expect(second.read).toEqual(read);
    expect(ordered(second, "newly wrong")).toEqual([1]);
  });

  it("are nothing before they were sent", () => {
    expect(texts([1, 1, 1], null, {})).toBeNull();
  });
});

const CAPTIONED: Shape = { kind: "captioned", count: 2, height: 2, width: 8, channels: 1, said: ["play bach", "stop"], truth: ["play bach", "sto"] };
const captioned = (right: number[], last: Captioned | null = null, shape: Shape = CAPTIONED) =>
  gallery(shape, columns({ ...(last ? {} : { pixels: new Uint8Array(32) }), right: Uint8Array.from(right) }), last) as Captioned;

describe("pictures with texts", () => {
  it("keep their pictures and what is true, and know what was unlearned", () => {
    const first = captioned([1, 1]);
    const { truth: _, ...again } = CAPTIONED as Captioned;
    const second = captioned([0, 1], first, again as Shape);
    expect(second.pixels).toBe(first.pixels);
    expect(second.truth).toEqual(["play bach", "sto"]);
    expect(ordered(second, "newly wrong")).toEqual([0]);
    expect(ordered(second, "worst")).toEqual([0, 1]);
    expect(summary(second)).toBe("1 of 2 right");
  });

  it("that a model made anew replace the old ones with their texts", () => {
    const first = captioned([1, 1]);
    const made = gallery({ ...CAPTIONED, truth: ["a", "b"], said: null } as Shape, columns({ pixels: new Uint8Array(32).fill(9) }), first) as Captioned;
    expect([made.pixels[0], made.truth, made.right, orders(made)]).toEqual([9, ["a", "b"], null, ["same"]]);
  });

  it("have room by their shape", () => {
    const of = (width: number, height: number) => shownWidth({ ...captioned([1, 1]), width, height });
    expect([of(8, 8), of(64, 64), of(200, 64)]).toEqual(["small", "large", "long"]);
  });
});

const FORECASTS: Shape = { kind: "forecasts", count: 2, behind: 3, ahead: 2, unit: "MW", step: "hour" };
const PAST = { past: Float32Array.from([1, 2, 3, 4, 4, 4]), truth: Float32Array.from([4, 5, 4, 4]) };
const forecasts = (said: number[], last: Forecasts | null = null) =>
  gallery(FORECASTS, columns({ ...(last ? {} : PAST), said: Float32Array.from(said) }), last) as Forecasts;

describe("forecasts", () => {
  it("are measured by their mean distance, in their unit, the worst first", () => {
    const first = forecasts([4, 6, 4, 6]);
    expect([meanError(first, 0), meanError(first, 1)]).toEqual([0.5, 1]);
    expect(ordered(first, "worst")).toEqual([1, 0]);
    expect(summary(first)).toBe("off by 0.75 MW on the average");
    expect(ordered(forecasts([9, 9, 4, 4], first), "worst")).toEqual([0, 1]);
  });

  it("are drawn on one scale from the last known value on, without what is no number", () => {
    const lines = drawn(forecasts([4, Number.NaN, 4, 4]), 0, 100, 44);
    expect(lines.past.split(" ")).toEqual(["10.0,42.0", "30.0,32.0", "50.0,22.0"]);
    expect(lines.truth.split(" ")).toEqual(["50.0,22.0", "70.0,12.0", "90.0,2.0"]);
    expect(lines.said.split(" ")).toEqual(["50.0,22.0", "70.0,12.0"]);
    expect([lines.low, lines.high, lines.now]).toEqual([1, 5, 60]);
  });

  it("of a series that stands still lie in the middle", () => {
    expect(drawn(forecasts([4, 4, 4, 4]), 1, 100, 44).past).toContain("10.0,22.0");
  });
});

describe("the gallery on the screen", () => {
  let host: HTMLElement;
  beforeEach(() => {
    host = document.createElement("div");
    document.body.append(host);
  });
  afterEach(() => {
    render(null, host);
    host.remove();
  });
  async function show(part: Shape, sent: Map<string, Column>) {
    const state = new WatchState();
    await act(() => {
      state.receive(frame({ gallery: part }), sent);
      render(<Gallery state={state} />, host);
    });
  }

  it("draws true boxes and found boxes in two ways, and says them in words", async () => {
    await show(BOXES, columns({ ...TRUE, ...FOUND }));
    expect(host.querySelectorAll("li .dlnb-box-true").length).toBe(3);
    expect(host.querySelectorAll("li .dlnb-box-found").length).toBe(3);
    expect(host.textContent).toContain("2 of 3 objects found, 1 box too many");
    expect(host.querySelector("li")!.title).toBe("truly there: cat, dog; found: dog 90 %, dog 80 %");
  });

  it("shows masks beside the truth with a legend of the classes that occur", async () => {
    await show(MASKS, columns({ pixels: new Uint8Array(24), truth: new Uint8Array(8), said: Uint8Array.from([0, 0, 0, 2, 0, 0, 0, 0]) }));
    expect(host.querySelectorAll("figure canvas").length).toBe(4);
    expect(host.querySelector(".dlnb-legend")!.textContent).toContain("dog");
    expect(host.querySelector(".dlnb-legend")!.textContent).not.toContain("cat");
  });

  it("takes texts for texts, each in its own direction", async () => {
    const shape = { kind: "texts", count: 3, read, truth: null, said: ["a", "b", "c"] } as Shape;
    await show(shape, columns({ right: Uint8Array.from([1, 0, 1]) }));
    expect(host.querySelector("b")).toBeNull();
    expect(host.textContent).toContain("good <b>film</b>");
    expect(host.textContent).toContain("2 of 3 right");
    expect([...host.querySelectorAll("td[dir=auto]")].length).toBe(6);
    expect(host.querySelectorAll("tr.dlnb-wrong .dlnb-sign")[0]!.textContent).toBe("✗");
  });

  it("takes what was heard for text, and says where nothing was", async () => {
    await show({ ...CAPTIONED, said: ["<b>x</b>", ""] } as Shape, columns({ pixels: new Uint8Array(32), right: Uint8Array.from([1, 0]) }));
    expect(host.querySelectorAll("li canvas").length).toBe(2);
    expect(host.querySelector("b")).toBeNull();
    expect(host.textContent).toContain("<b>x</b>");
    expect(host.querySelector("li.dlnb-wrong .dlnb-said")!.textContent).toContain("nothing");
  });

  it("draws a forecast with its price in words", async () => {
    await show(FORECASTS, columns({ ...PAST, said: Float32Array.from([4, 6, 4, 6]), low: new Float32Array(4), high: new Float32Array(4).fill(9) }));
    expect(host.querySelectorAll("li polyline").length).toBe(6);
    expect(host.querySelectorAll("li polygon").length).toBe(2);
    expect(host.querySelector("li svg")!.getAttribute("aria-label")).toBe("2 hours ahead, from 0 to 9 MW; on the average 0.5 MW off");
  });
});
