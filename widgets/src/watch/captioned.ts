// Pictures with texts: a spectrogram and what was said, what a model made and what it was asked for.
import type { Pictures } from "./previews";

export interface Captioned extends Pictures {
  kind: "captioned";
  truth: string[] | null;
  said: string[] | null;
  right: Uint8Array | null;
  /** Which were right at the look before. */
  before: Uint8Array | null;
}

/** How wide the pictures are shown, in pixels: long ones have a row of their own. */
export function shownWidth({ width, height }: Captioned): "small" | "large" | "long" {
  if (width > 2.5 * height) return "long";
  return Math.max(width, height) <= 32 ? "small" : "large";
}
