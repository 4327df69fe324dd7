// A number as it stands in a cell, or is read aloud.

/** What fits into a small cell: whole numbers as they are, others with two decimals. */
export function inCell(value: number, isWhole: boolean): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (isWhole || (Number.isInteger(value) && size < 1e4)) return String(value).replace("-", "−");
  if (size >= 1e4) return value.toExponential(0).replace("e+", "e").replace("-", "−");
  const text = size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** With as many digits as are known. */
export function aloud(value: number, isWhole: boolean): string {
  if (Number.isNaN(value)) return "NaN, not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinite" : "minus infinite";
  return (isWhole ? String(value) : String(Number(value.toPrecision(5)))).replace("-", "−");
}

/** A piece of a text with its spaces and line ends to be seen. */
export function visible(piece: string): string {
  return piece.replace(/ /g, "␣").replace(/\n/g, "⏎").replace(/\t/g, "⇥") || "∅";
}
