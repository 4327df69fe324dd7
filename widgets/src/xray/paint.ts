// Colours for numbers: viridis for magnitude, orange through the page's own ground to blue for what has a sign.
import { between, type Colour, viridis } from "../core/viridis";
import type { Thumbnail } from "./state";

const ORANGE: Colour = [213, 94, 0];
const BLUE: Colour = [0, 114, 178];
const LIGHT_ORANGE: Colour = [255, 140, 66];
const LIGHT_BLUE: Colour = [86, 180, 233];
/** Of what is NaN or infinite: no colour of the others. */
export const BAD: Colour = [230, 0, 200];

export const isDark = (): boolean => document.body.dataset["jpThemeLight"] === "false";

const tables = new Map<string, Uint8ClampedArray>();

/** 256 colours, RGBA one after the other; the last is that of no number. */
export function table(signed: boolean, dark: boolean): Uint8ClampedArray {
  const key = signed ? `signed ${dark}` : "viridis";
  let colours = tables.get(key);
  if (!colours) {
    const stops: Colour[] = dark ? [LIGHT_ORANGE, [34, 34, 34], LIGHT_BLUE] : [ORANGE, [250, 250, 250], BLUE];
    colours = new Uint8ClampedArray(1024);
    for (let i = 0; i < 255; i++) colours.set([...(signed ? between(stops, i / 254) : viridis(i / 254)), 255], 4 * i);
    colours.set([...BAD, 255], 4 * 255);
    tables.set(key, colours);
  }
  return colours;
}

/** Numbers as bytes, as `to_bytes` of `dlnb/explain/pictures.py`. */
export function toBytes(values: ArrayLike<number>): { data: Uint8Array; signed: boolean; scale: number } {
  let scale = 0;
  let signed = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    scale = Math.max(scale, Math.abs(value));
    signed ||= value < 0;
  }
  const data = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const share = scale ? values[i]! / scale : 0;
    data[i] = !Number.isFinite(values[i]!) ? 255 : Math.round(signed ? 127 + 127 * share : 254 * share);
  }
  return { data, signed, scale };
}

/** Where map `i` of several lies when they stand in `columns` columns, one pixel apart. */
export function tile(i: number, { height, width }: { height: number; width: number }, columns: number): [number, number] {
  return [(i % columns) * (width + 1), Math.floor(i / columns) * (height + 1)];
}

/** Paint all maps of a thumbnail on a canvas, which takes their size: `columns` in a row. */
export function paint(canvas: HTMLCanvasElement, picture: Thumbnail, columns: number): void {
  const { count, height, width, data, signed } = picture;
  const rows = Math.ceil(count / columns);
  canvas.width = Math.min(count, columns) * (width + 1) - 1;
  canvas.height = rows * (height + 1) - 1;
  const context = canvas.getContext("2d");
  if (!context) return;
  const colours = table(signed, isDark());
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < count; i++) {
    const [left, top] = tile(i, picture, columns);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const colour = 4 * data[(i * height + y) * width + x]!;
        image.data.set(colours.subarray(colour, colour + 4), 4 * ((top + y) * canvas.width + left + x));
      }
  }
  context.putImageData(image, 0, 0);
}
