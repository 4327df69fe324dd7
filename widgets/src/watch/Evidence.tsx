// What shows a finding: small curves over steps, or bars over layers, and the facts in words.
import { number } from "../core/format";
import { SERIES, TRAIN } from "../core/theme";
import type { Answer } from "./ask";

export interface Evidence {
  words: string;
  xLabel: string;
  /** What each place is called where the x-axis has no numbers: then bars are drawn. */
  labels: string[];
  curves: { name: string; x: number[]; y: number[] }[];
}

export function evidence(answer: Answer, columns: Map<string, ArrayLike<number>>): Evidence {
  const names = answer["names"] as string[];
  return {
    words: answer["words"] as string,
    xLabel: answer["x_label"] as string,
    labels: answer["labels"] as string[],
    curves: names.map((name, i) => ({ name, x: Array.from(columns.get(`${i}/x`) ?? []), y: Array.from(columns.get(`${i}/y`) ?? []) })),
  };
}

const WIDTH = 300;
const HEIGHT = 80;

export function Shown({ evidence: { words, xLabel, labels, curves } }: { evidence: Evidence }) {
  const values = curves.flatMap(({ y }) => y).filter(Number.isFinite);
  const places = curves.flatMap(({ x }) => x);
  if (values.length < 2) return <p class="dlnb-quiet dlnb-evidence">{words || "There is no more to show than the sentence says."}</p>;
  const [left, right] = [Math.min(...places), Math.max(...places)];
  const [low, high] = [Math.min(labels.length ? 0 : Infinity, ...values), Math.max(...values)];
  const across = (value: number) => (WIDTH * (value - left)) / (right - left || 1);
  const up = (value: number) => HEIGHT - (HEIGHT * (value - low)) / (high - low || 1);
  const colour = (i: number) => `var(${[TRAIN, ...SERIES][i % (SERIES.length + 1)]})`;
  return (
    <figure class="dlnb-evidence">
      <svg viewBox={`-2 -4 ${WIDTH + 4} ${HEIGHT + 8}`} role="img" aria-label={`${curves.map(({ name }) => name).join(", ")} over ${xLabel}, from ${number(low)} to ${number(high)}. ${words}`}>
        {curves.map(({ x, y }, i) =>
          labels.length
            ? y.map((value, k) => <Bar key={`${i} ${k}`} place={k * curves.length + i} count={labels.length * curves.length} top={up(value)} colour={colour(i)} label={`${labels[k]} ${number(value)}`} />)
            : stretches(x, y).map((stretch, k) => (
                <polyline key={`${i} ${k}`} style={{ stroke: colour(i) }} points={stretch.map(([a, b]) => `${across(a).toFixed(1)},${up(b).toFixed(1)}`).join(" ")} />
              )),
        )}
      </svg>
      <figcaption class="dlnb-quiet">
        {curves.map(({ name }, i) => (
          <span key={name}>
            <i style={{ background: colour(i) }} aria-hidden="true" /> {name.replaceAll("_", " ")}{" "}
          </span>
        ))}
        {number(low)} to {number(high)} over {labels.length ? labels.join(", ") : `${xLabel} ${number(left)} to ${number(right)}`}. {words}
      </figcaption>
    </figure>
  );
}

function Bar({ place, count, top, colour, label }: { place: number; count: number; top: number; colour: string; label: string }) {
  const width = WIDTH / count;
  if (!Number.isFinite(top)) return null;
  return (
    <rect x={place * width} width={Math.max(1, width - 2)} y={top} height={HEIGHT - top} style={{ fill: colour }}>
      <title>{label}</title>
    </rect>
  );
}

/** The stretches of a curve between the values that are no numbers. */
function stretches(x: number[], y: number[]): [number, number][][] {
  const found: [number, number][][] = [[]];
  y.forEach((value, i) => {
    if (Number.isFinite(value)) found[found.length - 1]!.push([x[i]!, value]);
    else if (found[found.length - 1]!.length) found.push([]);
  });
  return found;
}
