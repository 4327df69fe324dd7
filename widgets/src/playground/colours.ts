// The colours of a playground: orange for negative and the first class, blue for positive and the second.
import { between, type Colour } from "../core/viridis";

/** Of the classes A to F, by Okabe & Ito. `picture.py` has the same. */
export const HUES = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const DARK_HUES = ["#FF8C42", "#56B4E9", "#2BC99A", "#E59AC4", "#F0C24B", "#9AD4F5"];
export const LETTERS = "ABCDEF";

export interface Inks {
  dark: boolean;
  hues: Colour[];
  /** What is neither: the middle of every scale. */
  middle: Colour;
  /** 0 to 255 from negative to positive, one packed pixel each. */
  diverging: Uint32Array;
}

const bytes = (hex: string): Colour => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Colour;
const packed = ([red, green, blue]: Colour): number => (255 << 24) | (blue << 16) | (green << 8) | red;

/** 256 packed pixels from one colour over the middle to another. */
export function scale(from: Colour, middle: Colour, to: Colour): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, i) => packed(between([from, middle, to], i / 255)));
}

const made = new Map<boolean, Inks>();

/** The colours of the theme that is shown. */
export function inks(host: Element): Inks {
  const dark = host.ownerDocument.body.getAttribute("data-jp-theme-light") === "false";
  const known = made.get(dark);
  if (known) return known;
  const hues = (dark ? DARK_HUES : HUES).map(bytes);
  const middle: Colour = dark ? [38, 38, 38] : [246, 246, 246];
  const found = { dark, hues, middle, diverging: scale(hues[0]!, middle, hues[1]!) };
  made.set(dark, found);
  return found;
}

export const css = ([red, green, blue]: Colour, alpha = 1): string => `rgba(${red}, ${green}, ${blue}, ${alpha})`;

/** A picture of `side` × `side` bytes, coloured by a scale. */
export function coloured(image: ImageData, values: Uint8Array, scale: Uint32Array): ImageData {
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = scale[values[i]!]!;
  return image;
}

/** Probabilities of several classes, one picture after the other: each pixel in the hue of the likeliest, pale where it is unsure. */
export function mixed(image: ImageData, shares: Uint8Array, classes: number, hues: Colour[], middle: Colour, hard: boolean): ImageData {
  const pixels = new Uint32Array(image.data.buffer);
  const size = pixels.length;
  for (let i = 0; i < size; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (shares[k * size + i]! > shares[best * size + i]!) best = k;
    const sure = hard ? 1 : Math.max(0, (shares[best * size + i]! / 255 - 1 / classes) / (1 - 1 / classes));
    pixels[i] = packed(between([middle, hues[best]!], 0.85 * sure));
  }
  return image;
}

/** The same with nothing between the two ends. */
export function hardened(scale: Uint32Array): Uint32Array {
  return scale.map((_, i) => scale[i < 128 ? 40 : 215]!);
}
