// The channel of one browser view to its widget in the kernel: it names itself, acknowledges frames
// after painting them, says when nobody can see it, and asks anew when it has heard nothing for too long.
import type { AnyModel } from "@anywidget/types";
import { type Column, type Entry, unpack } from "./frame";

export interface Frame {
  kind: "frame";
  view: string;
  number: number;
  full: boolean;
  columns: Entry[];
}
export type Paint<F extends Frame> = (frame: F, columns: Map<string, Column>) => void;

const SILENCE = 10_000; // milliseconds without a frame, while one is expected
const SOON = 100; // milliseconds that a painted frame waits for the next ones, to be acknowledged with them
const AGAIN = [300, 1500]; // milliseconds until an unanswered hello is said again; loader.ts says why

export class Channel<F extends Frame> {
  private readonly view = crypto.randomUUID?.() ?? `view-${Math.random().toString(36).slice(2)}`;
  private readonly watcher: IntersectionObserver;
  private readonly timer: number;
  private readonly greetings: number[];
  private onScreen = true;
  private visible = true;
  private heard = performance.now();
  private painted = 0;
  private later = 0;

  constructor(
    private readonly model: AnyModel,
    root: Element,
    private readonly paint: Paint<F>,
    private readonly expecting: () => boolean,
    private readonly onSilence: (silent: boolean) => void,
    /** Frames that are acknowledged together. Each word to the kernel makes it busy and idle, and JupyterLab draws that. */
    private readonly together = 1,
  ) {
    model.on("msg:custom", this.hear);
    document.addEventListener("visibilitychange", this.look);
    this.watcher = new IntersectionObserver((entries) => {
      this.onScreen = entries[entries.length - 1]!.isIntersecting;
      this.look();
    });
    this.watcher.observe(root);
    this.timer = window.setInterval(this.mind, SILENCE / 2);
    this.hello();
    this.greetings = AGAIN.map((wait) => window.setTimeout(() => this.hello(), wait));
  }

  send(kind: string, content: object = {}, buffers: ArrayBuffer[] = []): void {
    this.model.send({ kind, view: this.view, ...content }, undefined, buffers);
  }

  close(): void {
    this.model.off("msg:custom", this.hear);
    document.removeEventListener("visibilitychange", this.look);
    this.watcher.disconnect();
    clearInterval(this.timer);
    this.greetings.forEach(clearTimeout);
    clearTimeout(this.later);
    this.send("visible", { value: false });
  }

  private hello(): void {
    this.heard = performance.now();
    this.send("hello");
    if (!this.visible) this.send("visible", { value: false });
  }

  private readonly hear = (frame: F, buffers: DataView[]): void => {
    if (frame?.kind !== "frame" || frame.view !== this.view) return;
    this.heard = performance.now();
    this.greetings.forEach(clearTimeout);
    this.onSilence(false);
    try {
      this.paint(frame, unpack(frame.columns, buffers[0]));
    } finally {
      // After painting, or at once where nothing is painted: a hidden page has no animation frames.
      if (document.hidden) this.acknowledge();
      else requestAnimationFrame(() => this.acknowledge());
    }
  };

  private acknowledge(): void {
    this.painted += 1;
    clearTimeout(this.later);
    if (this.painted >= this.together) this.settle();
    else this.later = window.setTimeout(() => this.settle(), SOON);
  }

  private settle(): void {
    this.send("ack", { frames: this.painted });
    this.painted = 0;
  }

  private readonly look = (): void => {
    const visible = this.onScreen && !document.hidden;
    if (visible === this.visible) return;
    this.visible = visible;
    this.heard = performance.now();
    this.send("visible", { value: visible });
  };

  private readonly mind = (): void => {
    if (!this.visible || !this.expecting() || performance.now() - this.heard < SILENCE) return;
    this.onSilence(true);
    this.hello();
  };
}
