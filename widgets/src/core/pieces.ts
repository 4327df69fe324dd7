// One curve in the browser: its whole length in at most LIMIT pieces of equal width, each with the
// smallest, mean and largest value, so that a spike never vanishes and memory stays the same.

const LIMIT = 4096;

/** The columns of a curve, as they are drawn. */
export interface Rows {
  steps: number[];
  low: number[];
  mean: number[];
  high: number[];
}

export class Pieces implements Rows {
  steps: number[] = [];
  low: number[] = [];
  mean: number[] = [];
  high: number[] = [];
  /** Where a value was no number: that step, and the last number before it. */
  gaps: [step: number, before: number][] = [];
  private counts: number[] = [];
  private width = 1; // steps

  get length(): number {
    return this.steps.length;
  }

  get last(): number | undefined {
    return this.mean[this.length - 1];
  }

  /** Append values at rising steps; one at an earlier step than the last joins the last piece. */
  append(steps: ArrayLike<number>, mean: ArrayLike<number>, low = mean, high = mean): void {
    for (let i = 0; i < steps.length; i++) this.add(steps[i]!, low[i]!, mean[i]!, high[i]!, 1);
    while (this.length > LIMIT) this.widen();
  }

  private add(step: number, low: number, mean: number, high: number, count: number): void {
    const end = this.length - 1;
    const place = Math.ceil(step / this.width);
    if (end < 0 || place > Math.ceil(this.steps[end]! / this.width)) {
      this.steps.push(step);
      this.low.push(low);
      this.mean.push(mean);
      this.high.push(high);
      this.counts.push(count);
      return;
    }
    if (this.width === 1) {
      // The same step said again replaces what was there (a knob turned twice, a step tried again).
      this.low[end] = low;
      this.mean[end] = mean;
      this.high[end] = high;
      return;
    }
    this.steps[end] = Math.max(this.steps[end]!, step);
    if (Number.isNaN(mean)) return; // it would hide what else the piece holds
    const before = Number.isNaN(this.mean[end]!) ? 0 : this.counts[end]!;
    const all = before + count;
    this.low[end] = before ? Math.min(this.low[end]!, low) : low;
    this.mean[end] = before ? (this.mean[end]! * before + mean * count) / all : mean;
    this.high[end] = before ? Math.max(this.high[end]!, high) : high;
    this.counts[end] = all;
  }

  private widen(): void {
    const { steps, low, mean, high, counts } = this;
    this.steps = [];
    this.low = [];
    this.mean = [];
    this.high = [];
    this.counts = [];
    this.width *= 2;
    steps.forEach((step, i) => this.add(step, low[i]!, mean[i]!, high[i]!, counts[i]!));
  }
}

/** The rows of `all` with those from `first` to `last` replaced by what is finer. */
export function withDetail(all: Rows, detail: Rows, first: number, last: number): Rows {
  const before = all.steps.findIndex((step) => step >= first);
  const from = before < 0 ? all.steps.length : before;
  const behind = all.steps.findIndex((step) => step > last);
  const to = behind < 0 ? all.steps.length : Math.max(from, behind);
  const put = (coarse: number[], fine: number[]) => [...coarse.slice(0, from), ...fine, ...coarse.slice(to)];
  return {
    steps: put(all.steps, detail.steps),
    low: put(all.low, detail.low),
    mean: put(all.mean, detail.mean),
    high: put(all.high, detail.high),
  };
}

/** Typed columns as rows; where there is no band, the mean is the band. */
export function rows(steps: ArrayLike<number>, mean: ArrayLike<number>, low = mean, high = mean): Rows {
  return { steps: Array.from(steps), low: Array.from(low), mean: Array.from(mean), high: Array.from(high) };
}
