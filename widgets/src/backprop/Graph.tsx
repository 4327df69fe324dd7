// The graph: boxes in columns from left to right, roads between them, and what has come along each so far.
import { useEffect, useRef } from "preact/hooks";
import type { BackpropState, Box, Road, Scene } from "./state";

const WIDE = 138; // pixels of a box
const TALL = 70;
const [ACROSS, DOWN] = [WIDE + 46, TALL + 22]; // from one box to the next
const EDGE = 8;
const LETTERS = 19; // that fit in a line of a box
const LANE = 9; // pixels between two roads between the same boxes

/** Where a place of the layout is, in pixels: the middle of a box. */
export function middle([column, row]: [number, number]): [number, number] {
  return [EDGE + WIDE / 2 + column * ACROSS, EDGE + TALL / 2 + row * DOWN];
}

/** A smooth road from the right side of one box to the left side of another, through the bends between. */
export function path(scene: Scene, index: number): string {
  const road = scene.roads[index]!;
  const lanes = scene.roads.filter((other) => other.from === road.from && other.to === road.to).length;
  const shift = (road.lane - (lanes - 1) / 2) * LANE;
  const [x0, y0] = middle(scene.places[road.from]!);
  const [x1, y1] = middle(scene.places[road.to]!);
  const points: [number, number][] = [[x0 + WIDE / 2, y0 + shift]];
  for (const bend of scene.bends[index] ?? []) {
    const [x, y] = middle(bend);
    points.push([x - WIDE / 2, y + shift], [x + WIDE / 2, y + shift]);
  }
  points.push([x1 - WIDE / 2, y1 + shift]);
  return points
    .map(([x, y], i) => {
      if (!i) return `M${x} ${y}`;
      const half = (points[i - 1]![0] + x) / 2;
      return `C${half} ${points[i - 1]![1]} ${half} ${y} ${x} ${y}`;
    })
    .join("");
}

export function Graph({ state }: { state: BackpropState }) {
  const scene = state.scene.value!;
  const now = state.current.value;
  const frame = useRef<HTMLDivElement>(null);
  const [columns, rows] = [0, 1].map((axis) => Math.max(0, ...scene.places.map((place) => place[axis]!)));
  const [width, height] = [2 * EDGE + WIDE + columns! * ACROSS, 2 * EDGE + TALL + rows! * DOWN];
  const target = now ? scene.places[now.box]! : null;

  useEffect(() => {
    const view = frame.current;
    if (!view || !target) return;
    const [x, y] = middle(target);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    view.scrollTo?.({ left: x - view.clientWidth / 2, top: y - view.clientHeight / 2, behavior: calm ? "auto" : "smooth" });
  }, [now?.box, now?.back, scene]);

  return (
    <div class="dlnb-graph" ref={frame} tabIndex={0} role="group" aria-label="The graph. Arrow keys go one step on or back.">
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={described(scene)}>
        {scene.roads.map((road, i) => (
          <Line key={`${scene.part} ${i}`} state={state} road={road} d={path(scene, i)} />
        ))}
        {scene.boxes.map((box, i) => (
          <Drawn key={`${scene.part} ${i}`} state={state} box={box} index={i} />
        ))}
      </svg>
    </div>
  );
}

function described(scene: Scene): string {
  const folds = scene.boxes.filter((box) => box.kind === "fold").length;
  return `${scene.nodes.toLocaleString("en")} nodes, ${scene.leaves.toLocaleString("en")} of them leaves, in ${scene.boxes.length} boxes${folds ? `, ${folds} of them folded` : ""}; ${scene.loss} is on the right.`;
}

function Line({ state, road, d }: { state: BackpropState; road: Road; d: string }) {
  const now = state.current.value;
  const back = state.hasGradient(road.to);
  const active = now !== null && now.box === road.to;
  const sign = back ? state.sign(road.left) : 0;
  const kind = `${back ? "dlnb-back" : state.hasValue(road.to) ? "dlnb-forth" : ""} ${sign > 0 ? "dlnb-plus" : sign < 0 ? "dlnb-minus" : ""}`;
  return (
    <g class={`dlnb-line ${kind} ${active ? (now.back ? "dlnb-flows-back" : "dlnb-flows") : ""}`}>
      <path d={d} pathLength={1} />
    </g>
  );
}

function Drawn({ state, box, index }: { state: BackpropState; box: Box; index: number }) {
  const scene = state.scene.value!;
  const [x, y] = middle(scene.places[index]!);
  const output = box.outputs[0];
  const current = state.current.value?.box === index;
  const [title, small] = headings(box);
  const value = output && state.hasValue(index) ? (output.value ? state.brief(output.value, LETTERS) : "not kept") : "";
  const gradient = state.hasGradient(index) && output?.arrived ? output.arrived : null;
  const sign = state.sign(gradient);
  return (
    <g
      class={`dlnb-box dlnb-${box.kind} ${current ? "dlnb-now" : ""} ${box.note ? "dlnb-sick" : ""}`}
      transform={`translate(${x} ${y})`}
      data-box={index}
      onClick={() => state.visit(index)}
    >
      <title>{[box.title, box.name, box.autograd, output?.shape].filter(Boolean).join(", ")}</title>
      <rect x={-WIDE / 2} y={-TALL / 2} width={WIDE} height={TALL} rx={box.kind === "leaf" ? TALL / 2.6 : 6} />
      <text y={-19} class="dlnb-title">
        {title}
      </text>
      <text y={-4} class="dlnb-small">
        {cut(small)}
      </text>
      <text y={12}>{cut(value)}</text>
      <text y={28} class={`dlnb-gradient ${sign > 0 ? "dlnb-plus" : sign < 0 ? "dlnb-minus" : ""}`}>
        {gradient ? cut(`∂ ${state.brief(gradient, LETTERS - 2)}`) : ""}
      </text>
    </g>
  );
}

/** What stands above the numbers of a box. */
function headings(box: Box): [title: string, small: string] {
  const shape = box.outputs[0]?.shape ?? "";
  if (box.kind === "leaf") return [tail(box.name || box.title), `leaf ${shape}`];
  if (box.kind === "fold") return [tail(box.title), `${box.nodes.toLocaleString("en")} nodes`];
  return [cut(box.title), `${box.name && `→ ${box.name}`} ${shape}`];
}

/** The end of a path, which tells more than its beginning. */
export function tail(text: string): string {
  return text.length > LETTERS ? `…${text.slice(1 - LETTERS)}` : text;
}

/** A text that fits into a box. */
export function cut(text: string): string {
  return text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text;
}
