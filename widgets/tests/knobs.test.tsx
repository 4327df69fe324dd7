import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ControlShape } from "../src/core/places";
import { Knobs } from "../src/watch/Knobs";
import { type KnobsShape, type Status, WatchState } from "../src/watch/state";
import { CLIP, DROPOUT, frame, LR, STATUS } from "./watch-frame";

const SWITCH: ControlShape = { name: "augment", low: 0, high: 1, scale: "switch", off: false, at: null };

let host: HTMLElement;
let state: WatchState;
const send = vi.fn();
const ask = vi.fn();

/** What a frame does: the same panel with another status. */
async function show(lr: number | null, part: Partial<Status> = {}, shape: Partial<KnobsShape> = {}): Promise<void> {
  const controls = { controls: [LR], schedule: null, layers: [], undo: "", ...shape };
  await act(() => {
    state.receive(frame({ ...part, knobs: { ...STATUS.knobs, augment: 1, ...(lr === null ? {} : { lr }) }, controls }), new Map());
    render(<Knobs state={state} send={send} ask={ask} />, host);
  });
}
const find = <T extends HTMLElement = HTMLInputElement>(selector: string) => host.querySelector<T>(selector)!;
const slider = () => find("[data-knob=lr] [type=range]");
const field = () => find("[data-knob=lr] [type=text]");

async function happen(element: HTMLElement, kind: string, value?: string): Promise<void> {
  await act(() => {
    if (value !== undefined) (element as HTMLInputElement).value = value;
    element.dispatchEvent(new Event(kind, { bubbles: true }));
  });
}
async function press(element: HTMLElement, key: string): Promise<void> {
  await act(() => void element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true })));
}
async function pass(milliseconds: number): Promise<void> {
  await act(() => void vi.advanceTimersByTime(milliseconds));
}
const rates = () => send.mock.calls.map(([kind, content]) => [kind, content.knobs.lr]);

beforeEach(() => {
  vi.useFakeTimers();
  send.mockClear();
  ask.mockReset();
  state = new WatchState();
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
  vi.useRealTimers();
});

describe("the slider of a knob", () => {
  it("sends the last of many moves, not each", async () => {
    await show(0.001);
    for (const place of ["-2.9", "-2.5", "-2"]) {
      await happen(slider(), "input", place);
      await pass(20);
    }
    expect(rates()).toEqual([]);
    await pass(100);
    expect(rates()).toEqual([["set", 0.01]]);
  });

  it("sends when it is let go, so that nothing done next overtakes it", async () => {
    await show(0.001);
    await happen(slider(), "input", "-2");
    expect(rates()).toEqual([]);
    await happen(slider(), "change", "-2");
    expect(rates()).toEqual([["set", 0.01]]);
    await pass(5000);
    expect(rates()).toHaveLength(1);
    await press(slider(), "ArrowLeft");
    await act(() => void slider().dispatchEvent(new KeyboardEvent("keyup", { key: "ArrowLeft", bubbles: true })));
    expect(rates()).toHaveLength(2);
  });

  it("is not pulled back by frames that do not know of the move yet", async () => {
    await show(0.001);
    await happen(slider(), "input", "-2");
    await show(0.001, { step: 4 });
    expect(Number(slider().value)).toBeCloseTo(-2);
    await pass(100);
    await show(0.01, { step: 5 });
    await show(0.003, { step: 6 });
    expect(Number(slider().value)).toBeCloseTo(Math.log10(0.003));
  });

  it("lets go when the run does not confirm, as after a refusal", async () => {
    await show(0.001);
    await happen(slider(), "input", "-2");
    await pass(100);
    await pass(5000);
    await show(0.001, { step: 9 });
    expect(Number(slider().value)).toBeCloseTo(-3);
  });

  it("moves by a factor of 1.26 with an arrow key, and adds up quick presses", async () => {
    await show(0.001);
    for (let i = 0; i < 10; i++) await press(slider(), "ArrowRight");
    await pass(100);
    expect(rates()).toEqual([["set", 0.01]]);
  });

  it("says at which step the change took effect", async () => {
    await show(0.001, {}, { controls: [{ ...LR, at: 1240 }] });
    expect(find("[data-knob=lr]").textContent).toContain("since step 1,240");
  });

  it("is off when the run is over", async () => {
    await show(0.001, { state: "done", step: STATUS.total });
    expect([slider().disabled, field().disabled]).toEqual([true, true]);
  });
});

describe("the field of a knob", () => {
  it("is not written over by frames while somebody types", async () => {
    await show(0.001);
    await happen(field(), "input", "0.00");
    await show(0.0011, { step: 4 });
    expect(field().value).toBe("0.00");
    await happen(field(), "input", "0.0025");
    await press(field(), "Enter");
    await pass(100);
    expect(rates()).toEqual([["set", 0.0025]]);
  });

  it.each(["fast", "-1", "", " ", "Infinity", "1e999", "NaN"])("refuses %j and shows what holds", async (text) => {
    await show(0.001);
    await happen(field(), "input", text);
    await happen(field(), "blur");
    await pass(100);
    expect(field().value).toBe("0.001");
    expect(rates()).toEqual([]);
  });

  it("forgets on Escape what was typed", async () => {
    await show(0.001);
    await happen(field(), "input", "0.5");
    await press(field(), "Escape");
    await happen(field(), "blur");
    await show(0.002);
    expect(field().value).toBe("0.002");
    expect(rates()).toEqual([]);
  });

  it("takes a comma for a point", async () => {
    await show(0.001);
    await happen(field(), "input", "0,02");
    await happen(field(), "blur");
    await pass(100);
    expect(rates()).toEqual([["set", 0.02]]);
  });
});

describe("the knobs", () => {
  it("can be off, which is null", async () => {
    await show(0.001, {}, { controls: [LR, CLIP] });
    expect(find("[data-knob=clip] [type=text]").value).toBe("off");
    await press(find("[data-knob=clip] [type=range]"), "ArrowLeft");
    await pass(100);
    expect(send.mock.calls[0]![1].knobs.clip).toBeLessThan(100);
    await happen(find("[data-knob=clip] button"), "click");
    await pass(100);
    expect(send.mock.calls[1]![1]).toEqual({ knobs: { clip: null } });
  });

  it("are switches where they are yes or no", async () => {
    await show(0.001, {}, { controls: [SWITCH] });
    const box = find("[data-knob=augment] [role=switch]");
    expect(box.checked).toBe(true);
    box.checked = false;
    await happen(box, "change");
    await pass(100);
    expect(send.mock.calls).toEqual([["set", { knobs: { augment: 0 } }]]);
  });

  it("beyond the first six are shown on demand", async () => {
    const many = Array.from({ length: 9 }, (_, i) => ({ ...DROPOUT, name: `knob${i}` }));
    await show(0.001, {}, { controls: many });
    expect(host.querySelectorAll("[data-knob]").length).toBe(6);
    await happen(find("button.dlnb-small"), "click");
    expect(host.querySelectorAll("[data-knob]").length).toBe(9);
  });

  it("are taken back by the run, and the button says what", async () => {
    await show(0.001);
    expect(find("[data-action=undo]").hasAttribute("disabled")).toBe(true);
    await show(0.001, {}, { undo: "lr 0.01 → 0.001" });
    expect(find("[data-action=undo]").title).toContain("lr 0.01 → 0.001");
    await happen(find("[data-action=undo]"), "click");
    expect(send.mock.calls).toEqual([["undo"]]);
  });

  it("hold, scale and end the schedule", async () => {
    await show(0.001, {}, { schedule: { words: "schedule: cosine", held: false, scale: 2 } });
    const buttons = [...host.querySelectorAll<HTMLElement>(".dlnb-schedule button")];
    for (const button of buttons) await happen(button, "click");
    const set = (knobs: object) => ["set", { knobs }];
    expect(send.mock.calls).toEqual([set({ schedule: "hold" }), set({ lr_scale: 1 }), set({ lr_scale: 4 }), set({ schedule: "off" })]);
  });

  it("freeze layers by name", async () => {
    await show(0.001, {}, { layers: [{ name: "stem", frozen: true }, { name: "head", frozen: false }] });
    expect(find("summary").textContent).toContain("1 of 2 held still");
    const boxes = [...host.querySelectorAll<HTMLInputElement>(".dlnb-freeze input")];
    boxes.forEach((box) => (box.checked = !box.checked));
    for (const box of boxes) await happen(box, "change");
    expect(send.mock.calls).toEqual([["unfreeze", { layer: "stem" }], ["freeze", { layer: "head" }]]);
  });
});

describe("what if", () => {
  it("asks for a third, the same and three times the value, and shows what came of it", async () => {
    await show(0.001);
    await happen(find("[data-action=what-if]"), "click");
    await happen(find("[data-action=what-if-go]"), "click");
    expect(send.mock.calls).toEqual([["what_if", { knob: "lr", values: [0.00033, 0.001, 0.003], steps: 50 }]]);
    expect(find("[data-action=what-if-go]").hasAttribute("disabled")).toBe(true);
    const settings = [{ value: 0.00033, loss: 2 }, { value: 0.001, loss: 1 }, { value: 0.003, loss: null }];
    await act(() => state.receive(frame({ whatIf: { number: 1, knob: "lr", step: 3, steps: 50, settings } }), new Map()));
    expect(find("[data-action=what-if-go]").hasAttribute("disabled")).toBe(false);
    expect(find(".dlnb-fans").textContent).toContain("learning rate 0.003: broke");
    await happen(find(".dlnb-fans button"), "click");
    expect(send.mock.calls[1]).toEqual(["set", { knobs: { lr: 0.00033 } }]);
  });

  it("does not wait for ever for what was refused", async () => {
    await show(0.001);
    await happen(find("[data-action=what-if]"), "click");
    await happen(find("[data-action=what-if-go]"), "click");
    await show(0.001, { notice: "that would take about 90 s", noticed: 1 });
    expect(find("[data-action=what-if-go]").hasAttribute("disabled")).toBe(false);
  });
});

describe("the script", () => {
  it("is in a field to be copied where the clipboard is closed", async () => {
    vi.useRealTimers();
    ask.mockResolvedValue({ answer: { text: "import dlnb as dl" }, columns: new Map() });
    vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("not allowed")) } });
    await show(0.001);
    await happen(find("[data-action=script]"), "click");
    await act(() => new Promise((done) => setTimeout(done, 20)));
    expect(find<HTMLTextAreaElement>("textarea").value).toBe("import dlnb as dl");
    expect(host.textContent).toContain("press Ctrl+C");
    vi.unstubAllGlobals();
  });
});
