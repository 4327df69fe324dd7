// Where everything of the network stands in its picture, and which line is under the pointer.
import type { Structure } from "./state";

export interface Node {
  /** The upper left corner, in pixels. */
  x: number;
  y: number;
}
export interface Plan {
  size: number; // of a node's picture
  height: number;
  width: number;
  /** Pixels from one level to the next. */
  pitch: number;
  /** For each level (inputs, hidden layers, outputs) its nodes. At the inputs there is one for every input, whether on or off. */
  levels: Node[][];
  /** For each input of the network, in its order, the row where it stands. */
  rows: number[];
}
export interface Line {
  layer: number;
  unit: number;
  source: number;
}
type Point = [x: number, y: number];

export const HEAD = 62; // pixels above the nodes, for what belongs to a layer
const GAP = 8;
const LABEL = 46; // pixels beside the inputs for their names
const OUT = 58; // and beside the outputs
const PITCH = 54; // the least, for the buttons above a layer

/** The plan of a network in a picture of this width. */
export function planned({ network }: Structure, inputs: string[], width: number): Plan {
  const columns = network.layers.length + 2;
  const most = Math.max(inputs.length, network.outputs, ...network.layers.map(({ units }) => units));
  const room = (width - LABEL - OUT) / (columns - 1);
  const size = Math.round(Math.min(42, Math.max(24, room * 0.5)));
  const first = LABEL;
  const last = Math.max(first + (columns - 1) * PITCH, width - OUT - size);
  const pitch = (last - first) / (columns - 1);
  const column = (count: number, k: number): Node[] =>
    Array.from({ length: count }, (_, row) => ({ x: first + pitch * k, y: HEAD + row * (size + GAP) }));
  const levels = [inputs.length, ...network.layers.map(({ units }) => units), network.outputs].map(column);
  return { size, pitch, width: Math.max(width, last + size + OUT), height: HEAD + most * (size + GAP) + 4, levels, rows: network.inputs.map((name) => inputs.indexOf(name)) };
}

/** The two ends of a line. */
export function ends(plan: Plan, { layer, unit, source }: Line): [from: Point, to: Point] {
  const from = plan.levels[layer]![layer === 0 ? plan.rows[source]! : source]!;
  const to = plan.levels[layer + 1]![unit]!;
  const middle = plan.size / 2;
  return [[from.x + plan.size, from.y + middle], [to.x, to.y + middle]];
}

/** Every line of the network, layer after layer, in the order of the weights. */
export function lines({ network }: Structure): Line[] {
  const widths = [network.inputs.length, ...network.layers.map(({ units }) => units), network.outputs];
  const found: Line[] = [];
  for (let layer = 0; layer + 1 < widths.length; layer++)
    for (let unit = 0; unit < widths[layer + 1]!; unit++)
      for (let source = 0; source < widths[layer]!; source++) found.push({ layer, unit, source });
  return found;
}

/** A point of the curve between two ends. share: 0 to 1. */
export function along([x0, y0]: Point, [x1, y1]: Point, share: number): Point {
  const bend = (x1 - x0) / 2;
  const rest = 1 - share;
  const [a, b, c, d] = [rest ** 3, 3 * rest * rest * share, 3 * rest * share * share, share ** 3];
  return [a * x0 + b * (x0 + bend) + c * (x1 - bend) + d * x1, (a + b) * y0 + (c + d) * y1];
}

/** The line nearest to a point, if one is near. */
export function nearest(plan: Plan, all: Line[], [x, y]: Point, reach = 7): Line | null {
  let found: Line | null = null;
  let least = reach;
  for (const line of all) {
    const [from, to] = ends(plan, line);
    if (x < from[0] - 2 || x > to[0] + 2 || y < Math.min(from[1], to[1]) - reach || y > Math.max(from[1], to[1]) + reach) continue;
    for (let i = 0; i <= 24; i++) {
      const [px, py] = along(from, to, i / 24);
      const far = Math.hypot(px - x, py - y);
      if (far < least) [least, found] = [far, line];
    }
  }
  return found;
}
