// The colour map viridis, made by Nathaniel Smith and Stéfan van der Walt (2015, CC0).
// Source: Matplotlib, lib/matplotlib/_cm_listed.py, every sixteenth of its 256 colours.

export type Colour = [red: number, green: number, blue: number];

const STOPS: Colour[] = [
  [68, 1, 84], [72, 24, 106], [71, 45, 123], [66, 64, 134], [59, 82, 139], [51, 99, 141], [44, 114, 142], [38, 130, 142], [33, 145, 140],
  [31, 159, 136], [39, 173, 129], [61, 188, 116], [92, 200, 99], [129, 211, 77], [170, 220, 50], [213, 226, 26], [253, 231, 37],
]; // prettier-ignore

/** The colour of a magnitude from 0 to 1, as bytes; no number counts as 0. */
export function viridis(value: number): Colour {
  return between(STOPS, Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0)));
}

/** The whole map, from left to right, as a CSS background. */
export const RAMP = `linear-gradient(to right, ${STOPS.map((stop) => `rgb(${stop.join(",")})`).join(", ")})`;

/** The colour at `share` of the way from the first colour to the last. */
export function between(stops: Colour[], share: number): Colour {
  const place = share * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(place));
  const [from, to] = [stops[low]!, stops[low + 1]!];
  return from.map((value, c) => Math.round(value + (to[c]! - value) * (place - low))) as Colour;
}
