// The colour map viridis (Smith & van der Walt 2015, CC0), interpolated between nine of its colours.

const STOPS = [
  [68, 1, 84],
  [71, 44, 122],
  [59, 81, 139],
  [44, 113, 142],
  [33, 144, 141],
  [39, 173, 129],
  [92, 200, 99],
  [170, 220, 50],
  [253, 231, 37],
] as const;

/** The colour of a magnitude from 0 to 1, as bytes. */
export function viridis(value: number): [number, number, number] {
  const place = Math.min(1, Math.max(0, Number.isFinite(value) ? value : 0)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(place));
  const [from, to] = [STOPS[low]!, STOPS[low + 1]!];
  const between = (k: 0 | 1 | 2) => Math.round(from[k] + (to[k] - from[k]) * (place - low));
  return [between(0), between(1), between(2)];
}
