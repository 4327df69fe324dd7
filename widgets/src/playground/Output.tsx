// The plane: what the network says everywhere, with the points; here they are also drawn and wiped away. Or what many seeds
// say, or the plane as a hidden layer sees it.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number, percent } from "../core/format";
import { onEachResize } from "../core/theme";
import { LETTERS } from "./colours";
import { Painter, paintPoints, paintWarp, type Peek, toPixel, toPlace } from "./paint";
import type { PlaygroundState, Send } from "./state";

type Place = [x: number, y: number];
/** What the pointer does: nothing, wipe, or set points of a class. */
export type Tool = "look" | "wipe" | number;
export type Seen = "output" | "mean" | "spread" | "warp";

const LARGEST = 340; // pixels
const APART = 0.4; // of the plane, between two points of a stroke
const SPRAY = 0.25; // how far they lie beside it
const RADIUS = 0.6; // that is wiped at once
const PAUSE = 60; // milliseconds between two parts of a stroke
const AGAIN = 0.35; // of the plane, within which a click is at the same place
const KEY = 0.25; // of the plane, for a press of an arrow key

interface Props {
  state: PlaygroundState;
  theme: Signal<number>;
  tool: Signal<Tool>;
  seen: Signal<Seen>;
  peek: Signal<Peek | null>;
  hard: Signal<boolean>;
  tests: Signal<boolean>;
  send: Send;
}

export function Output({ state, theme, tool, seen, peek, hard, tests, send }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const ground = useRef<HTMLCanvasElement>(null);
  const points = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | null>(null);
  const size = useSignal(0);
  const cursor = useSignal<Place | null>(null);
  const pointed = useSignal<Place | null>(null);
  const asked = useRef(0);
  const stale = useRef({ ground: true, points: true });
  const stroke = useRef<{ label: number; places: number[]; last: Place; sent: number } | null>(null);
  const reach = state.fixed.value!.reach;
  useEffect(() => onEachResize(host.current!, (now) => (size.value = Math.min(LARGEST, now))), []);

  const paint = (what: "ground" | "points") => {
    stale.current[what] = true;
    if (asked.current) return;
    asked.current = requestAnimationFrame(() => {
      asked.current = 0;
      const [below, above] = [ready(ground.current, size.value), ready(points.current, size.value)];
      if (!below || !above || !size.value) return;
      painter.current ??= new Painter();
      const show = seen.value;
      if (stale.current.ground) {
        below.clearRect(0, 0, size.value, size.value);
        if (peek.value) painter.current.single(below, host.current!, state, peek.value, size.value);
        else if (show === "warp") paintWarp(below, host.current!, state, size.value);
        else if (show === "output") painter.current.ground(below, host.current!, state, size.value, hard.value);
        else painter.current.seeds(below, host.current!, state, size.value, show === "spread");
      }
      if (stale.current.points) {
        if (show === "warp" && !peek.value) above.clearRect(0, 0, size.value, size.value);
        else paintPoints(above, host.current!, state, size.value, tests.value);
        const trace = state.status.value?.trace;
        if (trace && show !== "warp") ring(above, toPixel([trace.x, trace.y], reach, size.value));
        if (cursor.value) cross(above, toPixel(cursor.value, reach, size.value));
      }
      stale.current = { ground: false, points: false };
    });
  };
  const latest = useRef(paint);
  latest.current = paint;
  useEffect(() => {
    const both = () => (latest.current("ground"), latest.current("points"));
    const stops = [
      state.frames.subscribe(() => latest.current("ground")),
      state.points.subscribe(() => latest.current("points")),
      cursor.subscribe(() => latest.current("points")),
      state.trace.subscribe(() => latest.current("points")),
      ...[theme, size, seen, peek, hard, tests, state.structure].map((one) => (one as Signal<unknown>).subscribe(both)),
    ];
    return () => {
      stops.forEach((stop) => stop());
      cancelAnimationFrame(asked.current);
    };
  }, []);

  const at = (event: { clientX: number; clientY: number }): Place => {
    const box = points.current!.getBoundingClientRect();
    const [x, y] = toPlace([event.clientX - box.left, event.clientY - box.top], reach, box.width);
    return [Math.min(reach, Math.max(-reach, x)), Math.min(reach, Math.max(-reach, y))];
  };
  const flush = () => {
    const now = stroke.current;
    if (!now?.places.length) return;
    now.sent = performance.now();
    send("paint", { label: now.label }, [new Float32Array(now.places).buffer]);
    now.places = [];
  };
  const set = (label: number, place: Place) => send("paint", { label }, [new Float32Array(place).buffer]);
  const wipe = ([x, y]: Place) => send("wipe", { x, y, radius: RADIUS });
  /** Follow a place through the network; the same place again ends it. */
  const follow = ([x, y]: Place) => {
    const now = state.status.value!.trace;
    send("trace", now && Math.hypot(now.x - x, now.y - y) < AGAIN ? { x: null, y: null } : { x, y });
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0 || seen.value === "warp") return;
    const place = at(event);
    if (tool.value === "look") return follow(place);
    points.current!.setPointerCapture(event.pointerId);
    stroke.current = { label: typeof tool.value === "number" ? tool.value : -1, places: [], last: place, sent: performance.now() };
    if (tool.value === "wipe") wipe(place);
    else stroke.current.places.push(...place);
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent) => {
    const place = at(event);
    pointed.value = place;
    const now = stroke.current;
    if (!now || Math.hypot(place[0] - now.last[0], place[1] - now.last[1]) < APART) return;
    now.last = place;
    if (now.label < 0) return wipe(place);
    const beside = () => (Math.random() - 0.5) * 2 * SPRAY;
    now.places.push(...place.map((value) => Math.min(reach, Math.max(-reach, value + beside()))));
    if (performance.now() - now.sent > PAUSE) flush();
  };
  const onPointerUp = () => {
    flush();
    stroke.current = null;
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves: Record<string, Place> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    const letter = LETTERS.indexOf(event.key.toUpperCase());
    if (move) {
      const [x, y] = cursor.value ?? [0, 0];
      cursor.value = [Math.min(reach, Math.max(-reach, x + KEY * move[0])), Math.min(reach, Math.max(-reach, y + KEY * move[1]))];
      pointed.value = null;
    } else if (event.key === "Enter" && cursor.value && typeof tool.value === "number") set(tool.value, cursor.value);
    else if (event.key === "Enter" && cursor.value && tool.value === "look") follow(cursor.value);
    else if ((event.key === "Delete" || event.key === "Backspace" || (event.key === "Enter" && tool.value === "wipe")) && cursor.value) wipe(cursor.value);
    else if (letter >= 0 && event.shiftKey && cursor.value) set(letter, cursor.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const place = pointed.value ?? cursor.value;
  return (
    <section class="dlnb-output" role="group" aria-label="What the network says">
      <Choice state={state} seen={seen} send={send} />
      <div class="dlnb-plane" ref={host}>
        <div class="dlnb-board" style={{ width: size.value, height: size.value }}>
          <canvas ref={ground} aria-hidden="true" />
          <canvas
            ref={points}
            class={tool.value === "look" ? "" : "dlnb-drawing"}
            tabIndex={0}
            role="application"
            aria-label="The plane with the points. Arrow keys move a cross and read what the network says there, Enter follows that place through the network, Shift and a letter A to F sets a point of that class, Delete wipes points away."
            onPointerDown={onPointerDown}
            onPointerMove={onPointerMove}
            onPointerUp={onPointerUp}
            onPointerCancel={onPointerUp}
            onPointerLeave={() => (pointed.value = null)}
            onKeyDown={press}
            onBlur={() => (cursor.value = null)}
          />
        </div>
      </div>
      <Said state={state} place={place} seen={seen} peek={peek} />
      <div class="dlnb-row">
        <label>
          <input type="checkbox" checked={tests.value} onChange={(event) => (tests.value = event.currentTarget.checked)} /> test points (hollow)
        </label>
        <label>
          <input type="checkbox" checked={hard.value} onChange={(event) => (hard.value = event.currentTarget.checked)} /> hard edge
        </label>
      </div>
    </section>
  );
}

/** The canvas' context at the resolution of the screen, cleared only when its size changes. */
function ready(canvas: HTMLCanvasElement | null, size: number): CanvasRenderingContext2D | null {
  const context = canvas?.getContext("2d");
  if (!canvas || !context) return null;
  const ratio = devicePixelRatio || 1;
  if (canvas.width !== Math.round(size * ratio)) canvas.width = canvas.height = Math.round(size * ratio);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function ring(context: CanvasRenderingContext2D, [x, y]: Place): void {
  for (const [style, width] of [["#000", 4], ["#fff", 2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 8, 0, 2 * Math.PI);
    context.stroke();
  }
}

function cross(context: CanvasRenderingContext2D, [x, y]: Place): void {
  for (const [style, width] of [["#000", 4], ["#fff", 2]] as const) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[9, 0], [0, 9]] as const) {
      context.moveTo(x - dx, y - dy);
      context.lineTo(x + dx, y + dy);
    }
    context.stroke();
  }
}

/** What the plane shows. */
function Choice({ state, seen, send }: { state: PlaygroundState; seen: Signal<Seen>; send: Send }) {
  const { network } = state.structure.value!;
  const [status, now] = [state.calm.value!, seen.value];
  const many = status.seeds !== null;
  const warp = status.warp;
  const show = (wanted: string) => {
    const toWarp = wanted.startsWith("warp");
    const toSeeds = wanted === "mean" || wanted === "spread";
    if (toSeeds !== many) send("seeds", { on: toSeeds });
    if (toWarp) {
      const layer = Number(wanted.slice(4));
      send("warp", { layer, units: [0, Math.min(1, network.layers[layer]!.units - 1)] });
    } else if (warp) send("warp", { layer: null });
    seen.value = toWarp ? "warp" : (wanted as Seen);
  };
  // Whatever ended what was shown (undo, a mission, a layer that is gone), the plane shows something that is there.
  useEffect(() => {
    if ((now === "warp" && !warp) || ((now === "mean" || now === "spread") && !many)) {
      const wait = setTimeout(() => (seen.value = "output"), 1000); // unless the kernel's answer is on its way
      return () => clearTimeout(wait);
    }
    return undefined;
  }, [now, warp === null, many]);
  return (
    <div class="dlnb-row">
      <label>
        show{" "}
        <select data-setting="seen" value={now === "warp" ? `warp${warp?.layer ?? 0}` : now} onChange={(event) => show(event.currentTarget.value)}>
          <option value="output">what the network says</option>
          {network.layers.map((_, k) => (
            <option key={k} value={`warp${k}`}>
              the plane as layer {k + 1} bends it
            </option>
          ))}
          <option value="mean">64 seeds: what most say</option>
          <option value="spread">64 seeds: where they disagree</option>
        </select>
      </label>
      {now === "warp" && warp && (
        <span class="dlnb-row">
          {([0, 1] as const).map((axis) => (
            <label key={axis}>
              {axis === 0 ? "across" : "up"}{" "}
              <select
                value={String(warp.units[axis])}
                onChange={(event) => {
                  const unit = Number(event.currentTarget.value);
                  send("warp", { layer: warp.layer, units: axis === 0 ? [unit, warp.units[1]] : [warp.units[0], unit] });
                }}
              >
                {Array.from({ length: network.layers[warp.layer]?.units ?? 0 }, (_, unit) => (
                  <option key={unit} value={String(unit)}>
                    neuron {unit + 1}
                  </option>
                ))}
              </select>
            </label>
          ))}
        </span>
      )}
    </div>
  );
}

/** What the network says under the pointer, or how the seeds do. */
function Said({ state, place, seen, peek }: { state: PlaygroundState; place: Place | null; seen: Signal<Seen>; peek: Signal<Peek | null> }) {
  const status = state.calm.value!;
  const { data } = state.structure.value!;
  const now = peek.value;
  if (now) {
    const name = "input" in now ? `input ${now.input}` : `layer ${now.layer + 1}, neuron ${now.unit + 1}`;
    return <p class="dlnb-point">what {name} says: orange below 0, blue above</p>;
  }
  const seeds = status.seeds;
  if (seeds) {
    const told = data.classes ? percent : number;
    const range = [seeds.low, seeds.middle, seeds.high].map((value) => (value === null ? "–" : told(value)));
    const lost = seeds.lost ? `, ${seeds.lost} exploded` : "";
    return (
      <div class="dlnb-seeds">
        <p>
          {data.classes ? "test points right" : "test loss"}: {range[0]} to {range[2]}, the middle one {range[1]}
          {lost}.{data.classes > 0 && ` ${seeds.good} of ${seeds.count} have 90 % right.`}
        </p>
        {data.classes > 0 && <Bars values={state.seedsRight} />}
      </div>
    );
  }
  if (seen.value === "warp") return <p class="dlnb-point">a grid on the plane, bent; each axis is what one neuron says</p>;
  const trace = status.trace;
  if (trace && !place) {
    const point = trace.wanted === null ? "" : `, a point of ${data.classes ? `class ${trace.wanted}` : `value ${trace.wanted}`}`;
    return (
      <p class="dlnb-point" data-trace>
        followed: {data.axes[0]} {number(trace.x)}, {data.axes[1]} {number(trace.y)}
        {point}. It says {state.said([trace.x, trace.y])}
        {trace.loss === null ? "" : `, loss ${number(trace.loss)}`}.
      </p>
    );
  }
  const words = place && seen.value === "output" ? `${data.axes[0]} ${number(place[0])}, ${data.axes[1]} ${number(place[1])}: ${state.said(place)}` : "";
  return (
    <output class="dlnb-point" aria-live="polite">
      {words || `${legend(data.classes, data.names)}; click a point to follow it`}
    </output>
  );
}

const legend = (classes: number, names: string[]): string =>
  classes === 0 ? "orange below 0, blue above" : classes === 2 ? `the paler, the less sure between ${names[0]} and ${names[1]}` : "each class in its colour, pale where it is unsure";

/** How many seeds have how much right: ten bars from 0 to 100 %. */
function Bars({ values }: { values: Float32Array }) {
  const counts = new Array<number>(10).fill(0);
  for (const value of values) if (Number.isFinite(value)) counts[Math.min(9, Math.floor(value * 10))]! += 1;
  const most = Math.max(1, ...counts);
  const words = counts.map((count, k) => (count ? `${count} from ${10 * k} to ${10 * k + 10} %` : "")).filter(Boolean).join(", ");
  return (
    <svg class="dlnb-bars" viewBox="0 0 200 40" role="img" aria-label={`Seeds by how much they have right: ${words}`}>
      {counts.map((count, k) => (
        <rect key={k} x={20 * k + 1} width={18} y={38 - (36 * count) / most} height={(36 * count) / most} fill="currentColor" opacity={0.7} />
      ))}
      <line x1={0} x2={200} y1={39} y2={39} stroke="currentColor" />
    </svg>
  );
}
