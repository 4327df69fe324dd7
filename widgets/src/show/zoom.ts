// Which part of a picture, or of a row of numbers, is on the screen, and which number is read.

/** A part of a picture, in pixels. */
export interface Part {
  top: number;
  left: number;
  tall: number;
  wide: number;
}
export interface Place {
  row: number;
  column: number;
}

/** Pixels on the longer side at which one has come close enough. */
export const CLOSEST = 8;

export const whole = (height: number, width: number): Part => ({ top: 0, left: 0, tall: height, wide: width });

const clamp = (value: number, low: number, high: number) => Math.max(low, Math.min(high, value));

/** Half as much around a place; the same part where one is close enough. */
export function closer(part: Part, at: Place, height: number, width: number): Part {
  const longest = Math.max(part.tall, part.wide);
  if (longest <= CLOSEST) return part;
  const share = Math.max(0.5, CLOSEST / longest);
  return around(at, Math.max(1, Math.round(part.tall * share)), Math.max(1, Math.round(part.wide * share)), height, width);
}

/** Twice as much around a place; at last the whole. */
export function further(part: Part, at: Place, height: number, width: number): Part {
  if (2 * part.tall >= height && 2 * part.wide >= width) return whole(height, width);
  return around(at, Math.min(height, 2 * part.tall), Math.min(width, 2 * part.wide), height, width);
}

/** A part of that size with a place in its middle, moved so that it lies in the picture. */
export function around(at: Place, tall: number, wide: number, height: number, width: number): Part {
  return {
    top: clamp(at.row - Math.floor(tall / 2), 0, height - tall),
    left: clamp(at.column - Math.floor(wide / 2), 0, width - wide),
    tall,
    wide,
  };
}

/** The part moved as little as brings a place into it. */
export function following(part: Part, at: Place): Part {
  return {
    ...part,
    top: clamp(part.top, at.row - part.tall + 1, at.row),
    left: clamp(part.left, at.column - part.wide + 1, at.column),
  };
}

/** A step from a place by an arrow key, within the picture; null for another key. */
export function stepped(at: Place, key: string, height: number, width: number): Place | null {
  const moves: Record<string, [number, number]> = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const move = moves[key];
  if (!move) return null;
  return { row: clamp(at.row + move[0], 0, height - 1), column: clamp(at.column + move[1], 0, width - 1) };
}

/** As many samples as `share` times those that are on the screen, around one of them. */
export function stretched(begin: number, length: number, at: number, share: number, samples: number, least: number): [begin: number, length: number] {
  const long = clamp(Math.round(length * share), Math.min(least, samples), samples);
  const where = length > 0 ? (at - begin) / length : 0.5;
  return [clamp(Math.round(at - where * long), 0, samples - long), long];
}
