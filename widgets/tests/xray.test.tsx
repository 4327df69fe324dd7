import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { apart } from "../src/xray/Answer";
import { layout, locate, taken } from "../src/xray/BigMap";
import { Detail } from "../src/xray/Detail";
import { table, toBytes } from "../src/xray/paint";
import { type DetailHeader, type Row, type XrayFrame, XrayState } from "../src/xray/state";
import { size, travel, Tree } from "../src/xray/Tree";

const row = (path: string, part: Partial<Row> = {}): Row => ({
  path, name: path.split(".").pop()!, kind: "Linear", settings: "", depth: path ? path.split(".").length : 0, place: 1, siblings: 1,
  children: 0, open: false, parameters: 6, frozen: "", same: null, more: 0, calls: 1, shape: "(4, 2)", ...part,
}); // prettier-ignore

const ROWS = [
  row("", { name: "Net", children: 2, open: true, siblings: 1 }),
  row("a", { children: 1, open: true, place: 1, siblings: 2 }),
  row("a.0", {}),
  row("b", { children: 3, open: false, place: 2, siblings: 2 }),
];

const DETAIL: DetailHeader = {
  path: "a.0", kind: "units", rows: 1, cells: 3, height: 1, width: 3, unit: null, units: 3,
  weights: { low: -1, high: 1, counted: 6, total: 6 }, reinitialise: true, update: null, calls: 1, call: 1, shape: "(4, 3)", taken: "",
  problem: "", numbers: { mean: 0.5, std: 1, low: -1, high: 2, zeros: 0, bad: 0, dead: 0 },
}; // prettier-ignore

function frame(part: Partial<XrayFrame> = {}): XrayFrame {
  return {
    kind: "frame", view: "v", number: 1, full: true, columns: [], model: "Net", state: null, step: null, observing: null, classes: [],
    chosen: null, off: [], notice: "", ...part,
  }; // prettier-ignore
}

function columns(count: number, part: Record<string, Column> = {}): Map<string, Column> {
  const all = new Map<string, Column>();
  for (const name of ["mean", "std", "low", "high", "zeros", "bad", "dead", "units", "gradient_norm", "update"]) all.set(name, new Float32Array(count).fill(1));
  for (const [name, column] of Object.entries(part)) all.set(name, column);
  return all;
}

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement("div"))));
afterEach(() => {
  render(null, host);
  host.remove();
});

describe("frames", () => {
  it("are put together row by row", () => {
    const state = new XrayState();
    const layout = new Int32Array([0, 0, 0, 0, 2, 1, 2, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
    const data = new Uint8Array([1, 2, 3, 4, 9]);
    const units = new Float32Array([2, 2, 3, NaN]);
    state.receive(
      frame({ tree: ROWS, measures: { loss: 0.5 } }),
      columns(4, { "thumbnails/layout": layout, "thumbnails/scale": new Float32Array([NaN, 3, 4, NaN]), "thumbnails/data": data, units }),
    );
    const seen = state.seen.value;
    expect(seen[0]!.thumbnail).toBeNull();
    expect(seen[1]!.thumbnail).toMatchObject({ count: 2, height: 1, width: 2, signed: true, scale: 3 });
    expect([...seen[1]!.thumbnail!.data]).toEqual([1, 2, 3, 4]);
    expect([...seen[2]!.thumbnail!.data]).toEqual([9]);
    expect(seen[3]).toBeNull(); // not called
    expect(state.hasGradients.value).toBe(false);
  });

  it("keep the tree where they bring none, and clear what was seen where they bring only a tree", () => {
    const state = new XrayState();
    state.receive(frame({ tree: ROWS, measures: {} }), columns(4));
    state.receive(frame({ measures: { loss: 1 } }), columns(4));
    expect(state.rows.value).toBe(ROWS);
    state.receive(frame({ tree: ROWS.slice(0, 2) }), new Map());
    expect(state.seen.value).toEqual([null, null]);
    expect(state.answer.value!.measures).toEqual({ loss: 1 });
  });

  it("are told in words, with what was before and what is wrong", () => {
    const state = new XrayState();
    const bad = new Float32Array([0, 0, 2, 0]);
    const dead = new Float32Array([5, 5, 1, 0]);
    state.receive(
      frame({ tree: ROWS, step: 7, measures: { loss: 0.75 }, before: { loss: 0.5 }, off: [{ path: "a.0", unit: 1 }] }),
      columns(4, { bad, dead }),
    );
    const words = state.summary();
    expect(words).toContain("Step 7.");
    expect(words).toContain("loss 0.750, before switching off 0.500.");
    expect(words).toContain("NaN or infinity in a.0.");
    expect(words).toContain("1 dead units"); // those of the containers are the same ones
    expect(words).toContain("Switched off: a.0 unit 1.");
  });
});

describe("the tree", () => {
  it("is travelled as a treegrid", () => {
    expect(travel("ArrowDown", ROWS, 0)).toEqual({ to: 1 });
    expect(travel("ArrowDown", ROWS, 3)).toEqual({ to: 3 });
    expect(travel("ArrowUp", ROWS, 0)).toEqual({ to: 0 });
    expect(travel("End", ROWS, 0)).toEqual({ to: 3 });
    expect(travel("Home", ROWS, 3)).toEqual({ to: 0 });
    expect(travel("ArrowRight", ROWS, 3)).toEqual({ open: true });
    expect(travel("ArrowRight", ROWS, 1)).toEqual({ to: 2 });
    expect(travel("ArrowRight", ROWS, 2)).toEqual({});
    expect(travel("ArrowLeft", ROWS, 1)).toEqual({ open: false });
    expect(travel("ArrowLeft", ROWS, 2)).toEqual({ to: 1 });
    expect(travel("ArrowLeft", ROWS, 3)).toEqual({ to: 0 });
    expect(travel("x", ROWS, 3)).toEqual({});
  });

  it("has one row in the order of Tab, says level and place, and does what keys ask", async () => {
    const state = new XrayState();
    state.receive(frame({ tree: ROWS, measures: {}, chosen: "b" }), columns(4));
    const send = vi.fn();
    const letters = vi.fn(() => true);
    await act(() => render(<Tree state={state} theme={signal(0)} send={send} act={letters} />, host));
    const rows = [...host.querySelectorAll<HTMLElement>(".dlnb-tree-row")];
    expect(rows.map((row) => row.tabIndex)).toEqual([0, -1, -1, -1]);
    expect(rows[2]!.getAttribute("aria-level")).toBe("3");
    expect(rows[3]!.getAttribute("aria-posinset")).toBe("2");
    expect(rows.map((row) => row.getAttribute("aria-expanded"))).toEqual(["true", "true", null, "false"]);
    expect(rows.map((row) => row.getAttribute("aria-selected"))).toEqual(["false", "false", "false", "true"]);
    const press = (row: HTMLElement, key: string) => act(() => void row.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    await press(rows[0]!, "ArrowDown");
    expect(document.activeElement).toBe(rows[1]);
    await press(rows[3]!, "ArrowRight");
    expect(send).toHaveBeenLastCalledWith("open", { path: "b", value: true });
    await press(rows[2]!, "Enter");
    expect(send).toHaveBeenLastCalledWith("choose", { path: "a.0", unit: null });
    await press(rows[2]!, "f");
    expect(letters).toHaveBeenLastCalledWith("f", ROWS[2]);
    await act(() => rows[1]!.querySelector<HTMLElement>(".dlnb-fold")!.click());
    expect(send).toHaveBeenLastCalledWith("open", { path: "a", value: false });
  });

  it("lists more children when asked", async () => {
    const state = new XrayState();
    state.receive(frame({ tree: [ROWS[0]!, row("", { kind: "", depth: 1, more: 452 })] }), new Map());
    const send = vi.fn();
    await act(() => render(<Tree state={state} theme={signal(0)} send={send} act={() => false} />, host));
    expect(host.textContent).toContain("452 more …");
    await act(() => host.querySelectorAll<HTMLElement>(".dlnb-tree-row")[1]!.click());
    expect(send).toHaveBeenCalledWith("more", { path: "" });
  });

  it("shows as many small maps as there is room for", () => {
    const picture = { count: 12, height: 8, width: 8, signed: true, scale: 1, data: new Uint8Array() };
    for (const room of [100, 150, 204]) {
      const shown = size(picture, room);
      expect(shown.width).toBeLessThanOrEqual(room);
      expect(shown.count).toBeGreaterThanOrEqual(6);
    }
    expect(size({ ...picture, count: 1, height: 1, width: 96 }, 150)).toEqual({ count: 1, width: 150, height: 14 });
  });
});

describe("what was and what is", () => {
  it("are told with as many digits as tell them apart", () => {
    expect(apart(0.5, 0.25)).toEqual(["0.5", "0.25"]);
    expect(apart(2.2801, 2.2836)).toEqual(["2.280", "2.284"]);
    expect(apart(2.28, 2.28)).toEqual(["2.28", "2.28"]);
    expect(apart(2.28, 2.28 + 1e-12)).toEqual(["2.28", "2.28"]);
    expect(apart(0.5, null)).toEqual(["0.5", "NaN"]);
  });
});

describe("colours", () => {
  it("put zero in the middle of signed numbers and at the beginning of others", () => {
    expect([...toBytes([-2, 0, 1, NaN]).data]).toEqual([0, 127, 191, 255]);
    expect([...toBytes([0, 1, 2, Infinity]).data]).toEqual([0, 127, 254, 255]);
    expect([...toBytes([0, 0]).data]).toEqual([0, 0]);
  });

  it("are orange below zero and blue above, on the ground of the theme", () => {
    const colour = (colours: Uint8ClampedArray, i: number) => [...colours.subarray(4 * i, 4 * i + 3)];
    const light = table(true, false);
    expect(colour(light, 0)).toEqual([213, 94, 0]);
    expect(colour(light, 254)).toEqual([0, 114, 178]);
    expect(colour(light, 127)).toEqual([250, 250, 250]);
    expect(colour(table(true, true), 127)).toEqual([34, 34, 34]);
    expect(colour(table(false, false), 0)).toEqual([68, 1, 84]);
    expect(colour(table(false, false), 255)).not.toEqual(colour(table(false, false), 254));
  });
});

describe("a cell of the larger view", () => {
  const full = { ...DETAIL, values: new Float32Array(), gradient: null, overview: null, peaks: new Float32Array(), counts: new Int32Array() };

  it("says which unit it stands for, also where the map was averaged down", () => {
    expect(locate({ ...full, kind: "units", cells: 100, width: 100 }, 33)).toEqual({ words: "unit 33", unit: 33 });
    expect(locate({ ...full, kind: "units", cells: 100, width: 1000 }, 33)).toEqual({ words: "unit 330", unit: 330 });
    expect(locate({ ...full, kind: "time × units", rows: 2, cells: 3, height: 4, width: 6 }, 5)).toEqual({ words: "time 2, unit 4", unit: 4 });
    expect(locate({ ...full, kind: "units × time", rows: 2, cells: 3, height: 2, width: 3 }, 5)).toEqual({ words: "unit 1, time 2", unit: 1 });
    expect(locate({ ...full, kind: "maps", rows: 2, cells: 3, height: 2, width: 3, unit: 7 }, 4).unit).toBeNull();
  });

  it("is marked where its unit was taken", () => {
    expect(taken({ ...full, kind: "units", cells: 100, width: 100, unit: 33 })).toEqual({ x: 1, y: 1, wide: 1, tall: 1 });
    expect(taken({ ...full, kind: "time × units", rows: 2, cells: 3, height: 4, width: 6, unit: 4 })).toEqual({ x: 2, y: 0, wide: 1, tall: 2 });
    expect(taken({ ...full, kind: "units × time", rows: 2, cells: 3, height: 2, width: 3, unit: 1 })).toEqual({ x: 0, y: 1, wide: 3, tall: 1 });
    expect(taken({ ...full, kind: "units", unit: null })).toBeNull();
  });

  it("of a long vector stands in one of several rows", () => {
    expect(layout({ kind: "units", rows: 1, cells: 100 })).toEqual({ rows: 4, cells: 32 });
    expect(layout({ kind: "units", rows: 1, cells: 10 })).toEqual({ rows: 1, cells: 10 });
    expect(layout({ kind: "time × units", rows: 1, cells: 100 })).toEqual({ rows: 1, cells: 100 });
  });
});

describe("surgery", () => {
  const asks = signal<string | null>(null);
  const shown = signal(false);

  async function open(part: Partial<DetailHeader> = {}, off: XrayFrame["off"] = []) {
    const state = new XrayState();
    const send = vi.fn();
    asks.value = null;
    state.receive(
      frame({ tree: ROWS, measures: {}, chosen: "a.0", off, detail: { ...DETAIL, ...part } }),
      columns(4, { "detail/values": new Float32Array([1, -2, 3]), "detail/weights": new Int32Array([1, 3, 2]) }),
    );
    await act(() => render(<Detail state={state} theme={signal(0)} asks={asks} table={shown} send={send} />, host));
    const click = (action: string) => act(() => host.querySelector<HTMLElement>(`[data-action="${action}"]`)!.click());
    return { send, click };
  }

  it("switches a layer off, and on where it is off", async () => {
    const { send, click } = await open();
    await click("layer-off");
    expect(send).toHaveBeenLastCalledWith("off", { path: "a.0", unit: null, value: true });
    const again = await open({}, [{ path: "a.0", unit: null }]);
    await again.click("layer-off");
    expect(again.send).toHaveBeenLastCalledWith("off", { path: "a.0", unit: null, value: false });
  });

  it("switches off the unit that was taken", async () => {
    expect((await open(), host.querySelector("[data-action=unit-off]"))).toBeNull();
    const { send, click } = await open({ unit: 2 });
    await click("unit-off");
    expect(send).toHaveBeenLastCalledWith("off", { path: "a.0", unit: 2, value: true });
  });

  it("asks before it begins anew", async () => {
    const { send, click } = await open();
    await click("reinitialise");
    expect(host.textContent).toContain("Draw the 6 weights of a.0 anew?");
    await click("cancel");
    expect(send).not.toHaveBeenCalled();
    expect(host.querySelector("[role=alertdialog]")).toBeNull();
    await click("reinitialise");
    await click("sure");
    expect(send).toHaveBeenCalledWith("reinitialise", { path: "a.0" });
  });

  it("goes on from the channel that was asked for while the kernel has not shown it", async () => {
    const state = new XrayState();
    const send = vi.fn();
    const overview = { "overview/layout": new Int32Array([4, 2, 2, 0]), "overview/scale": new Float32Array([1]), "overview/data": new Uint8Array(16) };
    const detail = { ...DETAIL, kind: "maps" as const, unit: 0, units: 4 };
    state.receive(frame({ tree: ROWS, measures: {}, chosen: "a.0", detail }), columns(4, { "detail/values": new Float32Array(3), ...overview }));
    await act(() => render(<Detail state={state} theme={signal(0)} asks={asks} table={shown} send={send} />, host));
    const channels = host.querySelector<HTMLElement>(".dlnb-channels canvas")!;
    for (let i = 0; i < 5; i++) channels.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    expect(send.mock.calls.map(([, content]) => content.unit)).toEqual([1, 2, 3]);
  });

  it("reads the values out by keys, and as a table", async () => {
    await open();
    const map = host.querySelector<HTMLElement>(".dlnb-big canvas")!;
    const press = (key: string) => act(() => void map.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })));
    await press("ArrowRight");
    await press("ArrowRight");
    expect(host.querySelector(".dlnb-point")!.textContent).toBe("unit 1: -2");
    await act(() => void (shown.value = true));
    expect([...host.querySelectorAll(".dlnb-values td")].map((cell) => cell.textContent)).toEqual(["1", "-2", "3"]);
  });
});
