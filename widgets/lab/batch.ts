// Collects the cells that ran, so that running all cells makes a few requests and not one for each cell.

/** The server will not take these cells, now or later: sending them again is of no use. */
export class Refused extends Error {}

export interface Pace {
  wait: number; // ms from the first cell to its request
  retry: number; // ms until a failed request is made again; doubles up to a minute
  most: number; // cells in one request
}

const PACE: Pace = { wait: 300, retry: 2000, most: 500 };

/**
 * Sends cells in batches, one request at a time. Cells of a request that failed are kept and sent again;
 * those that the server refused are dropped.
 */
export class Batch {
  private readonly waiting = new Map<string, Set<string>>();
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sending = false;
  private failures = 0;

  constructor(
    private readonly send: (path: string, cells: string[]) => Promise<void>,
    private readonly pace: Pace = PACE,
  ) {}

  /** A cell of the notebook at `path` ran. */
  add(path: string, cell: string): void {
    const cells = this.waiting.get(path) ?? new Set();
    this.waiting.set(path, cells.add(cell));
    this.timer ??= setTimeout(() => void this.flush(), this.pace.wait);
  }

  /** Send what waits, now. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.sending) return; // the request under way looks again when it is done
    this.sending = true;
    try {
      for (const path of [...this.waiting.keys()]) await this.sendOne(path);
      this.failures = 0;
    } catch {
      this.failures += 1;
    } finally {
      this.sending = false;
    }
    if (this.waiting.size) {
      const pause = this.failures ? Math.min(60_000, this.pace.retry * 2 ** (this.failures - 1)) : this.pace.wait;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.flush(), pause);
    }
  }

  private async sendOne(path: string): Promise<void> {
    const cells = this.waiting.get(path);
    if (!cells) return;
    const now = [...cells].slice(0, this.pace.most);
    try {
      await this.send(path, now);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
    for (const cell of now) cells.delete(cell);
    if (!cells.size) this.waiting.delete(path);
  }
}
