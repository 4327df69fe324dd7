// The curves: loss on one chart, the metrics on another, with a reading line that follows mouse or arrow
// keys, a zoom that fetches what is stored there, and the same numbers as a table.
import { type Signal, useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Baseline, Curve, type Line } from "../core/curve";
import { number } from "../core/format";
import { GHOSTS, SERIES, TRAIN, VALID } from "../core/theme";
import { Table } from "./Table";
import { ghostColour } from "./WhatIf";
import type { WatchState } from "./state";
import type { Place } from "./Timeline";
import type { Zoom } from "./zoom";

export interface View {
  halfLife: number; // steps
  logarithmic: boolean;
  table: boolean;
}
interface Props {
  state: WatchState;
  view: View;
  zoom: Zoom;
  place: Signal<Place | null>;
  compared: Signal<ReadonlySet<number>>;
}

export function Curves({ state, view, zoom, place, compared }: Props) {
  state.version.value; // the curves change in place
  const chance = state.fixed.value.chance;
  const loss = lossLines(state, view, zoom, compared.value);
  const metrics = metricLines(state, view, zoom);
  const reached = Math.max(0, ...[...loss, ...metrics].map(({ pieces }) => pieces.steps[pieces.steps.length - 1] ?? 0));
  const shared = { state, zoom, place, reached };
  return (
    <div class="dlnb-curves">
      <Chart {...shared} title="Loss" lines={loss} height={210} logarithmic={view.logarithmic} baselines={chance ? [chance] : []} words />
      {metrics.length > 0 && <Chart {...shared} title="Metrics" lines={metrics} height={130} logarithmic={false} baselines={[]} />}
      {view.table && <Table lines={[...loss, ...metrics]} window={zoom.window.value} />}
    </div>
  );
}

function lossLines(state: WatchState, view: View, zoom: Zoom, compared: ReadonlySet<number>): Line[] {
  const lines: Line[] = [];
  const valid = state.curves.get("valid_loss");
  if (valid) lines.push({ label: "validation", colour: VALID, pieces: zoom.detailed("valid_loss", valid), dots: true });
  lines.push(...smoothed(state, view, zoom, "loss", "training", TRAIN));
  let ghosts = 0;
  for (const number of compared) {
    const theirs = state.lines.get(number)?.get("loss");
    const name = state.time.value?.lines.find((line) => line.number === number)?.name ?? `line ${number}`;
    if (theirs) lines.push({ label: name, colour: GHOSTS[ghosts++ % GHOSTS.length]!, pieces: theirs, ghost: true });
  }
  const whatIf = state.whatIf.value;
  whatIf?.settings.forEach(({ value }, i) => {
    const pieces = state.fans[i];
    if (pieces?.length) lines.push({ label: `if ${number(value)}`, colour: ghostColour(i), pieces, ghost: true });
  });
  return lines;
}

/** Every validation metric with what was logged in training under the same name, and what else was logged. */
function metricLines(state: WatchState, view: View, zoom: Zoom): Line[] {
  const knobs = new Set(state.knobs.value?.controls.map(({ name }) => name) ?? ["lr"]);
  const logged = [...state.curves.keys()].filter((name) => !name.startsWith("valid_") && name !== "loss" && !knobs.has(name) && name !== "lr");
  const valid = [...state.curves.keys()].filter((name) => name.startsWith("valid_") && name !== "valid_loss");
  const words = (name: string) => name.slice("valid_".length);
  return [
    ...valid.map((name, i) => ({
      label: logged.includes(words(name)) ? `${words(name)}, validation` : words(name),
      colour: SERIES[i % SERIES.length]!,
      pieces: zoom.detailed(name, state.curves.get(name)!),
      dots: true,
    })),
    ...logged.flatMap((name, i) => smoothed(state, view, zoom, name, name, [TRAIN, ...SERIES.slice(1)][i % SERIES.length]!)),
  ];
}

function smoothed(state: WatchState, view: View, zoom: Zoom, name: string, label: string, colour: string): Line[] {
  const pieces = state.curves.get(name);
  const front = view.halfLife ? state.smooth.get(name) : undefined;
  if (!pieces) return [];
  return [{ label, colour, pieces: zoom.detailed(name, pieces), front: front && zoom.detailed(`smooth:${name}`, front) }];
}

interface ChartProps {
  title: string;
  lines: Line[];
  state: WatchState;
  zoom: Zoom;
  place: Signal<Place | null>;
  height: number;
  logarithmic: boolean;
  baselines: Baseline[];
  reached: number;
  /** Whether the marks are named. */
  words?: boolean;
}

function Chart({ title, lines, state, zoom, place, height, logarithmic, baselines, reached, words }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const curve = useRef<Curve | null>(null);
  const point = useSignal("");
  const at = useRef<number | null>(null); // the step under the reading line
  const down = useRef(0);
  // Before the page is painted, so that the first key finds the chart.
  useLayoutEffect(() => {
    const told = (text: string, step: number | null) => {
      point.value = text;
      at.current = step;
    };
    const made = new Curve(host.current!, height, told, (window) => zoom.to(window));
    curve.current = made;
    return () => made.close();
  }, [height, point, zoom]);
  const pointed = place.value;
  useLayoutEffect(() => {
    if (!curve.current) return;
    const now = state.status.value;
    const marks = pointed && pointed.line === state.time.value?.current ? [...state.marks.value, { step: pointed.step, text: "here" }] : state.marks.value;
    Object.assign(curve.current, {
      lines,
      logarithmic,
      baselines,
      marks: words ? marks : marks.map(({ step }) => ({ step, text: "" })),
      reached,
      total: now?.total ?? 0,
      step: now?.step ?? 0,
      zoom: zoom.window.value,
    });
    curve.current.draw();
  });
  const take = () => {
    const current = state.time.value?.current;
    if (at.current !== null && current !== undefined) place.value = { line: current, step: at.current };
  };
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by !== undefined) curve.current?.move(by);
    else if (event.key === "+") curve.current?.zoomBy(0.5);
    else if (event.key === "-") curve.current?.zoomBy(2);
    else if (event.key === "0") zoom.to(null);
    else if (event.key === "Enter") take();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>{title}</strong>
        {lines.map((line) => (
          <span key={line.label} class="dlnb-key">
            <i class={line.ghost ? "dlnb-dashed" : ""} style={{ background: `var(${line.colour})` }} aria-hidden="true" /> {line.label}{" "}
            <b>{number(line.pieces.mean[line.pieces.mean.length - 1])}</b>
          </span>
        ))}
      </figcaption>
      <div
        class="dlnb-plot"
        ref={host}
        tabIndex={0}
        role="img"
        aria-label={`${title} over steps. ${state.summary()} Arrow keys read single points, plus and minus zoom, Enter chooses the step for rewind and fork.`}
        onKeyDown={press}
        onPointerDown={(event) => (down.current = event.clientX)}
        onClick={(event) => Math.abs(event.clientX - down.current) < 3 && take()}
      />
      <output class="dlnb-point" aria-live="polite">
        {point.value}
      </output>
    </figure>
  );
}
