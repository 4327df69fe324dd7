// What runs just now: the runs of every kernel, with their controls, and memory against the limit.
import { type Api } from "./api";
import { messageOf, Store } from "./store";

export type Command = "pause" | "resume" | "stop";

export interface LiveRun {
  id: string;
  name: string;
  state: "ready" | "running" | "paused" | "failed";
  step: number;
  steps: number | null; // null where nobody knows
  loss: number | null;
  error: string;
}

export interface LiveKernel {
  id: string;
  memory: number | null; // bytes; null where it is on another machine
  runs: LiveRun[];
  old: boolean; // it has not answered for some seconds
}

export interface Live {
  memory: { used: number; limit: number; where: "container" | "machine" };
  kernels: LiveKernel[];
}

export interface LiveView {
  live: Live | null;
  said: string; // the latest change of a run, for a screen reader
  trouble: string; // why a command was not taken
}

const NEARLY_FULL = 0.85;

/** What the server knows of the kernels, read again and again by whoever shows it. */
export class Running extends Store<LiveView> {
  constructor(private readonly api: Pick<Api, "live" | "command">) {
    super({ live: null, said: "", trouble: "" });
  }

  /** Whether any run could change by itself. */
  get lively(): boolean {
    return this.snapshot().live?.kernels.some((kernel) => kernel.runs.length) ?? false;
  }

  /** Read once. Throws if the server does not answer. */
  async look(): Promise<void> {
    const before = this.snapshot().live;
    const live = await this.api.live();
    this.change({ live, said: whatChanged(before, live) || this.snapshot().said });
  }

  /** Have a run do something. What came of it is seen at the next look. */
  async tell(kernel: string, run: string, command: Command): Promise<void> {
    try {
      await this.api.command(kernel, run, command);
      this.change({ trouble: "" });
    } catch (error) {
      this.change({ trouble: messageOf(error) });
    }
  }
}

/** "Running, step 120 of 800, loss 0.412" */
export function runText(run: LiveRun): string {
  const state = { ready: "Ready", running: "Running", paused: "Paused", failed: "Failed" }[run.state];
  const of = run.steps === null ? "" : ` of ${run.steps.toLocaleString("en")}`;
  const loss = run.loss === null ? "" : `, loss ${shown(run.loss)}`;
  return `${state}, step ${run.step.toLocaleString("en")}${of}${loss}`;
}

/** Three digits that tell something. */
function shown(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 0.001 || size >= 10_000) ? value.toExponential(2) : value.toPrecision(3);
}

/** "412 MB", "1.3 GB" */
export function bytesText(bytes: number): string {
  const megabytes = bytes / 2 ** 20;
  return megabytes < 1000 ? `${Math.round(megabytes)} MB` : `${(megabytes / 1024).toFixed(1)} GB`;
}

/** "0.9 of 2.0 GB" */
export function memoryText({ used, limit }: Live["memory"]): string {
  return `${(used / 2 ** 30).toFixed(1)} of ${(limit / 2 ** 30).toFixed(1)} GB`;
}

/** What to do when memory runs out soon; empty while it does not. */
export function memoryWarning({ used, limit, where }: Live["memory"]): string {
  if (used / limit < NEARLY_FULL) return "";
  const what = where === "container" ? "When it is full, a kernel is ended without a word." : "When it is full, everything gets slow.";
  return `Memory is nearly full. ${what} Shut down kernels that you do not need.`;
}

/** Of all runs that were there before: what has changed, in words. */
function whatChanged(before: Live | null, after: Live): string {
  const known = new Map(before?.kernels.flatMap((kernel) => kernel.runs.map((run) => [kernel.id + run.id, run.state])));
  const changed = after.kernels.flatMap((kernel) =>
    kernel.runs.filter((run) => known.has(kernel.id + run.id) && known.get(kernel.id + run.id) !== run.state),
  );
  return changed.map((run) => `${run.name}: ${run.state}.`).join(" ");
}
