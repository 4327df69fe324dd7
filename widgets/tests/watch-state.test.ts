import { describe, expect, it } from "vitest";
import type { Column } from "../src/core/frame";
import { WatchState } from "../src/watch/state";
import { columns, frame, LR } from "./watch-frame";

describe("the state of the dashboard", () => {
  it("appends what is new", () => {
    const state = new WatchState();
    state.receive(frame({ full: true, marks: [[0, "begun"]] }), columns("loss", [1, 2], [5, 4]));
    state.receive(frame({ marks: [[2, "lr 0.1 → 0.2"]] }), columns("loss", [3], [3]));
    expect(state.curves.get("loss")!.mean).toEqual([5, 4, 3]);
    expect(state.marks.value.map((mark) => mark.text)).toEqual(["begun", "lr 0.1 → 0.2"]);
    expect(state.version.value).toBe(2);
  });

  it("is replaced by a full frame, and then says again what it wants", () => {
    const state = new WatchState();
    let told = 0;
    state.onFull = () => (told += 1);
    state.receive(frame({ full: true, marks: [[1, "old"]] }), new Map([...columns("old", [1], [1]), ...columns("line3:loss", [1], [1])]));
    state.receive(frame({ full: true }), columns("loss", [1, 2], [2, 1]));
    expect([...state.curves.keys()]).toEqual(["loss"]);
    expect(state.marks.value).toEqual([]);
    expect(state.lines.size).toBe(0);
    expect(told).toBe(2);
  });

  it("keeps apart the run's own curves, their moving averages, and those of other lines", () => {
    const state = new WatchState();
    state.receive(frame(), new Map([...columns("loss", [1], [5]), ...columns("smooth:loss", [1], [4]), ...columns("line12:loss", [1], [3])]));
    expect([...state.curves.keys()]).toEqual(["loss"]);
    expect(state.smooth.get("loss")!.mean).toEqual([4]);
    expect(state.lines.get(12)!.get("loss")!.mean).toEqual([3]);
  });

  it("knows a metric whose name has slashes and colons", () => {
    const state = new WatchState();
    state.receive(frame(), columns("valid_top: 5/steps of 10", [1], [5]));
    expect([...state.curves.keys()]).toEqual(["valid_top: 5/steps of 10"]);
  });

  it("begins the smoothed curves and the lines anew when it is told so", () => {
    const state = new WatchState();
    state.receive(frame({ halfLife: 4 }), new Map([...columns("smooth:loss", [1, 2], [4, 4]), ...columns("line1:loss", [1, 2], [3, 3])]));
    state.receive(frame({ halfLife: 8, smoothAgain: true, linesAgain: [1] }), new Map([...columns("smooth:loss", [1], [5]), ...columns("line1:loss", [1], [6])]));
    expect(state.halfLife).toBe(8);
    expect(state.smooth.get("loss")!.mean).toEqual([5]);
    expect(state.lines.get(1)!.get("loss")!.mean).toEqual([6]);
  });

  it("keeps the places where a value was no number", () => {
    const state = new WatchState();
    const broken = columns("loss", [1, 2, 3], [2, Number.NaN, 3]);
    broken.set("loss/gaps", Int32Array.of(2)).set("loss/before", Float32Array.of(2));
    state.receive(frame(), broken);
    expect(state.curves.get("loss")!.gaps).toEqual([[2, 2]]);
    expect(state.curves.get("loss")!.mean[1]).toBeNaN();
  });

  it("puts the values of each frame into the knobs, whose shapes travel once", () => {
    const state = new WatchState();
    state.receive(frame({ controls: { controls: [LR], schedule: null, layers: [], undo: "" } }), new Map());
    state.receive(frame({ knobs: { lr: 0.5 } }), new Map());
    expect(state.knobs.value!.controls[0]).toEqual({ ...LR, value: 0.5 });
  });

  it("draws a ghost for each setting that was looked ahead at, and forgets them", () => {
    const state = new WatchState();
    const found = new Map<string, Column>([["fan0", Int32Array.of(4, 5)], ["fan0/loss", Float32Array.of(2, 1)]]);
    const whatIf = { number: 1, knob: "lr", step: 3, steps: 2, settings: [{ value: 0.1, loss: 1 }] };
    state.receive(frame({ whatIf }), found);
    expect(state.fans[0]!.mean).toEqual([2, 1]);
    state.receive(frame(), new Map());
    expect(state.fans.length).toBe(1);
    state.receive(frame({ whatIf: null }), new Map());
    expect([state.fans, state.whatIf.value]).toEqual([[], null]);
  });

  it("leaves out a column whose half is missing", () => {
    const state = new WatchState();
    state.receive(frame(), new Map<string, Column>([["loss/steps", Int32Array.from([1])]]));
    expect(state.curves.size).toBe(0);
  });

  it("says in a sentence where the run is", () => {
    const state = new WatchState();
    expect(state.summary()).toBe("Waiting for the run.");
    const steps = Array.from({ length: 100 }, (_, i) => i + 1);
    state.receive(frame({ full: true, step: 100 }), columns("loss", steps, steps.map((step) => 2 / step)));
    state.receive(frame({ state: "paused", step: 100 }), columns("valid_accuracy", [100], [0.9876]));
    expect(state.summary()).toBe("Paused. Step 100 of 100. Training loss 0.0200, falling. Validation accuracy 0.988.");
  });

  it("knows the loss also where no curves are sent, and counts the warnings", () => {
    const state = new WatchState();
    const finding = { id: "a", rule: "a", severity: "warn", sentence: "b", step: 1, layer: null, remedy: null, trial: null } as const;
    state.receive(frame({ health: { findings: [finding], checked: [] } }), new Map());
    expect(state.summary()).toBe("Training. Step 3 of 100. Training loss 2.30. One warning.");
  });

  it.each([["falling", (step: number) => 2 / step], ["rising", (step: number) => step], ["flat", () => 3]] as const)(
    "knows a curve that is %s",
    (word, curve) => {
      const state = new WatchState();
      const steps = Array.from({ length: 500 }, (_, i) => i + 1);
      state.receive(frame(), columns("loss", steps, steps.map(curve)));
      expect(state.summary()).toContain(`, ${word}.`);
    },
  );
});
