// A chart of curves with what is said around it: a caption, a reading line that follows mouse or arrow keys, a zoom.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Curve, type Line } from "./curve";
import { number } from "./format";

/** What is drawn; `Curve` says what each is. */
type Drawing = Pick<Curve, "lines" | "reached" | "step" | "zoom"> & Partial<Pick<Curve, "marks" | "baselines" | "total" | "logarithmic">>;
interface Props {
  title: string;
  height: number;
  drawing: Drawing;
  onZoom: (window: [first: number, last: number] | null) => void;
  /** How it stands, in a sentence. */
  summary: string;
  /** Called with the step under the reading line on a click or Enter. */
  onTake?: (step: number) => void;
  /** What Enter does, in words: "Enter chooses the step". */
  takes?: string;
  /** What a step is called. */
  unit?: string;
  /** Said below the chart while no point is read. */
  idle?: string;
  children?: ComponentChildren;
}

export function Chart({ title, height, drawing, onZoom, summary, onTake, takes, unit = "step", idle = "", children }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const curve = useRef<Curve | null>(null);
  const point = useSignal("");
  const at = useRef<number | null>(null); // the step under the reading line
  const down = useRef(0);
  const zoomed = useRef(onZoom);
  zoomed.current = onZoom;
  // Before the page is painted, so that the first key finds the chart.
  useLayoutEffect(() => {
    const told = (text: string, step: number | null) => {
      point.value = text;
      at.current = step;
    };
    const made = new Curve(host.current!, height, told, (window) => zoomed.current(window), unit);
    curve.current = made;
    return () => made.close();
  }, [height, unit]);
  useLayoutEffect(() => {
    if (!curve.current) return;
    Object.assign(curve.current, drawing);
    curve.current.draw();
  });
  const take = () => at.current !== null && onTake?.(at.current);
  const press = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (by !== undefined) curve.current?.move(by);
    else if (event.key === "+") curve.current?.zoomBy(0.5);
    else if (event.key === "-") curve.current?.zoomBy(2);
    else if (event.key === "0") onZoom(null);
    else if (event.key === "Enter" && onTake) take();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <figure class="dlnb-chart">
      <figcaption>
        <strong>{title}</strong>
        {children}
      </figcaption>
      <div
        class="dlnb-plot"
        ref={host}
        tabIndex={0}
        role="img"
        aria-label={`${title} over ${unit}s. ${summary} Arrow keys read single points, plus and minus zoom${takes ? `, ${takes}` : ""}.`}
        onKeyDown={press}
        onPointerDown={(event) => (down.current = event.clientX)}
        onClick={(event) => Math.abs(event.clientX - down.current) < 3 && take()}
      />
      <output class="dlnb-point" aria-live="polite">
        {point.value || idle}
      </output>
    </figure>
  );
}

/** The names of the lines in their colours, each with its last value. */
export function Legend({ lines }: { lines: Line[] }) {
  return (
    <>
      {lines.map((line) => (
        <span key={line.label} class="dlnb-key">
          <i class={line.ghost ? "dlnb-dashed" : ""} style={{ background: `var(${line.colour})` }} aria-hidden="true" /> {line.label}{" "}
          <b>{number(line.pieces.mean[line.pieces.mean.length - 1])}</b>
        </span>
      ))}
    </>
  );
}
