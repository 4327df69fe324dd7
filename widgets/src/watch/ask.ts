// Questions to the kernel that have one answer: a piece of the curve in detail, a script, a table.
// They pass by the frames, as somebody waits for them.
import type { AnyModel } from "@anywidget/types";
import { type Column, type Entry, unpack } from "../core/frame";

export interface Answer {
  kind: "answer";
  id: string;
  /** Why there is no answer. */
  refused?: string;
  columns?: Entry[];
  [key: string]: unknown;
}
export type Ask = (about: string, content?: object) => Promise<{ answer: Answer; columns: Map<string, Column> }>;

const PATIENCE = 20_000; // milliseconds

export class Questions {
  private readonly waiting = new Map<string, (answer: Answer, buffers: DataView[]) => void>();
  private readonly page = Math.random().toString(36).slice(2); // other pages ask the same widget
  private count = 0;

  constructor(
    private readonly model: AnyModel,
    private readonly send: (kind: string, content: object) => void,
  ) {
    model.on("msg:custom", this.hear);
  }

  /** Rejects with the kernel's words where it refuses, and after 20 seconds of silence. */
  readonly ask: Ask = (about, content = {}) =>
    new Promise((resolve, reject) => {
      const id = `${this.page}-${(this.count += 1)}`;
      const end = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error("the kernel did not answer; it may be busy"));
      }, PATIENCE);
      this.waiting.set(id, (answer, buffers) => {
        clearTimeout(end);
        if (answer.refused !== undefined) reject(new Error(answer.refused));
        else resolve({ answer, columns: unpack(answer.columns ?? [], buffers[0]) });
      });
      this.send("ask", { about, id, ...content });
    });

  close(): void {
    this.model.off("msg:custom", this.hear);
  }

  private readonly hear = (message: Answer, buffers: DataView[]): void => {
    if (message?.kind !== "answer") return;
    const answered = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    answered?.(message, buffers);
  };
}
