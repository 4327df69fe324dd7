// One chart of several curves over steps, drawn by uPlot: bands for what a piece holds, lines for its
// mean, triangles where a value was no number, dotted lines where something happened. Redraws once an
// animation frame, and only when asked.
import uPlot from "uplot";
import { number } from "./format";
import type { Rows } from "./pieces";
import { onThemeChange, themed } from "./theme";

export interface Line {
  label: string;
  colour: string; // the name of a style variable
  pieces: Rows & { gaps?: [number, number][] };
  /** The smoothed curve; the unsmoothed one then stays behind it, pale. */
  front?: Rows;
  /** Dots at the values, for a column with few of them. */
  dots?: boolean;
  /** A curve of another line of the timeline, or one that might be: dashed, without a band. */
  ghost?: boolean;
}
export interface Mark {
  step: number;
  text: string;
}
export interface Baseline {
  value: number;
  label: string;
}

type Row = (number | null | undefined)[];

const APART = 9; // pixels between two dots
const LABEL = 150; // pixels that the words of a mark may take

export class Curve {
  private plot: uPlot | null = null;
  private shape = "";
  private drawing = 0;
  private reads: number[] = []; // for each line, the column that is read out
  private own = 0; // the last column of the run's own curves; behind it come the ghosts
  private readonly stops: (() => void)[];
  lines: Line[] = [];
  marks: Mark[] = [];
  baselines: Baseline[] = [];
  /** The last step of the plan, and the last one of all charts of this run: they end at the same step. */
  total = 0;
  reached = 0;
  /** Where the run is: what lies ahead of it on its line is pale. */
  step = 0;
  logarithmic = false;
  /** The steps that are shown; all of them when null. Whoever owns the chart sets it. */
  zoom: [first: number, last: number] | null = null;

  constructor(
    private readonly host: HTMLElement,
    private readonly height: number,
    private readonly onPoint: (text: string, step: number | null) => void,
    private readonly onZoom: (window: [first: number, last: number] | null) => void,
    private readonly unit = "step",
  ) {
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(host);
    this.stops = [() => resized.disconnect(), onThemeChange(() => this.draw())];
  }

  /** Draw soon. */
  draw(): void {
    if (this.drawing) return;
    // The window that shows the chart may be one that floats above the page.
    this.drawing = (this.host.ownerDocument.defaultView ?? window).requestAnimationFrame(() => {
      this.drawing = 0;
      this.paint();
    });
  }

  close(): void {
    cancelAnimationFrame(this.drawing);
    this.stops.forEach((stop) => stop());
    this.plot?.destroy();
    this.plot = null;
  }

  /** Move the reading line by some points; what stands there is told to `onPoint`. */
  move(by: number): void {
    const steps = this.plot?.data[0];
    if (!this.plot || !steps?.length) return;
    const from = this.plot.cursor.idx ?? (by > 0 ? -1 : steps.length);
    const to = Math.min(steps.length - 1, Math.max(0, from + by));
    this.plot.setCursor({ left: this.plot.valToPos(steps[to]!, "x"), top: 10 });
  }

  /** Show `factor` of what is shown, around the reading line; beyond the whole, everything. */
  zoomBy(factor: number): void {
    const plot = this.plot;
    const [min, max] = [plot?.scales["x"]?.min, plot?.scales["x"]?.max];
    if (!plot || min === undefined || max === undefined) return;
    const middle = plot.data[0][plot.cursor.idx ?? -1] ?? (min + max) / 2;
    const half = Math.max(2, ((max - min) * factor) / 2);
    this.onZoom(2 * half >= this.end() ? null : [Math.max(0, middle - half), middle + half]);
  }

  /** The chart as it is drawn now, or null before it is. */
  get canvas(): HTMLCanvasElement | null {
    return this.plot?.ctx.canvas ?? null;
  }

  private paint(): void {
    const width = Math.floor(this.host.clientWidth);
    if (width === 0) return; // hidden or detached; the ResizeObserver comes back
    const shape = JSON.stringify([
      this.logarithmic,
      this.lines.map((line) => [line.label, line.colour, !!line.front, !!line.ghost]),
    ]);
    const data = this.data();
    if (!this.plot || shape !== this.shape) {
      this.plot?.destroy();
      this.shape = shape;
      this.plot = new uPlot(this.options(width), data, this.host);
    } else {
      this.plot.batch(() => {
        this.plot!.setData(data, false);
        this.plot!.setScale("x", { min: 0, max: this.end() }); // `range` below has the last word
      });
    }
  }

  private resize(): void {
    const width = Math.floor(this.host.clientWidth);
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: this.height });
    else if (!this.plot) this.draw();
  }

  /** For each line low, high, the mean, and the smoothed mean; a ghost has its mean only. */
  private data(): uPlot.AlignedData {
    const drawable = (values: number[]): Row =>
      values.map((value) => (Number.isFinite(value) && !(this.logarithmic && value <= 0) ? value : null));
    const tables = this.lines.flatMap(({ pieces, front, ghost }) => {
      if (ghost) return [[pieces.steps, drawable(pieces.mean)]];
      const raw = [pieces.steps, drawable(pieces.low), drawable(pieces.high), drawable(pieces.mean)];
      return front ? [raw, [front.steps, drawable(front.mean)]] : [raw];
    });
    if (!tables.length) return [[]];
    return uPlot.join(tables as unknown as uPlot.AlignedData[]);
  }

  private options(width: number): uPlot.Options {
    const text = () => themed(this.host, "--jp-ui-font-color1", "CanvasText");
    const grid = () => themed(this.host, "--jp-border-color2", "#8884");
    const font = "11px " + themed(this.host, "--jp-ui-font-family", "sans-serif");
    const axis = { stroke: text, font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const series: uPlot.Series[] = [{ label: "step" }];
    const bands: uPlot.Band[] = [];
    this.reads = [];
    this.own = 0;
    for (const { label, colour, dots, front, ghost } of this.lines) {
      const ink = () => themed(this.host, colour, "#888");
      const none = { points: { show: false }, spanGaps: false };
      if (ghost) {
        series.push({ ...none, label, stroke: ink, width: 1.25, dash: [5, 3], spanGaps: true });
      } else {
        const first = series.length;
        const points = { show: dots ? hasRoom : false, size: 5, fill: ink };
        series.push(
          { ...none, label: `${label} low`, stroke: "transparent" },
          { ...none, label: `${label} high`, stroke: "transparent" },
          { ...none, label, stroke: () => (front ? ink() + "55" : ink()), width: front ? 1 : 2, points, spanGaps: !!dots },
        );
        if (front) series.push({ ...none, label: `${label} smoothed`, stroke: ink, width: 2 });
        bands.push({ series: [first + 1, first], fill: () => ink() + "33" });
        this.own = series.length - 1;
      }
      this.reads.push(series.length - 1);
    }
    return {
      width,
      height: this.height,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false, setScale: false }, bind: { dblclick: () => () => (this.onZoom(null), null) } },
      scales: {
        x: { time: false, range: () => this.zoom ?? [0, this.end()] },
        y: {
          distr: this.logarithmic ? 3 : 1,
          range: (_, min, max) => (this.logarithmic ? logSpan(min, max) : this.span(min, max)),
        },
      },
      axes: [
        { ...axis, size: 30, values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en")) },
        { ...axis, size: (_, words) => Math.max(48, 16 + 6.5 * Math.max(0, ...(words ?? []).map((word) => word.length))), values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : number(tick))) },
      ],
      series,
      bands,
      hooks: {
        setCursor: [(plot) => this.point(plot)],
        setSelect: [(plot) => this.select(plot)],
        drawSeries: [(plot, index) => index === this.own && this.fade(plot)],
        draw: [(plot) => this.annotate(plot)],
      },
    };
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width <= 0) return;
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    if (width > 4) this.onZoom([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
  }

  /** Where the axis of steps ends: at the plan's end, halved as often as the curves still fit. */
  private end(): number {
    const reached = Math.max(this.step, this.reached);
    let end = Math.max(this.total, reached, 1);
    while (end / 2 >= reached && end > 20) end /= 2;
    return end;
  }

  private span(min: number | null, max: number | null): [number, number] {
    if (min === null || max === null) return [0, 1];
    const room = (max - min || Math.abs(max) || 1) * 0.05;
    return [min >= 0 && min - room < 0.2 * max ? 0 : min - room, max + room];
  }

  private point(plot: uPlot): void {
    const at = plot.cursor.idx;
    if (at === null || at === undefined) return this.onPoint("", null);
    const said = this.lines.flatMap((line, i) => {
      const value = plot.data[this.reads[i]!]?.[at];
      return value === null || value === undefined ? [] : [`${line.label} ${number(value)}`];
    });
    const step = plot.data[0][at]!;
    this.onPoint(`${this.unit} ${step.toLocaleString("en")}: ${said.join(", ")}`, step);
  }

  /** What lies ahead of the run on its own line. */
  private fade({ ctx, bbox, valToPos }: uPlot): void {
    const from = Math.max(bbox.left, valToPos(this.step, "x", true));
    const to = bbox.left + bbox.width;
    const ahead = this.lines.some(({ pieces, ghost }) => !ghost && (pieces.steps[pieces.steps.length - 1] ?? 0) > this.step);
    if (!ahead || from >= to) return;
    ctx.save();
    ctx.globalAlpha = 0.7;
    ctx.fillStyle = themed(this.host, "--jp-layout-color1", "Canvas");
    ctx.fillRect(from, bbox.top, to - from, bbox.height);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = themed(this.host, "--jp-brand-color1", "Highlight");
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeRect(from, bbox.top, 0, bbox.height);
    ctx.restore();
  }

  private annotate(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.strokeStyle = ctx.fillStyle = themed(this.host, "--jp-ui-font-color2", "GrayText");
    ctx.font = `${10 * ratio}px ${themed(this.host, "--jp-ui-font-family", "sans-serif")}`;
    ctx.textBaseline = "alphabetic";
    ctx.textAlign = "left";
    const texts = new Map<number, string[]>();
    for (const { step, text } of this.marks) {
      const x = Math.round(plot.valToPos(step, "x", true));
      if (x >= bbox.left && x <= bbox.left + bbox.width) texts.set(x, [...(texts.get(x) ?? []), text]);
    }
    const vertical = [...texts].map(([x, said]) => ({ x, text: said.join(", ") })).sort((a, b) => a.x - b.x);
    ctx.setLineDash([2 * ratio, 3 * ratio]);
    for (const { x } of vertical) line(ctx, x, bbox.top, x, bbox.top + bbox.height);
    // Words where there is room for them until the next mark.
    vertical.forEach(({ x, text }, i) => {
      const room = Math.min(vertical[i + 1]?.x ?? Infinity, bbox.left + bbox.width) - x;
      if (room >= 40 * ratio) ctx.fillText(short(ctx, text, Math.min(room, LABEL * ratio) - 6 * ratio), x + 3 * ratio, bbox.top + 10 * ratio);
    });
    ctx.setLineDash([6 * ratio, 4 * ratio]);
    ctx.textAlign = "right";
    for (const { value, label } of this.baselines) {
      const y = Math.round(plot.valToPos(value, "y", true));
      line(ctx, bbox.left, y, bbox.left + bbox.width, y);
      ctx.fillText(label, bbox.left + bbox.width - 4 * ratio, y + 11 * ratio);
    }
    for (const { pieces, colour } of this.lines) {
      ctx.fillStyle = themed(this.host, colour, "#888");
      for (const [step, before] of pieces.gaps ?? []) {
        const x = plot.valToPos(step, "x", true);
        const y = plot.valToPos(before, "y", true);
        ctx.beginPath();
        ctx.moveTo(x, y - 6 * ratio);
        ctx.lineTo(x + 5 * ratio, y + 4 * ratio);
        ctx.lineTo(x - 5 * ratio, y + 4 * ratio);
        ctx.fill();
      }
    }
    ctx.restore();
  }
}

/** Whether the values that are shown stand far enough apart for a dot each. */
function hasRoom(plot: uPlot, series: number, first: number, last: number): boolean {
  let count = 0;
  for (let i = first; i <= last; i++) if (typeof plot.data[series]![i] === "number") count += 1;
  return count * APART <= plot.width;
}

/** Ends of a logarithmic axis with one significant digit. */
function logSpan(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || !(min > 0)) return [0.1, 1];
  const unit = (value: number) => 10 ** Math.floor(Math.log10(value));
  const low = Math.floor(min / unit(min)) * unit(min);
  const high = Math.ceil(max / unit(max)) * unit(max);
  return low < high ? [low, high] : [low, low * 2];
}

function line(ctx: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  ctx.beginPath();
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  ctx.stroke();
}

/** As much of a text as `width` has room for. */
function short(ctx: CanvasRenderingContext2D, text: string, width: number): string {
  if (ctx.measureText(text).width <= width) return text;
  let length = Math.floor((text.length * width) / ctx.measureText(text).width);
  while (length > 0 && ctx.measureText(`${text.slice(0, length)}…`).width > width) length -= 1;
  return length > 2 ? `${text.slice(0, length)}…` : "";
}
