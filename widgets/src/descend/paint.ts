// How the map is drawn: the surface in bands of viridis, the lowest places as stars, and the way of each racer.
import { number } from "../core/format";
import { themed } from "../core/theme";
import { type Colour, viridis } from "../core/viridis";
import { colour, type DescendState, letter, type Place, type Surface } from "./state";

const BANDS = 18;
const DOTS = 80; // steps of a way that still get a dot each
/** Room for the words of the axes, in pixels. */
export const MARGIN = { left: 44, right: 8, top: 8, bottom: 34 };
const NO_LOSS: Colour = [230, 0, 200];

export interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

export const area = (width: number, height: number): Area => ({
  left: MARGIN.left,
  top: MARGIN.top,
  width: Math.max(1, width - MARGIN.left - MARGIN.right),
  height: Math.max(1, height - MARGIN.top - MARGIN.bottom),
});

/** A place on the surface as pixels. */
export function toPixel({ left, top, width, height }: Area, { box }: Pick<Surface, "box">, [x, y]: Place): Place {
  return [left + ((x - box[0]) / (box[1] - box[0])) * width, top + ((box[3] - y) / (box[3] - box[2])) * height];
}

/** Pixels as a place on the surface, or null beside the map. */
export function toPlace({ left, top, width, height }: Area, { box }: Pick<Surface, "box">, [x, y]: Place): Place | null {
  const [across, down] = [(x - left) / width, (y - top) / height];
  if (across < 0 || across > 1 || down < 0 || down > 1) return null;
  return [box[0] + across * (box[1] - box[0]), box[3] - down * (box[3] - box[2])];
}

/** Losses as shares of the way up, logarithmically, so that the floor of a valley is seen too; NaN where there is none. */
export function shares(losses: Float32Array, lowest: number | null): Float32Array {
  let low = lowest ?? Infinity;
  let high = -Infinity;
  for (const loss of losses) {
    if (!Number.isFinite(loss)) continue;
    low = Math.min(low, loss);
    high = Math.max(high, loss);
  }
  const unit = Math.max((high - low) / 1000, 1e-30);
  const all = Math.max(Math.log1p((high - low) / unit), 1e-30);
  return losses.map((loss) => (Number.isFinite(loss) ? Math.log1p(Math.max(0, loss - low) / unit) / all : NaN));
}

/** The share at a place of the map, between the middles of its cells; both from 0 to 1, from the lower left. */
export function between(values: Float32Array, side: number, x: number, y: number): number {
  const [u, v] = [x * side - 0.5, y * side - 0.5].map((at) => Math.min(side - 1, Math.max(0, at))) as Place;
  const [column, row] = [Math.min(side - 2, Math.floor(u)), Math.min(side - 2, Math.floor(v))];
  const [right, up] = [u - column, v - row];
  const at = row * side + column;
  return (
    (1 - up) * ((1 - right) * values[at]! + right * values[at + 1]!) + up * ((1 - right) * values[at + side]! + right * values[at + side + 1]!)
  );
}

/** The surface as a picture of this size. */
export function ground(surface: Surface, map: Float32Array, width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const values = shares(map, surface.lowest);
  const shades = Array.from({ length: BANDS }, (_, band) => viridis(band / (BANDS - 1)));
  const image = context.createImageData(canvas.width, canvas.height);
  for (let j = 0; j < canvas.height; j++)
    for (let i = 0; i < canvas.width; i++) {
      const share = between(values, surface.side, (i + 0.5) / canvas.width, 1 - (j + 0.5) / canvas.height);
      const [red, green, blue] = Number.isNaN(share) ? NO_LOSS : shades[Math.min(BANDS - 1, Math.floor(share * BANDS))]!;
      const at = 4 * (j * canvas.width + i);
      image.data[at] = red;
      image.data[at + 1] = green;
      image.data[at + 2] = blue;
      image.data[at + 3] = 255;
    }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** Round values between two ends, about `most` of them. */
export function ticks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((size) => size >= rough)!;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(Number((i * step).toPrecision(12)) + 0);
  return found;
}

/** The whole map. cursor: of the keys. */
export function paintMap(context: CanvasRenderingContext2D, host: Element, size: Place, picture: HTMLCanvasElement, state: DescendState, cursor: Place | null): void {
  const surface = state.surface.value!;
  const where = area(...size);
  context.clearRect(0, 0, ...size);
  context.drawImage(picture, where.left, where.top, where.width, where.height);
  axes(context, host, where, surface);
  const dark = host.ownerDocument.body.getAttribute("data-jp-theme-light") === "false";
  const casing = dark ? "#000" : "#fff";
  context.save();
  context.beginPath();
  context.rect(where.left, where.top, where.width, where.height);
  context.clip();
  context.lineJoin = context.lineCap = "round";
  for (const minimum of surface.minima) star(context, toPixel(where, surface, minimum));
  for (const { place, path } of state.running) {
    const points = path.x.map((x, i) => toPixel(where, surface, [x, path.y[i]!]));
    const ink = themed(host, colour(place), "#888");
    for (const [style, width] of [[casing, 4.5], [ink, 2.25]] as const) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.stroke();
    }
    context.fillStyle = ink;
    if (points.length <= DOTS) for (const point of points) disc(context, point, 2.5, ink, casing);
  }
  ring(context, toPixel(where, surface, state.status.value!.start));
  context.restore();
  for (const { racer, place, path } of state.running) {
    const end = path.x.length - 1;
    head(context, where, toPixel(where, surface, [path.x[end]!, path.y[end]!]), letter(racer, place), themed(host, colour(place), "#888"), casing, racer.name === state.status.value!.chosen);
  }
  if (cursor) cross(context, toPixel(where, surface, cursor));
}

function axes(context: CanvasRenderingContext2D, host: Element, where: Area, surface: Surface): void {
  const ink = themed(host, "--jp-ui-font-color1", "#444");
  context.fillStyle = context.strokeStyle = ink;
  context.lineWidth = 1;
  context.font = `11px ${themed(host, "--jp-ui-font-family", "sans-serif")}`;
  context.strokeRect(where.left - 0.5, where.top - 0.5, where.width + 1, where.height + 1);
  const [left, right, bottom, top] = surface.box;
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const x of ticks(left, right, where.width / 70)) context.fillText(number(x), toPixel(where, surface, [x, bottom])[0], where.top + where.height + 4);
  context.fillText(surface.weights[0], where.left + where.width / 2, where.top + where.height + 18);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const y of ticks(bottom, top, where.height / 50)) context.fillText(number(y), where.left - 5, toPixel(where, surface, [left, y])[1]);
  context.save();
  context.translate(9, where.top + where.height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(surface.weights[1], 0, 0);
  context.restore();
}

function disc(context: CanvasRenderingContext2D, [x, y]: Place, radius: number, fill: string, edge: string): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = edge;
  context.stroke();
}

/** Where a racer is now, with its letter; at the edge, as a triangle outwards, who is off the map. */
function head(context: CanvasRenderingContext2D, where: Area, [x, y]: Place, letter: string, ink: string, casing: string, chosen: boolean): void {
  const ground = casing === "#fff" ? "#000" : "#fff";
  const radius = chosen ? 11 : 9;
  const [right, bottom] = [where.left + where.width, where.top + where.height];
  const [inX, inY] = [Math.min(right - radius, Math.max(where.left + radius, x)), Math.min(bottom - radius, Math.max(where.top + radius, y))];
  if (x < where.left || x > right || y < where.top || y > bottom) {
    const way = Math.atan2(y - inY, x - inX);
    const point = (turn: number, far: number): Place => [inX + far * Math.cos(way + turn), inY + far * Math.sin(way + turn)];
    context.beginPath();
    for (const corner of [point(0, radius + 7), point(0.7, radius + 1), point(-0.7, radius + 1)]) context.lineTo(...corner);
    context.closePath();
    context.fillStyle = ink;
    context.fill();
  }
  disc(context, [inX, inY], radius + 1.5, casing, ground);
  context.beginPath();
  context.arc(inX, inY, radius - 0.5, 0, 2 * Math.PI);
  context.lineWidth = chosen ? 4 : 2.5;
  context.strokeStyle = ink;
  context.stroke();
  context.fillStyle = ground;
  context.font = `bold ${radius + 1}px sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillText(letter, inX, inY + 0.5);
}

function star(context: CanvasRenderingContext2D, [x, y]: Place): void {
  context.beginPath();
  for (let i = 0; i < 10; i++) {
    const [radius, angle] = [i % 2 ? 4 : 10, (i * Math.PI) / 5 - Math.PI / 2];
    context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  context.closePath();
  context.fillStyle = "#fff";
  context.fill();
  context.lineWidth = 1;
  context.strokeStyle = "#000";
  context.stroke();
}

function ring(context: CanvasRenderingContext2D, [x, y]: Place): void {
  for (const [style, width] of [["#000", 4], ["#fff", 2]] as const) {
    context.beginPath();
    context.arc(x, y, 12, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}

function cross(context: CanvasRenderingContext2D, [x, y]: Place): void {
  for (const [style, width] of [["#000", 4], ["#fff", 2]] as const) {
    context.beginPath();
    for (const [dx, dy] of [[10, 0], [0, 10]] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }
}
