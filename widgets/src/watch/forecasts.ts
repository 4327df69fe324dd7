// Series up to now, how they went on, and how the model says that they go on.
export interface Forecasts {
  kind: "forecasts";
  count: number;
  /** Values of the past, and values ahead. */
  behind: number;
  ahead: number;
  unit: string;
  step: string;
  past: Float32Array;
  truth: Float32Array | null;
  said: Float32Array | null;
  low: Float32Array | null;
  high: Float32Array | null;
}

/** The mean distance of forecast `i` from what came; null where either is not known. */
export function meanError(shown: Forecasts, i: number): number | null {
  const { truth, said, ahead } = shown;
  if (!truth || !said || !ahead) return null;
  let sum = 0;
  for (let t = i * ahead; t < (i + 1) * ahead; t++) sum += Math.abs(truth[t]! - said[t]!);
  return sum / ahead;
}

/** The mean of that over all. */
export function meanOfForecasts(shown: Forecasts): number | null {
  if (!shown.count || meanError(shown, 0) === null) return null;
  return Array.from({ length: shown.count }, (_, i) => meanError(shown, i)!).reduce((sum, one) => sum + one, 0) / shown.count;
}

/** The greatest mean distance first. */
export function worstForecasts(shown: Forecasts, all: number[]): number[] {
  const errors = all.map((i) => meanError(shown, i)!);
  return all.sort((a, b) => errors[b]! - errors[a]!);
}

export interface Drawn {
  past: string;
  truth: string;
  said: string;
  /** The outline of what the model expects, there and back. */
  band: string;
  /** Where the past ends. */
  now: number;
  low: number;
  high: number;
}

/** Lines of forecast `i` as points in a box of this width and height; what is no number is left out. */
export function drawn(shown: Forecasts, i: number, width: number, height: number): Drawn {
  const { behind, ahead } = shown;
  const row = (column: Float32Array | null, length: number) => (column ? column.subarray(i * length, (i + 1) * length) : new Float32Array());
  const parts = { past: row(shown.past, behind), truth: row(shown.truth, ahead), said: row(shown.said, ahead), low: row(shown.low, ahead), high: row(shown.high, ahead) };
  const values = Object.values(parts).flatMap((part) => Array.from(part)).filter(Number.isFinite);
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const x = (t: number) => ((t + 0.5) / (behind + ahead)) * width;
  const y = (value: number) => (high > low ? height - 2 - ((value - low) / (high - low)) * (height - 4) : height / 2);
  const points = (part: ArrayLike<number>, start: number) =>
    Array.from(part, (value, t) => (Number.isFinite(value) ? `${x(start + t).toFixed(1)},${y(value).toFixed(1)}` : "")).filter(Boolean);
  const last = parts.past.subarray(behind - 1); // what comes is drawn from the last known value on
  return {
    past: points(parts.past, 0).join(" "),
    truth: parts.truth.length ? [...points(last, behind - 1), ...points(parts.truth, behind)].join(" ") : "",
    said: parts.said.length ? [...points(last, behind - 1), ...points(parts.said, behind)].join(" ") : "",
    band: [...points(parts.low, behind), ...points(parts.high, behind).reverse()].join(" "),
    now: x(behind - 0.5),
    low,
    high,
  };
}
