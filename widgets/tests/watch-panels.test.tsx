import { signal } from "@preact/signals";
import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { Health } from "../src/watch/Health";
import { keyAction } from "../src/watch/keys";
import { Layers } from "../src/watch/Layers";
import { event, Notice } from "../src/watch/Log";
import { type Finding, type Status, type Time, type TimeLine, WatchState } from "../src/watch/state";
import { type Place, snapshotBefore, Timeline } from "../src/watch/Timeline";
import { frame, LR, STATUS } from "./watch-frame";

let host: HTMLElement;
const send = vi.fn();
const ask = vi.fn();
const find = <T extends HTMLElement = HTMLInputElement>(selector: string) => host.querySelector<T>(selector)!;
const click = (selector: string) => act(() => find(selector).click());

class Quiet {
  observe() {}
  disconnect() {}
}
beforeEach(() => {
  vi.stubGlobal("ResizeObserver", Quiet);
  send.mockClear();
  ask.mockReset();
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the health panel", () => {
  const FINDING: Finding = {
    id: "dead fc1", rule: "dead_units", severity: "warn", sentence: "38 % of the units in fc1 never switch on.", step: 1240, layer: "fc1",
    remedy: { words: "a lower learning rate", knobs: { lr: 0.001 } }, trial: null,
  }; // prettier-ignore

  async function show(findings: Finding[], checked: string[] = []): Promise<WatchState> {
    const state = new WatchState();
    await act(() => {
      state.receive(frame({ health: { findings, checked } }), new Map());
      render(<Health state={state} send={send} ask={ask} />, host);
    });
    return state;
  }

  it("says that all is well, and on demand what was looked at", async () => {
    await show([], ["gradients", "labels"]);
    expect(host.textContent).toContain("All is well");
    expect(host.textContent).not.toContain("labels");
    await click("button");
    expect(host.textContent).toContain("gradients · labels");
  });

  it("says what is wrong, since when, and what may help", async () => {
    await show([FINDING]);
    for (const words of ["38 % of the units", "step 1,240", "→ a lower learning rate"]) expect(host.textContent).toContain(words);
    expect(find("[role=img]").getAttribute("aria-label")).toBe("warning:");
  });

  it("tries a remedy in a fork, then it can be adopted or discarded", async () => {
    await show([FINDING]);
    expect(find("[data-action=try-remedy]").textContent).toBe("try lr 0.001 in a fork");
    await click("[data-action=try-remedy]");
    await show([{ ...FINDING, trial: { state: "running", words: "" } }]);
    expect(host.querySelector("[data-action=try-remedy]")).toBeNull();
    await show([{ ...FINDING, trial: { state: "tested", words: "tested 60 steps: 0.41 instead of 0.93" } }]);
    expect(host.textContent).toContain("0.41 instead of 0.93");
    await click("[data-action=adopt-remedy]");
    await click("[data-action=discard-remedy]");
    const told = { finding: "dead fc1" };
    expect(send.mock.calls).toEqual([["try_remedy", told], ["adopt_remedy", told], ["discard_remedy", told]]);
  });

  it("has nothing to try where the remedy is code to change", async () => {
    await show([{ ...FINDING, remedy: { words: "call optimizer.zero_grad()", knobs: {} } }]);
    expect(host.querySelector("[data-action=try-remedy]")).toBeNull();
  });

  it("draws what shows it: a curve with a gap where it is no number", async () => {
    const columns = new Map([["0/x", Float32Array.of(1, 2, 3, 4, 5)], ["0/y", Float32Array.of(1, 2, Number.NaN, 4, 5)]]);
    ask.mockResolvedValue({ answer: { words: "alternation 0.9", x_label: "step", labels: [], names: ["loss"] }, columns });
    await show([FINDING]);
    await click("[data-action=why]");
    await act(async () => {});
    expect(ask).toHaveBeenCalledWith("evidence", { finding: "dead fc1" });
    expect(host.querySelectorAll("polyline").length).toBe(2);
    expect(host.textContent).toContain("alternation 0.9");
    await click("[data-action=why]");
    expect(host.querySelector("polyline")).toBeNull();
  });

  it("draws bars over what has names, and says why there is nothing", async () => {
    ask.mockResolvedValueOnce({ answer: { words: "", x_label: "layer", labels: ["stem", "head"], names: ["gradient"] }, columns: new Map([["0/x", Float32Array.of(0, 1)], ["0/y", Float32Array.of(3, 0)]]) });
    ask.mockRejectedValueOnce(new Error("this finding has gone meanwhile"));
    await show([FINDING]);
    await click("[data-action=why]");
    await act(async () => {});
    expect([...host.querySelectorAll("rect title")].map((title) => title.textContent)).toEqual(["stem 3", "head 0"]);
    await click("[data-action=why]");
    await click("[data-action=why]");
    await act(async () => {});
    expect(host.textContent).toContain("has gone meanwhile");
  });
});

describe("the layers panel", () => {
  it("is a table with a sign at what is out of the usual", async () => {
    const state = new WatchState();
    const numbers = (...values: number[]) => Float32Array.from(values);
    const columns = new Map([["layers/gradient", numbers(2, 1)], ["layers/update", numbers(1e-3, 0.5)], ["layers/dead", numbers(0, Number.NaN)]]);
    const names = ["stem", "head"];
    await act(() => {
      state.receive(frame({ layers: { names, step: 1240, columns: ["gradient", "update", "dead"] } }), columns);
      render(<Layers state={state} />, host);
    });
    const cells = [...host.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
    expect(cells).toEqual([["stem", "2", "0.001", "0.0 %"], ["head", "1", "0.5 !", "–"]]);
    expect(host.textContent).toContain("step 1,240");
  });
});

const line = (number: number, part: Partial<TimeLine> = {}): TimeLine => ({
  number, name: "main", parent: null, start: 0, end: 400, best: null, run: null, knobs: "", ...part,
}); // prettier-ignore
const TIME: Time = { lines: [line(0)], current: 0, exact: true, megabytes: 12.3, budget: 256 };
const FORK = line(1, { name: "B", parent: 0, start: 200, end: 300, knobs: "lr 0.1 → 0.01", run: { state: "running", step: 300, loss: 0.5 } });
const LEFT = line(2, { name: "C", parent: 0, start: 100, end: 250 });

describe("the timeline panel", () => {
  let state: WatchState;
  const place = signal<Place | null>(null);
  const compared = signal<ReadonlySet<number>>(new Set());

  async function show(time: Time = TIME, part: Partial<Status> = {}): Promise<void> {
    await act(() => {
      state.receive(frame({ step: 400, total: 4000, time, ...part }), new Map([["time0", Int32Array.of(0, 100, 200, 300)]]));
      render(<Timeline state={state} send={send} place={place} compared={compared} />, host);
    });
  }
  beforeEach(() => {
    state = new WatchState();
    place.value = null;
    compared.value = new Set();
  });

  it("takes the run along with the scrubber, and is not pulled back by older frames", async () => {
    await show();
    const scrubber = find(".dlnb-scrub");
    await act(() => {
      scrubber.value = "123";
      scrubber.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(send.mock.calls).toEqual([["seek", { step: 123, scrub: true }]]);
    await show(TIME, { step: 390 });
    expect(find(".dlnb-scrub").value).toBe("123");
    await show(TIME, { step: 123 });
    await show(TIME, { step: 130 });
    expect(find(".dlnb-scrub").value).toBe("130");
  });

  it("rewinds and forks at a step that was pointed at", async () => {
    await show();
    expect(find<HTMLButtonElement>("[data-action=rewind]").disabled).toBe(true);
    await act(() => void (place.value = { line: 0, step: 50 }));
    expect(host.textContent).toContain("at main, step 50");
    await click("[data-action=rewind]");
    await click("[data-action=fork]");
    expect(send.mock.calls).toEqual([["seek", { step: 50 }], ["seek", { step: 50 }], ["fork"]]);
  });

  it("names the line where the place is on another one", async () => {
    await show({ ...TIME, lines: [line(0), LEFT] });
    await act(() => void (place.value = { line: 2, step: 120 }));
    await click("[data-action=rewind]");
    expect(send.mock.calls).toEqual([["seek", { step: 120, line: 2 }]]);
  });

  it("writes a note at this step", async () => {
    await show();
    await act(() => {
      find(".dlnb-note input").value = "  here it breaks ";
      find(".dlnb-note input").dispatchEvent(new Event("input", { bubbles: true }));
    });
    await click("[data-action=note]");
    expect(send.mock.calls).toEqual([["mark", { text: "here it breaks" }]]);
    expect(find(".dlnb-note input").value).toBe("");
  });

  it("has a row for a fork: its state, pause, adopt, a knob of its own", async () => {
    await show({ ...TIME, lines: [line(0), FORK] });
    const row = find("[data-line='1']");
    for (const words of ["B", "from 200", "lr 0.1 → 0.01", "Training 300, loss 0.5"]) expect(row.textContent).toContain(words);
    await click("[data-action=fork-pause]");
    await click("[data-action=adopt]");
    await act(() => {
      find(".dlnb-fork-set input").value = "0,5";
      find(".dlnb-fork-set input").dispatchEvent(new Event("input", { bubbles: true }));
    });
    await act(() => void find(".dlnb-fork-set input").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true })));
    expect(send.mock.calls).toEqual([
      ["fork_do", { line: 1, to: "pause" }],
      ["adopt", { line: 1 }],
      ["fork_do", { line: 1, to: "set", knobs: { lr: 0.5 } }],
    ]);
  });

  it("goes over to a line that was left, and compares with it in numbers", async () => {
    await show({ ...TIME, lines: [line(0), LEFT] });
    await click("[data-line='2'] button");
    expect(send.mock.calls).toEqual([["seek", { step: 250, line: 2 }]]);
    await click("[data-line='2'] input");
    expect([...compared.value]).toEqual([2]);
    const steps = Array.from({ length: 250 }, (_, i) => i + 1);
    await act(() =>
      state.receive(frame(), new Map<string, Column>([
        ["loss/steps", Int32Array.from(steps)], ["loss/mean", new Float32Array(250).fill(0.25)],
        ["line2:loss/steps", Int32Array.from(steps)], ["line2:loss/mean", new Float32Array(250).fill(0.5)],
      ])),
    ); // prettier-ignore
    expect(host.textContent).toContain("around step 250: loss 0.25 here, 0.5 there");
  });

  it("is drawn with a tick for each snapshot and a star at the best step", async () => {
    await show({ ...TIME, lines: [line(0, { best: 300 })] });
    expect(host.querySelectorAll("svg g path").length).toBe(1 + 4);
    expect(find(".dlnb-best").textContent).toContain("at step 300");
    expect(find("svg").getAttribute("aria-label")).toBe("Timeline. The run is on main at step 400.");
  });

  it.each([[400, 300], [300, 200], [1, 0], [0, 0]])("finds the snapshot before step %i", (step, before) => {
    expect(snapshotBefore([0, 100, 200, 300], step)).toBe(before);
  });
});

describe("the keys", () => {
  function press(key: string, part: Partial<Status> = {}, place: Place | null = null): unknown[] {
    const state = new WatchState();
    const controls = { controls: [LR], schedule: null, layers: [], undo: "" };
    state.receive(frame({ step: 50, time: TIME, controls, ...part }), new Map([["time0", Int32Array.of(0, 20, 40)]]));
    const said: unknown[] = [];
    const note = (...words: unknown[]) => void said.push(words);
    const view = { halfLife: 0, logarithmic: false, table: false };
    keyAction(key, { state, send: note, place, view, change: note, help: () => note("help"), turned: { lr: 0, at: -Infinity } })?.();
    return said;
  }

  it.each<[string, Partial<Status>, unknown[]]>([
    [" ", {}, [["pause"]]],
    [" ", { state: "paused" }, [["resume"]]],
    [" ", { step: 100 }, []],
    [".", { state: "paused" }, [["step", { count: 1 }]]],
    [".", {}, []],
    [",", {}, [["seek", { step: 40 }]]],
    ["[", {}, [["set", { knobs: { lr: 0.00079 } }]]],
    ["]", {}, [["set", { knobs: { lr: 0.0013 } }]]],
    ["r", {}, []],
    ["f", {}, [["fork"]]],
    ["l", {}, [[{ logarithmic: true }]]],
    ["t", {}, [[{ table: true }]]],
    ["?", {}, [["help"]]],
    ["x", {}, []],
    ["constructor", {}, []],
  ])("%j does what it says (%j)", (key, part, said) => expect(press(key, part)).toEqual(said));

  it("two quick presses turn the learning rate twice, though the run has not confirmed the first", () => {
    const state = new WatchState();
    state.receive(frame({ controls: { controls: [LR], schedule: null, layers: [], undo: "" } }), new Map());
    const hands = { state, send, place: null, view: { halfLife: 0, logarithmic: false, table: false }, change: () => {}, help: () => {}, turned: { lr: 0, at: -Infinity } };
    keyAction("]", hands)?.();
    keyAction("]", hands)?.();
    expect(send.mock.calls.map(([, content]) => content.knobs.lr)).toEqual([0.0013, 0.0016]);
  });

  it("r and f work at the chosen step", () => {
    expect(press("r", {}, { line: 0, step: 7 })).toEqual([["seek", { step: 7 }]]);
    expect(press("f", {}, { line: 0, step: 7 })).toEqual([["seek", { step: 7 }], ["fork"]]);
  });
});

describe("a notice", () => {
  it("goes by itself, and comes again when it is said again", async () => {
    vi.useFakeTimers();
    const show = (noticed: number) => act(() => render(<Notice now={{ ...STATUS, notice: "no such knob", noticed }} />, host));
    await show(1);
    expect(host.textContent).toContain("no such knob");
    await act(() => void vi.advanceTimersByTime(9000));
    expect(host.textContent).toBe("");
    await show(1);
    expect(host.textContent).toBe("");
    await show(2);
    expect(host.textContent).toContain("no such knob");
    await click("button");
    expect(host.textContent).toBe("");
  });
});

describe("what is said at once", () => {
  const calm = { state: "running", step: 50, marks: ["lr 1 → 2"], findings: [], lines: 1 };
  it.each([
    [{}, ""],
    [{ step: 51 }, ""],
    [{ step: 20 }, "Back at step 20."],
    [{ marks: ["lr 1 → 2", "note"] }, "note."],
    [{ findings: ["It explodes."] }, "It explodes."],
    [{ lines: 2, step: 40 }, "Back at step 40. A new line began."],
  ])("after %j", (change, said) => expect(event(calm, { ...calm, ...change })).toBe(said));

  it("a finding is said once", () => {
    const found = { ...calm, findings: ["It explodes."] };
    expect(event(found, { ...found, step: 51 })).toBe("");
  });
});
