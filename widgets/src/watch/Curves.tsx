// The curves: loss on one chart, the metrics on another, with a reading line that follows mouse or arrow
// keys, a zoom that fetches what is stored there, and the same numbers as a table.
import type { Signal } from "@preact/signals";
import { Chart, Legend } from "../core/Chart";
import type { Baseline, Line } from "../core/curve";
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
      <Plotted {...shared} title="Loss" lines={loss} height={210} logarithmic={view.logarithmic} baselines={chance ? [chance] : []} words />
      {metrics.length > 0 && <Plotted {...shared} title="Metrics" lines={metrics} height={130} logarithmic={false} baselines={[]} />}
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

interface PlottedProps {
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

function Plotted({ title, lines, state, zoom, place, height, logarithmic, baselines, reached, words }: PlottedProps) {
  const [now, pointed] = [state.status.value, place.value];
  const current = state.time.value?.current;
  const here = pointed && pointed.line === current ? [{ step: pointed.step, text: "here" }] : [];
  const marks = [...state.marks.value, ...here];
  return (
    <Chart
      title={title}
      height={height}
      drawing={{
        lines,
        logarithmic,
        baselines,
        marks: words ? marks : marks.map(({ step }) => ({ step, text: "" })),
        reached,
        total: now?.total ?? 0,
        step: now?.step ?? 0,
        zoom: zoom.window.value,
      }}
      onZoom={(window) => zoom.to(window)}
      summary={state.summary()}
      onTake={(step) => current !== undefined && (place.value = { line: current, step })}
      takes="Enter chooses the step for rewind and fork"
    >
      <Legend lines={lines} />
    </Chart>
  );
}
