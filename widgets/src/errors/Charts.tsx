// Small charts in SVG: precision against recall, how sure against how right, predicted against true.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { number, percent } from "../core/format";
import type { Bins, Curve, Found } from "./state";

const SIZE = 220; // units of a chart's width
const HEIGHT = 176;
const LEFT = 38;
const BOTTOM = 34;
const TOP = 8;
const RIGHT = 10;

interface FrameProps {
  x: [number, number];
  y: [number, number];
  labels: [string, string];
  words: string;
  /** Keys: read the next (1) or the one before (-1). */
  onStep: (by: number) => void;
  onOpen?: () => void;
  children: ComponentChildren;
}

/** Where a value lies on the chart. */
export function scale([low, high]: [number, number], value: number, vertical: boolean): number {
  const share = high > low ? (value - low) / (high - low) : 0.5;
  return vertical ? HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP) : LEFT + share * (SIZE - LEFT - RIGHT);
}

function Chart({ x, y, labels, words, onStep, onOpen, children }: FrameProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by !== undefined) onStep(by);
    else if (event.key === "Enter" && onOpen) onOpen();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const ticks = (ends: [number, number]) => [ends[0], (ends[0] + ends[1]) / 2, ends[1]];
  return (
    <svg viewBox={`0 0 ${SIZE} ${HEIGHT}`} class="dlnb-svg" role="img" tabindex={0} aria-label={words} onKeyDown={onKeyDown}>
      {ticks(x).map((value) => (
        <text key={value} x={scale(x, value, false)} y={HEIGHT - BOTTOM + 13} text-anchor="middle">
          {number(value)}
        </text>
      ))}
      {ticks(y).map((value) => (
        <g key={value}>
          <line x1={LEFT} x2={SIZE - RIGHT} y1={scale(y, value, true)} y2={scale(y, value, true)} class="dlnb-grid" />
          <text x={LEFT - 4} y={scale(y, value, true) + 3} text-anchor="end">
            {number(value)}
          </text>
        </g>
      ))}
      <text x={(LEFT + SIZE) / 2} y={HEIGHT - 4} text-anchor="middle">
        {labels[0]}
      </text>
      <text x={10} y={(HEIGHT - BOTTOM) / 2} text-anchor="middle" transform={`rotate(-90 10 ${(HEIGHT - BOTTOM) / 2})`}>
        {labels[1]}
      </text>
      {children}
    </svg>
  );
}

/** A place among `count`, moved by keys; it stays within them while the data change. */
function usePlace(count: number): { at: number | null; step: (by: number) => void; set: (place: number | null) => void } {
  const place = useSignal<number | null>(null);
  const inside = (value: number) => Math.min(count - 1, Math.max(0, value));
  return {
    at: place.value === null || !count ? null : inside(place.value),
    step: (by) => (place.value = count ? inside((place.value ?? (by > 0 ? -1 : count)) + by) : null),
    set: (value) => (place.value = value),
  };
}

const UNIT: [number, number] = [0, 1];

interface PrecisionProps {
  found: Found;
  curve: Curve;
  onClass: (k: number) => void;
}

export function PrecisionRecall({ found, curve, onClass }: PrecisionProps) {
  const { x, y } = curve;
  const place = usePlace(x.length);
  const name = curve.class < 0 ? "all classes together" : (found.classes[found.shown.indexOf(curve.class)] ?? String(curve.class));
  const area = curve.area === null || curve.area === undefined ? "" : `average precision ${number(curve.area)}`;
  const points = Array.from(x, (value, i) => `${scale(UNIT, value, false)},${scale(UNIT, y[i]!, true)}`).join(" ");
  const { at } = place;
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>Precision and recall</strong>{" "}
        <label>
          <span class="dlnb-spoken">of the class</span>
          <select value={String(curve.class)} onChange={(event) => onClass(Number(event.currentTarget.value))}>
            <option value="-1">all classes</option>
            {found.classes.map((label, k) => (
              <option key={found.shown[k]} value={String(found.shown[k])}>
                {label}
              </option>
            ))}
          </select>
        </label>
      </figcaption>
      <Chart x={UNIT} y={UNIT} labels={["recall", "precision"]} words={`Precision against recall of ${name}, ${area}. Arrow keys read points.`} onStep={place.step}>
        {x.length > 0 ? (
          <polyline points={points} class="dlnb-line" />
        ) : (
          <text x={(LEFT + SIZE) / 2} y={HEIGHT / 2} text-anchor="middle">
            no example of it
          </text>
        )}
        {at !== null && <circle cx={scale(UNIT, x[at]!, false)} cy={scale(UNIT, y[at]!, true)} r={4} class="dlnb-here" />}
      </Chart>
      <output class="dlnb-point" aria-live="polite">
        {at !== null ? `finds ${percent(x[at]!)} of them; ${percent(y[at]!)} of what it finds is right` : area}
      </output>
    </figure>
  );
}

/** What a bin of the reliability diagram says. */
export function binWords(bins: Bins, i: number): string {
  const count = bins.count[i]!;
  const [low, high] = [i / bins.count.length, (i + 1) / bins.count.length];
  const range = `confidence ${percent(low)} to ${percent(high)}`;
  if (!count) return `${range}: no answer`;
  const answers = count === 1 ? "1 answer" : `${count.toLocaleString("en")} answers`;
  return `${range}: ${answers}, on average ${percent(bins.confidence[i]!)} sure and ${percent(bins.accuracy[i]!)} right`;
}

export function Reliability({ found, bins }: { found: Found; bins: Bins }) {
  const place = usePlace(bins.count.length);
  const width = 1 / bins.count.length;
  const most = Math.max(1, ...bins.count);
  const error = found.calibration === null || found.calibration === undefined ? "" : `off by ${percent(found.calibration)} on average (ECE)`;
  const { at } = place;
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>How sure, how right</strong> <span class="dlnb-quiet">{error}</span>
      </figcaption>
      <Chart
        x={UNIT}
        y={UNIT}
        labels={["confidence", "share that is right"]}
        words={`Reliability diagram, ${error}. Bars: how often answers of a confidence are right; dots: how sure they were. Arrow keys read the bars.`}
        onStep={place.step}
      >
        {Array.from(bins.count, (count, i) => {
          if (!count) return null;
          const left = scale(UNIT, i * width, false) + 0.5;
          const top = scale(UNIT, bins.accuracy[i]!, true);
          const bar = scale(UNIT, width, false) - LEFT - 1;
          // Bars of few answers are pale: they may be right or wrong by chance.
          const strength = 0.35 + 0.65 * Math.sqrt(count / most);
          return (
            <g key={i} class="dlnb-bin" onMouseEnter={() => place.set(i)} onMouseLeave={() => place.set(null)}>
              <rect x={left} width={bar} y={TOP} height={HEIGHT - BOTTOM - TOP} fill="transparent" />
              <rect x={left} width={bar} y={top} height={HEIGHT - BOTTOM - top} class={i === at ? "dlnb-bar dlnb-at" : "dlnb-bar"} opacity={strength} />
              <circle cx={left + bar / 2} cy={scale(UNIT, bins.confidence[i]!, true)} r={2.5} class="dlnb-sure" />
            </g>
          );
        })}
        <line x1={LEFT} y1={HEIGHT - BOTTOM} x2={SIZE - RIGHT} y2={TOP} class="dlnb-ideal" />
      </Chart>
      <output class="dlnb-point" aria-live="polite">
        {at !== null ? binWords(bins, at) : ""}
      </output>
    </figure>
  );
}

interface ScatterProps {
  found: Found;
  curve: Curve;
  onOutput: (k: number) => void;
}

/** Predicted against true, for a regression. */
export function Scatter({ found, curve, onOutput }: ScatterProps) {
  const { x, y, numbers } = curve;
  const order = Array.from(x.keys()).sort((a, b) => x[a]! - x[b]!);
  const place = usePlace(order.length);
  const every = [...x, ...y];
  const low = every.length ? Math.min(...every) : 0;
  const high = every.length ? Math.max(...every) : 1;
  const ends: [number, number] = low < high ? [low, high] : [low - 1, high + 1];
  const at = place.at === null ? null : order[place.at]!;
  const words = (i: number) => `example ${numbers?.[i] ?? i}: truly ${number(x[i]!)}, predicted ${number(y[i]!)}, off by ${number(y[i]! - x[i]!)}`;
  return (
    <figure class="dlnb-chart dlnb-wide">
      <figcaption>
        <strong>Predicted and true</strong>{" "}
        {(found.outputs ?? 1) > 1 && (
          <label>
            output{" "}
            <select value={String(curve.class)} onChange={(event) => onOutput(Number(event.currentTarget.value))}>
              {Array.from({ length: found.outputs! }, (_, k) => (
                <option key={k} value={String(k)}>
                  {k}
                </option>
              ))}
            </select>
          </label>
        )}
      </figcaption>
      <Chart x={ends} y={ends} labels={["true", "predicted"]} words={`Predicted against true. ${found.summary} Arrow keys read examples.`} onStep={place.step}>
        <line x1={LEFT} y1={HEIGHT - BOTTOM} x2={SIZE - RIGHT} y2={TOP} class="dlnb-ideal" />
        {order.map((i, k) => (
          <circle
            key={i}
            cx={scale(ends, x[i]!, false)}
            cy={scale(ends, y[i]!, true)}
            r={i === at ? 4 : 2.2}
            class={i === at ? "dlnb-here" : "dlnb-dot"}
            onMouseEnter={() => place.set(k)}
            onMouseLeave={() => place.set(null)}
          />
        ))}
      </Chart>
      <output class="dlnb-point" aria-live="polite">
        {at !== null ? words(at) : ""}
      </output>
    </figure>
  );
}
