// Where a value of a knob lies on its slider, and what one press of an arrow key makes of it.

/** A knob and its slider; without its value, which changes more often. */
export interface ControlShape {
  name: string;
  low: number;
  high: number;
  scale: "log" | "linear" | "whole" | "switch";
  /** Whether it can be off, which is a value of null. */
  off: boolean;
  /** The step at which it was last turned from this widget. */
  at: number | null;
}
export interface Control extends ControlShape {
  value: number | null;
}
export interface Placing {
  kind: "log" | "linear";
  whole: boolean;
  /** Ends and step of the slider. */
  first: number;
  last: number;
  step: number;
  /** Values at the ends; a logarithmic slider whose low is 0 has it at its first place. */
  low: number;
  high: number;
}

export const ARROW = 10 ** 0.1; // 1.26, a tenth of a decade
const NEAR = 0.02; // decades
const WIDE = 50; // a whole number whose ends differ by more than this factor is placed logarithmically
const DECADES = 6; // of a logarithmic slider that reaches down to 0

export function placing({ scale, low, high }: Pick<ControlShape, "scale" | "low" | "high">): Placing {
  const whole = scale === "whole";
  if (scale === "log" || (whole && high > WIDE * Math.max(low, 1))) {
    const least = low > 0 ? low : whole ? 1 : high / 10 ** DECADES;
    return { kind: "log", whole, first: Math.log10(least), last: Math.log10(high), step: 0.05, low, high };
  }
  return { kind: "linear", whole, first: low, last: high, step: whole ? 1 : (high - low) / 100, low, high };
}

/** The slider's place as a value, with two significant digits on a logarithmic one. */
export function fromPlace(places: Placing, place: number): number {
  if (places.kind === "linear") return places.whole ? Math.round(place) : tidy(place);
  if (places.low === 0 && place <= places.first) return 0;
  const value = clamp(10 ** place, places);
  return places.whole ? Math.max(1, Math.round(value)) : Number(value.toPrecision(2));
}

/** A value as the slider's place, kept within its ends. */
export function toPlace(places: Placing, value: number): number {
  const place = places.kind === "linear" ? value : value > 0 ? Math.log10(value) : places.first;
  return Math.min(places.last, Math.max(places.first, place));
}

/** What `presses` of an arrow key make of a value: a factor of 1.26 each on a logarithmic slider. */
export function arrow(places: Placing, value: number, presses: number): number {
  if (places.kind === "linear") return fromPlace(places, clamp(value + presses * places.step, places));
  if (places.whole) {
    const wanted = Math.round(value * ARROW ** presses);
    return clamp(wanted === value ? value + Math.sign(presses) : wanted, places);
  }
  // Two digits are a little off the tenths of a decade: without this, ten presses would not make ten times as much.
  const place = toPlace(places, value) + presses * Math.log10(ARROW);
  const tenth = Math.round(10 * place) / 10;
  return fromPlace(places, Math.abs(place - tenth) < NEAR ? tenth : place);
}

function clamp(value: number, { low, high }: Placing): number {
  return Math.min(high, Math.max(low, value));
}

/** Without the dust of binary fractions. */
function tidy(value: number): number {
  return Number(value.toPrecision(10));
}
