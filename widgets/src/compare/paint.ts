// How the comparison draws: colours of lines, marks on an axis, and curves on a canvas that is as sharp as the screen.
import { themed } from "../core/theme";
import { viridis } from "../core/viridis";
import type { Line } from "./state";

const FEW = 6;
const NAMES = ["--dlnb-blue", "--dlnb-orange", "--dlnb-green", "--dlnb-purple", "--dlnb-sky", "--dlnb-amber"];

/** The colour of each line: one of its own where there are few, else how good it is, from dark to bright. */
export function colours(host: Element, lines: Line[]): string[] {
  if (lines.length <= FEW) return lines.map((_, i) => themed(host, NAMES[i]!, "#888"));
  const unknown = themed(host, "--jp-ui-font-color3", "#8888");
  const dark = isDark(host);
  return lines.map(({ rank }) => (Number.isNaN(rank) ? unknown : ranked(rank, dark)));
}

/** Viridis without the end that is lost on the ground: its brightest on white, its darkest on black. */
export function ranked(share: number, dark: boolean): string {
  return `rgb(${viridis(dark ? 0.2 + 0.8 * share : 0.88 * share).join(",")})`;
}

function isDark(host: Element): boolean {
  return host.ownerDocument.body.getAttribute("data-jp-theme-light") === "false";
}

/** The context of a canvas of this size in CSS pixels, emptied. */
export function begin(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Round values for the marks of an axis, from low to high. */
export function marks(low: number, high: number, logarithmic: boolean, most: number): number[] {
  if (!(high > low)) return [low];
  if (logarithmic && high / low >= 8) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((last - first + 1) / most));
    const found = [];
    for (let power = first; power <= last; power += every) found.push(Number(`1e${power}`));
    if (found.length > 1) return found;
  }
  const rough = (high - low) / Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough)!;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** Values with an exponential moving average over `halfLife` pieces, without the bias of its start; gaps stay gaps. */
export function smoothed(values: ArrayLike<number>, halfLife: number): number[] {
  const keep = halfLife > 0 ? 0.5 ** (1 / halfLife) : 0;
  let total = 0;
  let weight = 0;
  return Array.from(values, (value) => {
    if (!Number.isFinite(value)) return NaN;
    total = total * keep + value * (1 - keep);
    weight = weight * keep + (1 - keep);
    return total / weight;
  });
}
