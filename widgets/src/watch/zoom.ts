// The window of steps that the charts show, and what the kernel has stored there in detail.
import { signal } from "@preact/signals";
import type { Column } from "../core/frame";
import { type Pieces, type Rows, rows, withDetail } from "../core/pieces";
import type { Ask } from "./ask";

const COUNT = 1024; // pieces of a window

export class Zoom {
  readonly window = signal<[first: number, last: number] | null>(null);
  private detail = new Map<string, Rows>();
  private asked = 0;

  constructor(
    private readonly ask: Ask,
    private readonly halfLife: () => number,
    private readonly changed: () => void,
  ) {}

  /** Show these steps; what is coarse becomes fine as soon as the kernel has answered. */
  to(window: [number, number] | null): void {
    const next = window && ([Math.max(0, Math.floor(window[0])), Math.ceil(window[1])] as [number, number]);
    this.window.value = next;
    this.detail = new Map();
    if (next) void this.fetch();
    else this.asked += 1;
  }

  /** Fetch the window again, as the curves or their smoothing have changed. */
  async fetch(): Promise<void> {
    const window = this.window.value;
    const asked = (this.asked += 1);
    if (!window) return;
    try {
      const { columns } = await this.ask("window", { first: window[0], last: window[1], count: COUNT, half_life: this.halfLife() });
      if (asked === this.asked) this.detail = details(columns);
    } catch {
      // The coarse curve stays.
    }
    this.changed();
  }

  /** A curve with what is known in detail put in; what was recorded behind that stays. */
  detailed(name: string, all: Pieces): Pieces | (Rows & { gaps: Pieces["gaps"] }) {
    const fine = this.detail.get(name);
    if (!fine?.steps.length) return all;
    return { ...withDetail(all, fine, this.window.value?.[0] ?? 0, fine.steps[fine.steps.length - 1]!), gaps: all.gaps };
  }
}

function details(columns: Map<string, Column>): Map<string, Rows> {
  const found = new Map<string, Rows>();
  for (const [key, steps] of columns) {
    const name = key.endsWith("/steps") ? key.slice(0, -"/steps".length) : null;
    const mean = name && columns.get(`${name}/mean`);
    if (name && mean) found.set(name, rows(steps, mean, columns.get(`${name}/low`) ?? mean, columns.get(`${name}/high`) ?? mean));
  }
  return found;
}
