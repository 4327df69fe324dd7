// How the network and the plane are drawn. Everything is on a canvas, so that twenty pictures a second cost next to nothing.
import { themed } from "../core/theme";
import type { Colour } from "../core/viridis";
import { coloured, css, hardened, type Inks, inks, mixed, scale } from "./colours";
import { ends, type Line, lines, type Plan } from "./places";
import type { PlaygroundState } from "./state";

type Place = [x: number, y: number];
/** A hidden neuron, or an input, whose picture is shown large. */
export type Peek = { layer: number; unit: number } | { input: string };
const THICKEST = 7; // pixels of a line

/** A canvas for small pictures that are drawn large. */
function scratch(side: number): { canvas: HTMLCanvasElement; context: CanvasRenderingContext2D; image: ImageData } | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  return context && { canvas, context, image: context.createImageData(side, side) };
}

export class Painter {
  private readonly made = new Map<number, ReturnType<typeof scratch>>();

  /** A picture of bytes, `side` pixels wide, drawn into a box. */
  private put(context: CanvasRenderingContext2D, side: number, fill: (image: ImageData) => void, x: number, y: number, size: number): void {
    if (!this.made.has(side)) this.made.set(side, scratch(side));
    const small = this.made.get(side);
    if (!small) return;
    fill(small.image);
    small.context.putImageData(small.image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.drawImage(small.canvas, x, y, size, size);
  }

  /** All lines and all pictures of the neurons. held: the line under the pointer; chosen: the neuron whose weights are open. */
  network(context: CanvasRenderingContext2D, host: Element, plan: Plan, state: PlaygroundState, held: Line | null, chosen: [number, number] | null): void {
    const [structure, fixed] = [state.structure.value!, state.fixed.value!];
    const ink = inks(host);
    context.clearRect(0, 0, plan.width, plan.height);
    const { weights } = state;
    for (const line of lines(structure)) {
      const value = weights[state.placeOf(line.layer, line.unit, line.source)] ?? 0;
      if (chosen && (chosen[0] !== line.layer || chosen[1] !== line.unit)) curve(context, plan, line, css(value < 0 ? ink.hues[0]! : ink.hues[1]!, 0.18), width(value));
      else curve(context, plan, line, css(value < 0 ? ink.hues[0]! : ink.hues[1]!, 0.8), width(value));
    }
    if (held) {
      const value = weights[state.placeOf(held.layer, held.unit, held.source)] ?? 0;
      curve(context, plan, held, themed(host, "--jp-ui-font-color1", "#444"), width(value) + 4);
      curve(context, plan, held, css(value < 0 ? ink.hues[0]! : ink.hues[1]!), width(value) + 1);
    }
    const edge = themed(host, "--jp-border-color1", "#888");
    plan.levels[0]!.forEach(({ x, y }, k) => {
      const on = structure.network.inputs.includes(fixed.inputs[k]!);
      context.globalAlpha = on ? 1 : 0.35;
      this.put(context, fixed.small, (image) => coloured(image, inputMap(fixed.inputs[k]!, fixed.small, fixed.reach), ink.diverging), x, y, plan.size);
      frame(context, x, y, plan.size, edge, 1);
      context.globalAlpha = 1;
    });
    structure.network.layers.forEach((_, layer) =>
      plan.levels[layer + 1]!.forEach(({ x, y }, unit) => {
        const map = state.mapOf(layer, unit);
        if (map.length) this.put(context, fixed.small, (image) => coloured(image, map, ink.diverging), x, y, plan.size);
        const isChosen = chosen?.[0] === layer && chosen[1] === unit;
        frame(context, x, y, plan.size, isChosen ? themed(host, "--jp-brand-color1", "#1976d2") : edge, isChosen ? 3 : 1);
      }),
    );
    const { classes, hues } = structure.data;
    plan.levels[plan.levels.length - 1]!.forEach(({ x, y }, unit) => {
      const isChosen = chosen?.[0] === plan.levels.length - 2 && chosen[1] === unit;
      if (classes > 2) this.put(context, fixed.side, (image) => coloured(image, state.output.subarray(unit * fixed.side ** 2), scale(ink.middle, ink.middle, ink.hues[hues[unit]!]!)), x, y, plan.size);
      else this.output(context, host, state, x, y, plan.size, false);
      frame(context, x, y, plan.size, isChosen ? themed(host, "--jp-brand-color1", "#1976d2") : edge, isChosen ? 3 : 1);
    });
    if (state.traced.length) numbers(context, host, plan, state.traced);
  }

  /** What the network says over the plane. */
  output(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, x: number, y: number, size: number, hard: boolean): void {
    const [structure, fixed] = [state.structure.value!, state.fixed.value!];
    this.plane(context, state.output, structure.data.classes, structure.data.hues, fixed.side, inks(host), x, y, size, hard);
  }

  /** The same as the ground of points, which must be seen on it. */
  ground(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, size: number, hard: boolean): void {
    this.output(context, host, state, 0, 0, size, hard);
    veil(context, host, size);
  }

  /** What one neuron or input says over the plane. */
  single(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, peek: Peek, size: number): void {
    const { small, reach } = state.fixed.value!;
    const map = "input" in peek ? inputMap(peek.input, small, reach) : state.mapOf(peek.layer, peek.unit);
    if (map.length === small * small) this.put(context, small, (image) => coloured(image, map, inks(host).diverging), 0, 0, size);
    veil(context, host, size);
  }

  /** What all seeds say in the mean, or where they disagree: the more, the darker. */
  seeds(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, size: number, spread: boolean): void {
    const [structure, fixed, ink] = [state.structure.value!, state.fixed.value!, inks(host)];
    if (!state.seedsMean.length) return;
    if (!spread) {
      this.plane(context, state.seedsMean, structure.data.classes, structure.data.hues, fixed.small, ink, 0, 0, size, false);
      return veil(context, host, size);
    }
    const far: Colour = ink.dark ? [200, 160, 255] : [75, 0, 130];
    const half = ink.middle.map((value, c) => Math.round((value + far[c]!) / 2)) as Colour;
    this.put(context, fixed.small, (image) => coloured(image, state.seedsSpread, scale(ink.middle, half, far)), 0, 0, size);
  }

  private plane(context: CanvasRenderingContext2D, values: Uint8Array, classes: number, hues: number[], side: number, ink: Inks, x: number, y: number, size: number, hard: boolean): void {
    if (values.length < side * side) return;
    const pair = classes === 2 ? scale(ink.hues[hues[0]!]!, ink.middle, ink.hues[hues[1]!]!) : ink.diverging;
    const fill = (image: ImageData) =>
      classes > 2 ? mixed(image, values, classes, hues.map((hue) => ink.hues[hue]!), ink.middle, hard) : coloured(image, values, hard ? hardened(pair) : pair);
    this.put(context, side, fill, x, y, size);
  }
}

/** Makes a picture paler. */
function veil(context: CanvasRenderingContext2D, host: Element, size: number): void {
  context.fillStyle = css(inks(host).middle, 0.35);
  context.fillRect(0, 0, size, size);
}

/** What everybody says at the place that is followed. */
function numbers(context: CanvasRenderingContext2D, host: Element, plan: Plan, values: Float32Array): void {
  const nodes = plan.levels.flatMap((level, k) => (k === 0 ? plan.rows.map((row) => level[row]!) : level));
  context.font = `11px ${themed(host, "--jp-ui-font-family", "sans-serif")}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  nodes.forEach(({ x, y }, i) => {
    const text = (values[i] ?? NaN).toFixed(Math.abs(values[i] ?? 0) < 10 ? 2 : 0).replace("-", "−");
    const wide = context.measureText(text).width + 4;
    const middle = x + plan.size / 2;
    context.fillStyle = themed(host, "--jp-layout-color1", "#fff");
    context.fillRect(middle - wide / 2, y + plan.size - 8, wide, 14);
    context.fillStyle = themed(host, "--jp-ui-font-color1", "#000");
    context.fillText(text, middle, y + plan.size - 0.5);
  });
}

const width = (value: number): number => Math.min(THICKEST, 0.4 + 2.2 * Math.sqrt(Math.abs(value)));

function curve(context: CanvasRenderingContext2D, plan: Plan, line: Line, style: string, thick: number): void {
  const [[x0, y0], [x1, y1]] = ends(plan, line);
  const bend = (x1 - x0) / 2;
  context.strokeStyle = style;
  context.lineWidth = thick;
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  context.stroke();
}

function frame(context: CanvasRenderingContext2D, x: number, y: number, size: number, style: string, thick: number): void {
  context.strokeStyle = style;
  context.lineWidth = thick;
  context.strokeRect(x - thick / 2, y - thick / 2, size + thick, size + thick);
}

const FORMULAS: Record<string, (x: number, y: number) => number> = {
  x: (x) => x,
  y: (_, y) => y,
  "x²": (x) => x * x,
  "y²": (_, y) => y * y,
  xy: (x, y) => x * y,
  "sin x": (x) => Math.sin(x),
  "sin y": (_, y) => Math.sin(y),
};
const inputMaps = new Map<string, Uint8Array>();

/** The picture of an input, 0 at 128, its largest value at 255. */
export function inputMap(name: string, side: number, reach: number): Uint8Array {
  const known = inputMaps.get(name);
  if (known) return known;
  const formula = FORMULAS[name] ?? (() => 0);
  const at = (i: number) => ((i + 0.5) / side) * 2 * reach - reach;
  const values = Array.from({ length: side * side }, (_, i) => formula(at(i % side), -at(Math.floor(i / side))));
  const most = Math.max(1e-9, ...values.map(Math.abs));
  const made = Uint8Array.from(values, (value) => Math.round((value / most) * 127 + 128));
  inputMaps.set(name, made);
  return made;
}

/** A place of the plane as pixels of a picture `size` wide, and back. */
export const toPixel = ([x, y]: Place, reach: number, size: number): Place => [((x + reach) / (2 * reach)) * size, ((reach - y) / (2 * reach)) * size];
export const toPlace = ([left, top]: Place, reach: number, size: number): Place => [(left / size) * 2 * reach - reach, reach - (top / size) * 2 * reach];

/** The points: each class has its shape, those that test are hollow. Of a surface the colour is the value. */
export function paintPoints(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, size: number, tests: boolean): void {
  const [structure, fixed, ink] = [state.structure.value!, state.fixed.value!, inks(host)];
  const surface = structure.data.classes === 0 && !structure.data.drawn;
  const casing = ink.dark ? "#000" : "#fff";
  const radius = state.values.length > 1500 ? 2 : 3.2;
  context.clearRect(0, 0, size, size);
  for (let i = 0; i < state.values.length; i++) {
    const trains = state.trains[i] === 1;
    if (!trains && !tests) continue;
    const value = state.values[i]!;
    const [x, y] = toPixel([state.places[2 * i]!, state.places[2 * i + 1]!], fixed.reach, size);
    const shade = surface ? unpacked(ink.diverging[Math.round(Math.min(1, Math.max(-1, value)) * 127 + 128)]!) : css(ink.hues[value] ?? ink.middle);
    shape(context, surface ? 0 : value, [x, y], radius + 1);
    context.fillStyle = trains ? casing : shade;
    context.fill();
    shape(context, surface ? 0 : value, [x, y], trains ? radius : radius - 1.2);
    context.fillStyle = trains ? shade : casing;
    context.fill();
  }
}

const unpacked = (pixel: number): string => `rgb(${pixel & 255}, ${(pixel >> 8) & 255}, ${(pixel >> 16) & 255})`;

/** The outline of a class's mark, so that its colour is not all that tells it apart. */
export function shape(context: CanvasRenderingContext2D, kind: number, [x, y]: Place, r: number): void {
  context.beginPath();
  if (kind === 1) return context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  if (kind === 0 || kind > 5) return context.arc(x, y, r, 0, 2 * Math.PI);
  const corners = { 2: 3, 3: 4, 4: 10, 5: 5 }[kind as 2 | 3 | 4 | 5];
  for (let k = 0; k < corners; k++) {
    const far = kind === 4 && k % 2 ? r * 0.55 : r * 1.2;
    const angle = (2 * Math.PI * k) / corners - Math.PI / 2;
    context.lineTo(x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  context.closePath();
}

/** The plane as two neurons see it: the lines of a grid, bent, and the points. Returns what the axes reach. */
export function paintWarp(context: CanvasRenderingContext2D, host: Element, state: PlaygroundState, size: number): [number, number, number, number] | null {
  const [structure, fixed, ink] = [state.structure.value!, state.fixed.value!, inks(host)];
  const count = fixed.lines;
  if (state.warpGrid.length !== 2 * count * count) return null;
  const box = extent(state.warpGrid);
  const [left, right, bottom, top] = box;
  const place = (values: Float32Array, i: number): Place => [
    12 + ((values[2 * i]! - left) / (right - left)) * (size - 24),
    size - 12 - ((values[2 * i + 1]! - bottom) / (top - bottom)) * (size - 24),
  ];
  context.clearRect(0, 0, size, size);
  context.fillStyle = css(ink.middle);
  context.fillRect(0, 0, size, size);
  context.lineWidth = 1;
  for (let k = 0; k < count; k += 2) {
    for (const [style, at] of [[css(ink.hues[2]!, 0.6), (i: number) => k * count + i], [css(ink.hues[3]!, 0.6), (i: number) => i * count + k]] as const) {
      context.strokeStyle = style;
      context.beginPath();
      for (let i = 0; i < count; i++) context.lineTo(...place(state.warpGrid, at(i)));
      context.stroke();
    }
  }
  const { classes, hues } = structure.data;
  for (let i = 0; i < state.warpValues.length; i++) {
    const value = state.warpValues[i]!;
    const hue = classes ? (hues[value] ?? 0) : 0;
    shape(context, hue, place(state.warpPoints, i), 3.4);
    context.fillStyle = ink.dark ? "#000" : "#fff";
    context.fill();
    shape(context, hue, place(state.warpPoints, i), 2.6);
    context.fillStyle = classes ? css(ink.hues[hue]!) : unpacked(ink.diverging[Math.round(Math.min(1, Math.max(-1, value)) * 127 + 128)]!);
    context.fill();
  }
  return box;
}

/** left, right, bottom, top of pairs; never without width. */
function extent(pairs: Float32Array): [number, number, number, number] {
  const box: [number, number, number, number] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    box[0] = Math.min(box[0], pairs[i]!);
    box[1] = Math.max(box[1], pairs[i]!);
    box[2] = Math.min(box[2], pairs[i + 1]!);
    box[3] = Math.max(box[3], pairs[i + 1]!);
  }
  if (box[1] - box[0] < 1e-6) [box[0], box[1]] = [box[0] - 0.5, box[1] + 0.5];
  if (box[3] - box[2] < 1e-6) [box[2], box[3]] = [box[2] - 0.5, box[3] + 0.5];
  return box;
}
