import { describe, expect, it } from "vitest";
import { duration, exact, number, percent, written } from "../src/core/format";

describe("numbers as people read them", () => {
  it.each([
    [0, "0"], [1, "1"], [0.123456, "0.123"], [0.001, "0.001"], [0.00012, "1.2e-4"], [-0.5, "-0.5"], [12.345, "12.3"],
    [999.4, "999"], [1234.5, "1,235"], [999_999, "999,999"], [2_500_000, "2.5e6"],
    [Number.NaN, "–"], [null, "–"], [undefined, "–"], [Number.POSITIVE_INFINITY, "∞"], [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%s is %s", (value, text) => expect(number(value)).toBe(text)); // prettier-ignore

  it.each([[0.001, "0.001"], [1.25e-5, "0.0000125"], [1.25e-7, "1.25e-7"], [1500, "1500"], [0.1 + 0.2, "0.3"]])(
    "%s can be typed over as %s and read again",
    (value, text) => {
      expect(exact(value)).toBe(text);
      expect(Number(exact(value))).toBeCloseTo(value, 12);
    },
  );

  it.each([
    [0.04, "0.0 s"], [9.94, "9.9 s"], [42.4, "42 s"], [59.7, "1 min 00 s"], [185, "3 min 05 s"], [3599.7, "1 h 00 min"],
    [7805, "2 h 10 min"], [null, "–"], [Number.NaN, "–"], [Number.POSITIVE_INFINITY, "–"],
  ])("%s seconds are %s", (value, text) => expect(duration(value)).toBe(text)); // prettier-ignore

  it.each([[0, "0.0 %"], [0.004, "0.4 %"], [0.1, "10 %"], [0.996, "100 %"], [1, "100 %"], [Number.NaN, "–"]])(
    "a share of %s is %s",
    (value, text) => expect(percent(value)).toBe(text),
  );

  it.each([[" 0,5 ", 0.5], ["−2", -2], ["1e-3", 0.001], ["0", 0], ["", null], ["  ", null], ["three", null], ["Infinity", null], ["1,2,3", null]])(
    "%s is read as %s",
    (text, value) => expect(written(text)).toBe(value),
  );
});
