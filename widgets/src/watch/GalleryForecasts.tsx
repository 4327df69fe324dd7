// Series with how they went on and how the model says that they go on, each a small chart.
import { number } from "../core/format";
import { drawn, type Forecasts, meanError } from "./forecasts";

const [WIDTH, HEIGHT] = [240, 80]; // of a chart, in units of its own

export function ForecastsList({ shown, indices }: { shown: Forecasts; indices: number[] }) {
  return (
    <>
      <p class="dlnb-legend dlnb-quiet">
        <Key kind="past" words="up to now" />
        {shown.truth && <Key kind="truth" words="what came" />}
        {shown.said && <Key kind="said" words="the model's forecast" />}
      </p>
      <ul class="dlnb-series">
        {indices.map((i) => (
          <Chart key={i} shown={shown} index={i} />
        ))}
      </ul>
    </>
  );
}

function Key({ kind, words }: { kind: string; words: string }) {
  return (
    <span>
      <svg width="22" height="8" aria-hidden="true">
        <polyline class={`dlnb-line-${kind}`} points="0,4 22,4" />
      </svg>{" "}
      {words}
    </span>
  );
}

function Chart({ shown, index }: { shown: Forecasts; index: number }) {
  const lines = drawn(shown, index, WIDTH, HEIGHT);
  const error = meanError(shown, index);
  const unit = shown.unit && ` ${shown.unit}`;
  const steps = `${shown.ahead} ${shown.step || "step"}${shown.ahead === 1 ? "" : "s"} ahead`;
  const range = `from ${number(lines.low)} to ${number(lines.high)}${unit}`;
  const words = `${steps}, ${range}${error === null ? "" : `; on the average ${number(error)}${unit} off`}`;
  return (
    <li title={words}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <line class="dlnb-now" x1={lines.now} x2={lines.now} y1="0" y2={HEIGHT} />
        {lines.band && <polygon class="dlnb-band" points={lines.band} />}
        <polyline class="dlnb-line-past" points={lines.past} />
        {lines.truth && <polyline class="dlnb-line-truth" points={lines.truth} />}
        {lines.said && <polyline class="dlnb-line-said" points={lines.said} />}
      </svg>
      <span class="dlnb-quiet">
        {range}
        {error !== null && ` · off by ${number(error)}${unit}`}
      </span>
    </li>
  );
}
