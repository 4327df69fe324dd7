// What the gallery shows: pictures with classes, boxes, masks or texts, or texts alone, or series. `dlnb/preview.py` says what the columns mean.
import { number, percent } from "../core/format";
import type { Column } from "../core/frame";
import { type Boxes, countFound, worstBoxes } from "./boxes";
import type { Captioned } from "./captioned";
import { type Forecasts, meanOfForecasts, worstForecasts } from "./forecasts";
import { type Masks, meanOfPictures, worstMasks } from "./masks";
import { countRight, type Images, newlyWrongImages, worstImages } from "./pictures";
import { countRightTexts, newlyWrongTexts, type Texts, worstTexts } from "./texts";

/** Pictures of one size, one behind the other. */
export interface Pictures {
  count: number;
  height: number;
  width: number;
  channels: number;
  classes: string[];
  pixels: Uint8Array;
}
export type Gallery = Images | Boxes | Masks | Texts | Captioned | Forecasts;
export type Order = "same" | "worst" | "newly wrong";

interface PicturesShape extends Omit<Pictures, "pixels"> {
  kind: "images" | "boxes" | "masks";
}
interface TextsShape {
  kind: "texts";
  count: number;
  said: string[] | null;
  /** What was read, and what is true: sent once. */
  read?: string[];
  truth?: string[] | null;
}
interface CaptionedShape extends Omit<Pictures, "pixels" | "classes"> {
  kind: "captioned";
  said: string[] | null;
  truth?: string[] | null;
}
type ForecastsShape = Omit<Forecasts, "past" | "truth" | "said" | "low" | "high">;
export type Shape = PicturesShape | TextsShape | CaptionedShape | ForecastsShape;

/** The gallery after a frame: the examples and what is true of them travel once, what the model says each time. */
export function gallery(shape: Shape, columns: Map<string, Column>, last: Gallery | null): Gallery | null {
  const column = <T extends Column>(name: string) => (columns.get(`gallery/${name}`) as T | undefined) ?? null;
  if (shape.kind === "texts") {
    const old = last?.kind === "texts" ? last : null;
    if (!shape.read && !old) return last;
    const { read, truth = null } = shape.read ? { read: shape.read, truth: shape.truth } : old!;
    const [right, scores] = [column<Uint8Array>("right"), column<Float32Array>("scores")];
    return { ...shape, read, truth, right, scores, before: shape.read ? null : old!.right };
  }
  if (shape.kind === "forecasts") {
    const fresh = column<Float32Array>("past");
    const old = !fresh && last?.kind === "forecasts" ? last : null;
    const past = fresh ?? old?.past;
    if (!past) return last;
    const truth = fresh ? column<Float32Array>("truth") : old!.truth;
    return { ...shape, past, truth, said: column<Float32Array>("said"), low: column<Float32Array>("low"), high: column<Float32Array>("high") };
  }
  const fresh = column<Uint8Array>("pixels");
  const old = !fresh && last?.kind === shape.kind ? last : null;
  const pixels = fresh ?? old?.pixels;
  if (!pixels) return last;
  const once = <T extends Column>(name: "truth" | "trueLabels") =>
    fresh ? column<T>(name) : ((old as unknown as Record<string, T | null> | null)?.[name] ?? null);
  if (shape.kind === "captioned") {
    const before = old?.kind === "captioned" ? old : null;
    const truth = shape.truth !== undefined ? shape.truth : (before?.truth ?? null);
    return { ...shape, pixels, classes: [], truth, right: column<Uint8Array>("right"), before: before?.right ?? null };
  }
  const shared = { ...shape, pixels };
  if (shape.kind === "images") {
    const before = old?.kind === "images" ? old.scores : null;
    return { ...shared, kind: "images", truth: once<Int32Array>("truth"), scores: column<Float32Array>("scores"), before };
  }
  if (shape.kind === "masks")
    return { ...shared, kind: "masks", truth: once<Uint8Array>("truth"), said: column<Uint8Array>("said") };
  return {
    ...shared,
    kind: "boxes",
    truth: once<Float32Array>("truth"),
    trueLabels: once<Int32Array>("trueLabels"),
    found: column<Float32Array>("found"),
    foundLabels: column<Int32Array>("foundLabels"),
    scores: column<Float32Array>("scores"),
  };
}

/** The orders that make sense of this gallery. */
export function orders(shown: Gallery): Order[] {
  switch (shown.kind) {
    case "images":
      return shown.truth && shown.scores ? ["same", "worst", "newly wrong"] : ["same"];
    case "texts":
    case "captioned":
      return shown.right ? ["same", "worst", "newly wrong"] : ["same"];
    case "forecasts":
      return shown.truth && shown.said ? ["same", "worst"] : ["same"];
    case "boxes":
      return shown.truth && shown.found ? ["same", "worst"] : ["same"];
    case "masks":
      return shown.truth && shown.said ? ["same", "worst"] : ["same"];
  }
}

/** Which examples are shown, and in which order. */
export function ordered(shown: Gallery, order: Order): number[] {
  const all = Array.from({ length: shown.count }, (_, i) => i);
  if (!orders(shown).includes(order) || order === "same") return all;
  switch (shown.kind) {
    case "images":
      return order === "worst" ? worstImages(shown, all) : newlyWrongImages(shown, all);
    case "texts":
    case "captioned":
      return order === "worst" ? worstTexts(shown, all) : newlyWrongTexts(shown, all);
    case "forecasts":
      return worstForecasts(shown, all);
    case "boxes":
      return worstBoxes(shown, all);
    case "masks":
      return worstMasks(shown, all);
  }
}

/** How well it goes, in a few words. */
export function summary(shown: Gallery): string {
  if (shown.kind === "boxes") {
    const counts = countFound(shown);
    return counts ? `${counts.hits} of ${counts.objects} objects found, ${counts.extra} ${counts.extra === 1 ? "box" : "boxes"} too many` : "";
  }
  if (shown.kind === "masks") {
    const mean = meanOfPictures(shown);
    return mean === null ? "" : `IoU ${percent(mean)} on the average`;
  }
  if (shown.kind === "forecasts") {
    const error = meanOfForecasts(shown);
    return error === null ? "" : `off by ${number(error)}${shown.unit && ` ${shown.unit}`} on the average`;
  }
  const right = shown.kind === "images" ? countRight(shown) : countRightTexts(shown);
  return right === null ? "" : `${right} of ${shown.count} right`;
}
