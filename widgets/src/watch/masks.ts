// Pictures each pixel of which has a class: how well the model's classes cover the true ones, and their colours.
import type { Pictures } from "./previews";

export interface Masks extends Pictures {
  kind: "masks";
  /** (N, H, W), the class of each pixel; 0 is the background, which is not painted. */
  truth: Uint8Array | null;
  said: Uint8Array | null;
}
export type Rgb = [red: number, green: number, blue: number];

// Okabe & Ito's palette, which also those tell apart who do not see all colours; then colours far from each other.
const PALETTE: Rgb[] = [
  [230, 159, 0], [86, 180, 233], [0, 158, 115], [240, 228, 66], [0, 114, 178], [213, 94, 0], [204, 121, 167],
]; // prettier-ignore

/** The colour of class 1, 2, …: each has its own. */
export function colour(label: number): Rgb {
  const known = PALETTE[label - 1];
  if (known) return known;
  const hue = (label * 137.5) % 360; // the golden angle: neighbours lie far apart
  return [0, 8, 4].map((n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (0.5 - 0.4 * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  }) as Rgb;
}

/** Intersection over union in picture `i`, the mean over the classes that are true or said in it. */
export function meanIou(shown: Masks, i: number): number | null {
  const { truth, said, height, width, classes } = shown;
  if (!truth || !said) return null;
  const [common, either] = [new Float64Array(classes.length), new Float64Array(classes.length)];
  for (let p = i * height * width; p < (i + 1) * height * width; p++) {
    const [a, b] = [truth[p]!, said[p]!];
    either[a] = either[a]! + 1;
    if (a === b) common[a] = common[a]! + 1;
    else either[b] = either[b]! + 1;
  }
  const shares = [...common].map((n, label) => n / either[label]!).filter((share) => !Number.isNaN(share));
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

/** The mean of that over the pictures. */
export function meanOfPictures(shown: Masks): number | null {
  if (!shown.count || meanIou(shown, 0) === null) return null;
  return Array.from({ length: shown.count }, (_, i) => meanIou(shown, i)!).reduce((sum, share) => sum + share, 0) / shown.count;
}

/** The least mean intersection over union first. */
export function worstMasks(shown: Masks, all: number[]): number[] {
  const covered = all.map((i) => meanIou(shown, i)!);
  return all.sort((a, b) => covered[a]! - covered[b]!);
}

/** The classes, without the background, that occur in any of the masks. */
export function classesSeen({ truth, said, classes }: Masks): number[] {
  const seen = new Set<number>([...(truth ? new Set(truth) : []), ...(said ? new Set(said) : [])]);
  return classes.map((_, label) => label).filter((label) => label > 0 && seen.has(label));
}
