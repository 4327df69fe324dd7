// Numbers as people read them.

/** Three significant digits, with an exponent only where zeros would be counted. */
export function number(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(1).replace("e+", "e");
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** A number to type over: as many digits as matter, nothing between them. */
export function exact(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** What somebody wrote as a number, with a comma or a typographic minus if they like; null if it is none. */
export function written(text: string): number | null {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return plain && Number.isFinite(Number(plain)) ? Number(plain) : null;
}

/** Seconds as `42 s`, `3 min 05 s` or `2 h 10 min`. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}

/** A share as a percentage. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
