// A row of numbers as a line, and a spectrogram under it, over the same stretch of time.
import { themed } from "../core/theme";
import { viridis } from "../core/viridis";
import { inCell } from "./read";
import type { Spectrum } from "./state";

export const NUMBERED = 16; // samples on the screen, up to which each is written beside its dot

/** Samples on the screen: from `begin` on, `length` of them. */
export interface Stretch {
  begin: number;
  length: number;
}

const sized = (canvas: HTMLCanvasElement, wide: number, tall: number): CanvasRenderingContext2D | null => {
  const sharp = Math.min(3, window.devicePixelRatio || 1);
  canvas.width = Math.max(1, Math.round(wide * sharp));
  canvas.height = Math.max(1, Math.round(tall * sharp));
  const context = canvas.getContext("2d");
  context?.scale(sharp, sharp);
  return context;
};

/** For every pixel column the least and the largest of its samples, so that no peak is lost: [low, high, low, high, …]. */
export function edges(values: ArrayLike<number>, { begin, length }: Stretch, columns: number): Float32Array {
  const found = new Float32Array(2 * columns);
  for (let x = 0; x < columns; x++) {
    const first = begin + Math.floor((x * length) / columns);
    const last = Math.max(first + 1, begin + Math.floor(((x + 1) * length) / columns));
    let [low, high] = [Infinity, -Infinity];
    for (let i = first; i < last; i++) {
      const value = values[i]!;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    found[2 * x] = low;
    found[2 * x + 1] = high;
  }
  return found;
}

/** Draw the samples; dots and numbers where they are few. */
export function paintWave(canvas: HTMLCanvasElement, values: Float32Array, stretch: Stretch, top: number, wide: number, tall: number): void {
  const context = sized(canvas, wide, tall);
  if (!context) return;
  const [ink, line] = [themed(canvas, "--jp-ui-font-color1", "#333"), themed(canvas, "--dlnb-blue", "#0072b2")];
  const height = (value: number) => (0.5 - (0.42 * value) / (top || 1)) * tall;
  context.globalAlpha = 0.35;
  context.strokeStyle = ink;
  context.beginPath();
  context.moveTo(0, height(0));
  context.lineTo(wide, height(0));
  context.stroke();
  context.globalAlpha = 1;
  context.strokeStyle = context.fillStyle = line;
  context.lineWidth = 1.4;
  context.beginPath();
  const { begin, length } = stretch;
  if (length > wide) {
    const found = edges(values, stretch, Math.floor(wide));
    for (let x = 0; 2 * x < found.length; x++) {
      if (!Number.isFinite(found[2 * x]!)) continue;
      context.moveTo(x + 0.5, height(found[2 * x]!) + 0.5);
      context.lineTo(x + 0.5, height(found[2 * x + 1]!) - 0.5);
    }
    context.stroke();
    return;
  }
  const across = (i: number) => ((i + 0.5) / length) * wide;
  let isBroken = true;
  for (let i = 0; i < length; i++) {
    const value = values[begin + i]!;
    if (!Number.isFinite(value)) isBroken = true;
    else {
      if (isBroken) context.moveTo(across(i), height(value));
      else context.lineTo(across(i), height(value));
      isBroken = false;
    }
  }
  context.stroke();
  if (length > 4 * NUMBERED) return;
  for (let i = 0; i < length; i++) {
    const value = values[begin + i]!;
    if (!Number.isFinite(value)) continue;
    context.beginPath();
    context.arc(across(i), height(value), 3, 0, 2 * Math.PI);
    context.fill();
  }
  if (length > NUMBERED) return;
  context.fillStyle = ink;
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  for (let i = 0; i < length; i++) {
    const value = values[begin + i]!;
    const y = Number.isFinite(value) ? height(value) + (value < 0 ? 16 : -8) : tall / 2;
    context.fillText(inCell(value, false), across(i), y, wide / length);
  }
}

/** Draw which pitches sound, the low ones below. */
export function paintSpectrum(canvas: HTMLCanvasElement, spectrum: Spectrum, stretch: Stretch, wide: number, tall: number): void {
  const context = sized(canvas, wide, tall);
  if (!context) return;
  const { columns, bins, hop, window: long, loud } = spectrum;
  const [across, up] = [Math.max(1, Math.floor(wide)), Math.max(1, Math.floor(tall))];
  const small = new OffscreenCanvas(across, up);
  const inner = small.getContext("2d")!;
  const image = inner.createImageData(across, up);
  for (let x = 0; x < across; x++) {
    const sample = stretch.begin + ((x + 0.5) / across) * stretch.length;
    const column = Math.min(columns - 1, Math.max(0, Math.round((sample - long / 2) / hop)));
    for (let y = 0; y < up; y++) {
      const bin = Math.min(bins - 1, Math.floor(((up - 1 - y) / up) * bins));
      image.data.set([...viridis(loud[column * bins + bin]! / 255), 255], 4 * (y * across + x));
    }
  }
  inner.putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, wide, tall);
}

/** The loudest pitch around a sample, in Hz; null where there is silence. */
export function loudest(spectrum: Spectrum, sample: number): number | null {
  const { columns, bins, hop, window: long, loud, step } = spectrum;
  const column = Math.min(columns - 1, Math.max(0, Math.round((sample - long / 2) / hop)));
  let top = 0;
  for (let bin = 1; bin < bins; bin++) if (loud[column * bins + bin]! > loud[column * bins + top]!) top = bin;
  return loud[column * bins + top]! > 0 ? top * step : null;
}
