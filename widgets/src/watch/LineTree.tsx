// The lines as a tree over steps: snapshots as ticks, marks as triangles, a star where the validation
// was best, a dot where the run is.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { onEachResize } from "../core/theme";
import type { Time, TimeLine, WatchState } from "./state";
import type { Place } from "./Timeline";

const ROW = 24; // pixels
const SIDE = 6; // pixels left and right, half the thumb of the scrubber

interface Props {
  state: WatchState;
  time: Time;
  now: number;
  place: Signal<Place | null>;
}

export function LineTree({ state, time, now, place }: Props) {
  const host = useRef<SVGSVGElement>(null);
  const width = useSignal(320);
  useEffect(() => onEachResize(host.current!, (seen) => (width.value = seen)), [width]);
  const longest = Math.max(1, ...time.lines.map(({ end }) => end));
  const x = (step: number) => SIDE + ((width.value - 2 * SIDE) * step) / longest;
  const rows = new Map(time.lines.map((line, i) => [line.number, i * ROW + 14]));
  const point = (event: MouseEvent) => {
    const box = host.current!.getBoundingClientRect();
    const line = time.lines[Math.min(time.lines.length - 1, Math.max(0, Math.floor((event.clientY - box.top) / ROW)))]!;
    const step = Math.round(((event.clientX - box.left - SIDE) / (width.value - 2 * SIDE)) * longest);
    place.value = { line: line.number, step: Math.min(line.end, Math.max(0, step)) };
  };
  return (
    <svg ref={host} class="dlnb-tree" height={time.lines.length * ROW + 6} role="img" aria-label={words(time, now)} onClick={point}>
      {time.lines.map((line) => {
        const y = rows.get(line.number)!;
        const current = line.number === time.current;
        const at = current ? now : (line.run?.step ?? line.end);
        const from = line.parent === null ? null : rows.get(line.parent);
        const kept = state.snapshots.get(line.number) ?? new Int32Array();
        return (
          <g key={line.number} class={current ? "dlnb-tree-current" : line.run ? "dlnb-tree-fork" : "dlnb-tree-ghost"}>
            {from !== null && from !== undefined && <path d={`M${x(line.start)} ${from}V${y}`} />}
            <path d={`M${x(line.start)} ${y}H${x(at)}`} />
            {line.end > at && <path class="dlnb-ahead" d={`M${x(at)} ${y}H${x(line.end)}`} />}
            {ticks(kept, line, x).map((tick) => (
              <path key={tick} d={`M${tick} ${y - 3}v6`} />
            ))}
            {current && state.marks.value.map(({ step, text }, i) => (
              <path key={i} class="dlnb-tree-mark" d={`M${x(step)} ${y + 3}l3.5 6h-7z`}>
                <title>{`step ${step}: ${text}`}</title>
              </path>
            ))}
            {line.best !== null && (
              <text x={x(line.best)} y={y - 3} class="dlnb-best" text-anchor="middle">
                ★<title>{`smallest validation loss, at step ${line.best}`}</title>
              </text>
            )}
            <text x={Math.min(x(line.start) + 4, width.value - 60)} y={y - 4} class="dlnb-tree-name">
              {line.name}
            </text>
            {(current || line.run) && <circle cx={x(at)} cy={y} r={4} />}
            {place.value?.line === line.number && <circle class="dlnb-place" cx={x(place.value.step)} cy={y} r={6} />}
          </g>
        );
      })}
    </svg>
  );
}

/** Where the ticks are, at most one in two pixels. */
function ticks(steps: Int32Array, line: TimeLine, x: (step: number) => number): number[] {
  const places = Array.from(steps)
    .filter((step) => step >= line.start)
    .map((step) => Math.round(x(step) / 2) * 2);
  return [...new Set(places)];
}

function words(time: Time, now: number): string {
  const current = time.lines.find(({ number }) => number === time.current);
  const others = time.lines.length - 1;
  const beside = others === 0 ? "" : others === 1 ? " One other line." : ` ${others} other lines.`;
  return `Timeline. The run is on ${current?.name ?? "a line"} at step ${now}.${beside}`;
}
