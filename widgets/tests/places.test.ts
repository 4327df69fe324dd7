import { describe, expect, it } from "vitest";
import { arrow, fromPlace, placing, toPlace } from "../src/core/places";
import { CLIP, DROPOUT, LR } from "./watch-frame";

const lr = placing(LR);
const batch = placing({ scale: "whole", low: 1, high: 1024 });
const few = placing({ scale: "whole", low: 2, high: 10 });
const dropout = placing(DROPOUT);

describe("the place of a value on its slider", () => {
  it.each([1e-6, 1e-4, 0.0012, 0.05, 1, 10])("is that of a logarithm, and gives %d back", (rate) => {
    expect(fromPlace(lr, toPlace(lr, rate))).toBeCloseTo(rate, 10);
  });

  it("stays within the ends", () => {
    expect([toPlace(lr, 0), toPlace(lr, -1), toPlace(lr, 1e-12), toPlace(lr, 1e9)]).toEqual([-6, -6, -6, 1]);
  });

  it("is zero at the first place of a logarithmic slider that reaches down to it", () => {
    const decay = placing({ scale: "log", low: 0, high: 1 });
    expect([fromPlace(decay, decay.first), toPlace(decay, 0)]).toEqual([0, -6]);
  });

  it.each([1, 2, 64, 1000, 1024])("of a wide whole number is logarithmic too (%i)", (size) => {
    expect(fromPlace(batch, toPlace(batch, size))).toBe(size);
  });

  it("of a narrow whole number is the number", () => {
    expect([few.kind, few.step, fromPlace(few, 7)]).toEqual(["linear", 1, 7]);
  });

  it("is without the dust of binary fractions", () => {
    expect(fromPlace(dropout, 0.1 + 0.2)).toBe(0.3);
  });
});

describe("a press of an arrow key", () => {
  it("multiplies a learning rate by 1.26, and ten presses make a decade", () => {
    expect(arrow(lr, 0.001, 1)).toBe(0.0013);
    let rate = 0.001;
    for (let i = 0; i < 10; i++) rate = arrow(lr, rate, 1);
    expect(rate).toBe(0.01);
    for (let i = 0; i < 10; i++) rate = arrow(lr, rate, -1);
    expect(rate).toBe(0.001);
    expect(arrow(lr, 0.003, 1)).toBe(0.0038);
  });

  it("changes a whole number by one at least, and never beyond its ends", () => {
    expect([arrow(batch, 2, 1), arrow(batch, 64, 1), arrow(batch, 1, -1), arrow(batch, 1024, 5)]).toEqual([3, 81, 1, 1024]);
    expect([arrow(few, 9, 1), arrow(few, 10, 1)]).toEqual([10, 10]);
  });

  it("moves a linear knob by a hundredth of its range", () => {
    expect(arrow(dropout, 0.2, 1)).toBeCloseTo(0.2095);
    expect(arrow(dropout, 0.94, 5)).toBe(0.95);
  });

  it("brings a knob that is off back from its upper end", () => {
    const clip = placing(CLIP);
    expect(arrow(clip, clip.high, -1)).toBeLessThan(100);
  });
});
