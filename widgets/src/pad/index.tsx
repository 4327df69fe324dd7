// A pad to draw on, with what the model says as you draw; `dlnb/widgets/pad.py` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { Channel, type Frame } from "../core/channel";
import { Icon } from "../core/Icon";
import coreStyle from "../core/core.css";
import type { Column } from "../core/frame";
import { percent } from "../core/format";
import { mount } from "../core/mount";
import padStyle from "./pad.css";
import { type Point, Strokes } from "./strokes";

const SIDE = 256; // pixels of the canvas
const PEN = 0.085; // of the side
const KEY_STEP = 0.04; // of the side, by one press of an arrow key

interface PadFrame extends Frame {
  side: number;
  height: number;
  width: number;
  classes: string[];
  model: string;
  step: number | null;
  notice: string;
}
interface Answer extends PadFrame {
  scores: Float32Array | null;
  seen: Uint8Array;
  drawing: Uint8Array | null;
}

interface PadProps {
  answer: Signal<Answer | null>;
  send: (picture: ArrayBuffer) => void;
}

function Pad({ answer, send }: PadProps) {
  const now = answer.value;
  const canvas = useRef<HTMLCanvasElement>(null);
  const strokes = useRef(new Strokes()).current;
  const pen = useRef<{ at: Point; down: boolean }>({ at: [0.5, 0.5], down: false }).current;
  const pending = useRef(0);
  const drawn = useSignal(false);

  const show = () => {
    const context = canvas.current!.getContext("2d", { willReadFrequently: true })!;
    strokes.paint(context, PEN);
    drawn.value = !strokes.empty;
  };
  // At most one picture an animation frame; the kernel answers the newest.
  const changed = () => {
    show();
    if (pending.current) return;
    pending.current = requestAnimationFrame(() => {
      pending.current = 0;
      send(shrink(canvas.current!, now?.side ?? 64));
    });
  };
  useLayoutEffect(show, []);
  useLayoutEffect(() => {
    // After a page reload the kernel still knows the drawing; at once, or a stroke begun meanwhile would lose it.
    if (now?.drawing && strokes.empty) {
      strokes.goOnFrom(picture(now.drawing, now.side));
      show();
    }
  }, [now?.drawing]);

  const place = (event: PointerEvent): Point => {
    const box = canvas.current!.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const onPointerDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.current!.setPointerCapture(event.pointerId);
    strokes.begin(place(event));
    changed();
  };
  const onPointerMove = (event: PointerEvent) => {
    if (!canvas.current!.hasPointerCapture(event.pointerId)) return;
    for (const point of event.getCoalescedEvents?.() ?? [event]) strokes.extend(place(point));
    changed();
  };
  const clear = () => {
    pen.down = false;
    strokes.clear();
    changed();
  };
  const undo = () => {
    pen.down = false;
    strokes.undo();
    changed();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // Ctrl+C is no "clear"
    const moves: Record<string, Point> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    if (move) {
      pen.at = [pen.at[0] + KEY_STEP * move[0], pen.at[1] + KEY_STEP * move[1]];
      pen.at = [Math.min(1, Math.max(0, pen.at[0])), Math.min(1, Math.max(0, pen.at[1]))];
      if (pen.down) {
        strokes.extend(pen.at);
        changed();
      } else showPen(canvas.current!, show, pen.at);
    } else if (event.key === " ") {
      pen.down = !pen.down;
      if (pen.down) {
        strokes.begin(pen.at);
        changed();
      }
    } else if (event.key === "Delete" || event.key === "c") clear();
    else if (event.key === "u") undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="dlnb-pad">
      <div class="dlnb-board">
        <canvas
          ref={canvas}
          width={SIDE}
          height={SIDE}
          tabIndex={0}
          role="application"
          aria-label="Drawing area. Arrow keys move the pen, Space puts it down or lifts it, c clears, u takes back a stroke."
          onPointerDown={onPointerDown}
          onPointerMove={onPointerMove}
          onKeyDown={onKeyDown}
        />
        {!drawn.value && <p class="dlnb-hint">Draw here</p>}
        <div class="dlnb-row">
          <button type="button" data-action="clear" onClick={clear}>
            <Icon name="clear" /> Clear
          </button>
          <button type="button" data-action="undo" onClick={undo}>
            <Icon name="undo" /> Undo
          </button>
        </div>
      </div>
      <Says now={now} />
      <Seen now={now} />
    </div>
  );
}

/** The probabilities, one bar a class. */
function Says({ now }: { now: Answer | null }) {
  const spoken = useSignal("");
  const scores = now?.scores ?? null;
  const best = scores ? scores.reduce((top, value, k) => (value > scores[top]! ? k : top), 0) : -1;
  const words = scores ? `${now!.classes[best]}, ${percent(scores[best]!)}` : "";
  useEffect(() => {
    const later = setTimeout(() => (spoken.value = words), 700); // once the hand rests
    return () => clearTimeout(later);
  }, [words]);
  return (
    <section class="dlnb-says" role="group" aria-label="What the model says">
      <h3>
        {now?.model ?? "The model"} says{" "}
        <span class="dlnb-quiet">{typeof now?.step === "number" ? `after ${now.step.toLocaleString("en")} steps` : ""}</span>
      </h3>
      {now?.notice && (
        <p class="dlnb-notice" role="alert">
          {now.notice}
        </p>
      )}
      <ul>
        {(now?.classes ?? []).map((name, k) => (
          <li key={name} class={k === best ? "dlnb-best" : ""}>
            <span class="dlnb-class">{name}</span>
            <span class="dlnb-bar">
              <i style={{ width: `${100 * (scores?.[k] ?? 0)}%` }} />
            </span>
            <span class="dlnb-share">{scores ? percent(scores[k]!) : ""}</span>
          </li>
        ))}
      </ul>
      <div class="dlnb-spoken" aria-live="polite">
        {spoken.value}
      </div>
    </section>
  );
}

/** What arrives at the model: the drawing as its input. */
function Seen({ now }: { now: Answer | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (now && now.seen.length === now.height * now.width) putPicture(canvas.current!, now.seen, now.width);
  }, [now]);
  return (
    <figure class="dlnb-seen">
      <canvas
        ref={canvas}
        width={now?.width ?? 8}
        height={now?.height ?? 8}
        role="img"
        aria-label={now ? `The drawing as the model sees it, ${now.height} by ${now.width} pixels` : "Nothing drawn yet"}
      />
      <figcaption class="dlnb-quiet">what it sees{now && now.width > 1 ? `: ${now.height} × ${now.width}` : ""}</figcaption>
    </figure>
  );
}

/** Grey values on a canvas, stretched to it. */
function putPicture(canvas: HTMLCanvasElement, pixels: Uint8Array, width: number): void {
  canvas.getContext("2d")!.drawImage(picture(pixels, width), 0, 0, canvas.width, canvas.height);
}

/** Grey values as a canvas of their own size. */
function picture(pixels: Uint8Array, width: number): HTMLCanvasElement {
  const height = pixels.length / width;
  const small = document.createElement("canvas");
  small.width = width;
  small.height = height;
  const image = new ImageData(width, height);
  pixels.forEach((value, p) => image.data.set([value, value, value, 255], 4 * p));
  small.getContext("2d")!.putImageData(image, 0, 0);
  return small;
}

/** The drawing at `side` pixels, each the mean of what lies under it. */
function shrink(canvas: HTMLCanvasElement, side: number): ArrayBuffer {
  const block = canvas.width / side;
  const { data } = canvas.getContext("2d", { willReadFrequently: true })!.getImageData(0, 0, canvas.width, canvas.height);
  const out = new Uint8Array(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let j = 0; j < block; j++)
        for (let i = 0; i < block; i++) sum += data[4 * ((y * block + j) * canvas.width + x * block + i)]!;
      out[y * side + x] = Math.round(sum / (block * block));
    }
  return out.buffer;
}

function showPen(canvas: HTMLCanvasElement, show: () => void, [x, y]: Point): void {
  show();
  const context = canvas.getContext("2d")!;
  context.strokeStyle = "#56b4e9";
  context.lineWidth = 2;
  context.beginPath();
  context.arc(x * canvas.width, y * canvas.height, (PEN * canvas.width) / 2, 0, 2 * Math.PI);
  context.stroke();
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, padStyle], (root) => {
    const answer = signal<Answer | null>(null);
    const receive = (frame: PadFrame, columns: Map<string, Column>) => {
      answer.value = {
        ...frame,
        scores: (columns.get("scores") as Float32Array | undefined) ?? null,
        seen: columns.get("seen") as Uint8Array,
        drawing: (columns.get("drawing") as Uint8Array | undefined) ?? null,
      };
    };
    const channel = new Channel<PadFrame>(model, root, receive, () => answer.value === null, () => {});
    return [<Pad answer={answer} send={(picture) => channel.send("draw", {}, [picture])} />, () => channel.close()];
  });
}

export default { render };
