// Numbers as colours, on a canvas.
import { between, type Colour, viridis } from "../core/viridis";
import { BAD, isDark } from "../xray/paint";
import { inCell } from "./read";
import type { Pictures } from "./state";
import type { Part } from "./zoom";

export type Channel = "all" | 0 | 1 | 2;

const SIGNED: Record<"light" | "dark", Colour[]> = {
  light: [[213, 94, 0], [250, 250, 250], [0, 114, 178]],
  dark: [[255, 140, 66], [34, 34, 34], [86, 180, 233]],
}; // prettier-ignore
const CELL = 24; // pixels that a cell needs so that its number can be read
const LINE = 15; // pixels between the three numbers of a colour

/** The colour of one number. */
export function colourOf(value: number, { colours, dark, bright }: Pick<Pictures, "colours" | "dark" | "bright">, isDarkPage: boolean): Colour {
  if (!Number.isFinite(value)) return BAD;
  const share = Math.min(1, Math.max(0, (value - dark) / (bright - dark || 1)));
  if (colours === "magnitude") return viridis(share);
  if (colours === "signed") return between(SIGNED[isDarkPage ? "dark" : "light"], share);
  const grey = Math.round(255 * share);
  return [grey, grey, grey];
}

/** Black or white, whichever is read more easily on a colour. */
export function onColour([red, green, blue]: Colour): "#000" | "#fff" {
  const linear = (part: number) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue) > 0.179 ? "#000" : "#fff";
}

/** The colour of a pixel: all its channels, or one of them. */
export function pixel(shown: Pictures, index: number, row: number, column: number, channel: Channel, isDarkPage: boolean): Colour {
  const at = ((index * shown.height + row) * shown.width + column) * shown.channels;
  if (shown.channels === 1) return colourOf(shown.values[at]!, shown, isDarkPage);
  if (channel !== "all") return colourOf(shown.values[at + channel]!, { ...shown, colours: "grey" }, isDarkPage);
  const parts = [0, 1, 2].map((c) => shown.values[at + c]!);
  if (!parts.every(Number.isFinite)) return BAD;
  return parts.map((value) => colourOf(value, { ...shown, colours: "grey" }, isDarkPage)[0]) as Colour;
}

/** Paint a part of a picture, `wide` by `tall` CSS pixels large; with the numbers where they can be read. Says whether they are. */
export function paintPart(canvas: HTMLCanvasElement, shown: Pictures, index: number, part: Part, channel: Channel, wide: number, tall: number): boolean {
  const context = canvas.getContext("2d");
  if (!context) return false;
  const dark = isDark();
  const [across, down] = [wide / part.wide, tall / part.tall]; // of a cell
  const sharp = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.max(1, Math.round(wide * sharp));
  canvas.height = Math.max(1, Math.round(tall * sharp));
  const small = new OffscreenCanvas(part.wide, part.tall);
  const inner = small.getContext("2d")!;
  const image = inner.createImageData(part.wide, part.tall);
  for (let y = 0; y < part.tall; y++)
    for (let x = 0; x < part.wide; x++)
      image.data.set([...pixel(shown, index, part.top + y, part.left + x, channel, dark), 255], 4 * (y * part.wide + x));
  inner.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = across < 1;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const three = shown.channels === 3 && channel === "all";
  if (across < (three ? 2 * CELL : CELL) || down < (three ? 3 * LINE : LINE)) return false;
  context.scale(sharp, sharp);
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.font = `${Math.round(Math.min(13, three ? 11 : across * 0.36))}px system-ui, sans-serif`;
  for (let y = 0; y < part.tall; y++)
    for (let x = 0; x < part.wide; x++) {
      const [row, column] = [part.top + y, part.left + x];
      const at = ((index * shown.height + row) * shown.width + column) * shown.channels;
      const values = shown.channels === 1 ? [shown.values[at]!] : channel === "all" ? [0, 1, 2].map((c) => shown.values[at + c]!) : [shown.values[at + channel]!];
      context.fillStyle = onColour(pixel(shown, index, row, column, channel, dark));
      values.forEach((value, line) => {
        const lower = (line - (values.length - 1) / 2) * LINE;
        context.fillText(inCell(value, shown.whole), (x + 0.5) * across, (y + 0.5) * down + lower, across - 2);
      });
    }
  return true;
}

/** Paint a whole picture with one canvas pixel for each of its own. */
export function paintWhole(canvas: HTMLCanvasElement, shown: Pictures, index: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const dark = isDark();
  canvas.width = shown.width;
  canvas.height = shown.height;
  const image = context.createImageData(shown.width, shown.height);
  for (let y = 0; y < shown.height; y++)
    for (let x = 0; x < shown.width; x++) image.data.set([...pixel(shown, index, y, x, "all", dark), 255], 4 * (y * shown.width + x));
  context.putImageData(image, 0, 0);
}
