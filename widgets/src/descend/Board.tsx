// The surface from above: click where the race shall begin; the ways of all racers on it.
import type { Signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../core/format";
import { onEachResize } from "../core/theme";
import { RAMP } from "../core/viridis";
import { area, ground, MARGIN, paintMap, toPlace } from "./paint";
import type { DescendState, Place, Send, Surface } from "./state";

const TALLEST = 430; // pixels
const KEY = 40; // presses of an arrow key from one side to the other

export function Board({ state, theme, send }: { state: DescendState; theme: Signal<number>; send: Send }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<{ picture: HTMLCanvasElement; surface: Surface; width: number; height: number } | null>(null);
  const width = useSignal(0);
  const cursor = useSignal<Place | null>(null);
  const pointed = useSignal<Place | null>(null);
  const surface = state.surface.value!;
  const status = state.status.value!;
  const height = Math.round(Math.min(TALLEST, Math.max(180, width.value - MARGIN.left + MARGIN.bottom)));
  useEffect(() => onEachResize(canvas.current!.parentElement!, (now) => (width.value = now)), []);
  const version = theme.value;
  const seen = state.frames.value;
  useEffect(() => {
    const place = canvas.current;
    const context = place?.getContext("2d");
    if (!place || !context || !width.value) return;
    const asked = requestAnimationFrame(() => {
      const scale = devicePixelRatio || 1;
      place.width = Math.round(width.value * scale);
      place.height = Math.round(height * scale);
      context.setTransform(scale, 0, 0, scale, 0, 0);
      const room = area(width.value, height);
      const old = drawn.current;
      if (!old || old.surface !== surface || old.width !== room.width || old.height !== room.height)
        drawn.current = { picture: ground(surface, state.map, room.width, room.height), surface, width: room.width, height: room.height };
      paintMap(context, place.parentElement!, [width.value, height], drawn.current!.picture, state, cursor.value);
    });
    return () => cancelAnimationFrame(asked);
  }, [seen, version, width.value, height, cursor.value, surface]);

  const point = (event: MouseEvent): Place | null => {
    const box = canvas.current!.getBoundingClientRect();
    return toPlace(area(width.value, height), surface, [event.clientX - box.left, event.clientY - box.top]);
  };
  const begin = (place: Place | null) => place && send("start", { x: place[0], y: place[1] });
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [left, right, bottom, top] = surface.box;
    const moves: Record<string, Place> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const move = moves[event.key];
    if (move) {
      const [x, y] = cursor.value ?? status.start;
      cursor.value = [
        Math.min(right, Math.max(left, x + (move[0] * (right - left)) / KEY)),
        Math.min(top, Math.max(bottom, y + (move[1] * (top - bottom)) / KEY)),
      ];
      pointed.value = null;
    } else if (event.key === "Enter") begin(cursor.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const at = pointed.value ?? cursor.value;
  const [one, other] = surface.weights;
  return (
    <figure class="dlnb-map">
      <div class="dlnb-board">
        <canvas
          ref={canvas}
          style={{ height }}
          tabIndex={0}
          role="application"
          aria-label={`The loss from above, a map. ${state.summary()} Arrow keys move a cross, Enter lets the race begin there.`}
          onPointerMove={(event) => (pointed.value = point(event))}
          onPointerLeave={() => (pointed.value = null)}
          onClick={(event) => begin(point(event))}
          onKeyDown={press}
          onBlur={() => (cursor.value = null)}
        />
      </div>
      <figcaption>
        <span class="dlnb-legend dlnb-quiet">
          low loss <i style={{ background: RAMP }} aria-hidden="true" /> high{surface.minima.length > 0 && ", ★ the lowest"}
        </span>
        <output class="dlnb-point" aria-live="polite">
          {at ? `${one} ${number(at[0])}, ${other} ${number(at[1])}: loss ${number(state.lossAt(at))}` : "Click on the map: the race begins there."}
        </output>
      </figcaption>
    </figure>
  );
}
