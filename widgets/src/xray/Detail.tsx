// One layer in large: its channels, the values of one, the spread of its weights, and surgery.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Ask } from "../core/Ask";
import { number, percent } from "../core/format";
import { BigMap } from "./BigMap";
import { paint, tile } from "./paint";
import type { Detail as Layer, Off, Row, XrayState } from "./state";
import type { Send } from "./Tree";

interface Props {
  state: XrayState;
  theme: Signal<number>;
  asks: Signal<string | null>;
  table: Signal<boolean>;
  send: Send;
}

export function Detail({ state, theme, asks, table, send }: Props) {
  const detail = state.detail.value;
  const status = state.status.value!;
  const gradient = useSignal(false);
  const row = detail && state.rows.value.find((row) => row.path === detail.path && !row.more);
  if (!detail || !row) {
    return <p class="dlnb-quiet dlnb-hint">Choose a layer to see it in large, to freeze it, or to switch it off.</p>;
  }
  const choose = (unit: number) => send("choose", { path: detail.path, unit });
  const shown = gradient.value && detail.gradient ? detail.gradient : detail.values;
  const place = detail.kind === "maps" ? `channel ${detail.unit} of ${detail.units}` : detail.kind === "units" ? "units" : detail.kind;
  return (
    <section class="dlnb-detail" role="group" aria-label={`Layer ${row.path || row.kind}`} data-path={detail.path}>
      <h3>
        {row.path || status.model} <span class="dlnb-quiet">{row.path ? row.kind : ""}</span>
      </h3>
      <p class="dlnb-quiet">
        {detail.shape || "not called in this look; another layer may use its parts or its weights"}
        {detail.taken && `, shown is its part ${detail.taken}`}
      </p>
      {detail.calls > 1 && <Calls detail={detail} send={send} />}
      {detail.problem && <p class="dlnb-notice">{detail.problem}</p>}
      <Surgery detail={detail} row={row} off={status.off} asks={asks} send={send} />
      {detail.overview && <Channels detail={detail} off={status.off} theme={theme} onUnit={choose} />}
      {shown.length > 0 && (
        <>
          <div class="dlnb-row">
            <strong>
              {gradient.value && detail.gradient ? "gradient" : "activation"}, {place}
            </strong>
            {detail.gradient && (
              <label>
                <input type="checkbox" checked={gradient.value} onChange={(event) => (gradient.value = event.currentTarget.checked)} /> gradient
              </label>
            )}
            <label>
              <input type="checkbox" checked={table.value} onChange={(event) => (table.value = event.currentTarget.checked)} /> table
            </label>
          </div>
          <BigMap detail={detail} values={shown} what={place} table={table.value} theme={theme} onUnit={choose} />
        </>
      )}
      <Facts detail={detail} />
      <Weights detail={detail} />
    </section>
  );
}

function Calls({ detail, send }: { detail: Layer; send: Send }) {
  const to = (value: number) => send("call", { path: detail.path, value });
  return (
    <div class="dlnb-row">
      <button type="button" aria-label="Call before" disabled={detail.call <= 1} onClick={() => to(detail.call - 1)}>
        ‹
      </button>
      call {detail.call} of {detail.calls}
      <button type="button" aria-label="Next call" disabled={detail.call >= detail.calls} onClick={() => to(detail.call + 1)}>
        ›
      </button>
    </div>
  );
}

interface SurgeryProps {
  detail: Layer;
  row: Row;
  off: Off[];
  asks: Signal<string | null>;
  send: Send;
}

function Surgery({ detail, row, off, asks, send }: SurgeryProps) {
  const { path, unit } = detail;
  const isOff = (which: number | null) => off.some((part) => part.path === path && part.unit === which);
  const turn = (which: number | null) => send("off", { path, unit: which, value: !isOff(which) });
  const name = detail.kind === "maps" ? "channel" : "unit";
  return (
    <div class="dlnb-surgery">
      <div class="dlnb-row" role="toolbar" aria-label="Surgery">
        {unit !== null && (
          <button type="button" data-action="unit-off" aria-pressed={isOff(unit)} onClick={() => turn(unit)} aria-keyshortcuts="o">
            Switch {name} {unit} {isOff(unit) ? "on" : "off"}
          </button>
        )}
        {detail.calls > 0 && (
          <button type="button" data-action="layer-off" aria-pressed={isOff(null)} onClick={() => turn(null)} aria-keyshortcuts="Shift+o">
            Switch layer {isOff(null) ? "on" : "off"}
          </button>
        )}
        {row.parameters > 0 && row.depth > 0 && (
          <button
            type="button"
            data-action="freeze"
            aria-pressed={row.frozen === "all"}
            onClick={() => send("freeze", { path, value: row.frozen !== "all" })}
            aria-keyshortcuts="f"
          >
            {row.frozen === "all" ? "Unfreeze" : "Freeze"}
          </button>
        )}
        {detail.reinitialise && (
          <button type="button" data-action="reinitialise" onClick={() => (asks.value = path)} aria-keyshortcuts="r">
            Begin anew …
          </button>
        )}
      </div>
      {asks.value === path && (
        <Ask
          label="Begin anew?"
          yes="Begin anew"
          no={{ action: "cancel", words: "Cancel" }}
          onYes={() => {
            asks.value = null;
            send("reinitialise", { path });
          }}
          onNo={() => (asks.value = null)}
        >
          Draw the {row.parameters.toLocaleString("en")} weights of {path || "the whole model"} anew? What they have learned is lost.
        </Ask>
      )}
    </div>
  );
}

/** All channels as small maps; click or arrow keys to take one. */
function Channels({ detail, off, theme, onUnit }: { detail: Layer; off: Off[]; theme: Signal<number>; onUnit: (unit: number) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const picture = detail.overview!;
  const version = theme.value;
  const columns = Math.max(1, Math.min(picture.count, Math.floor(160 / (picture.width + 1))));
  const rows = Math.ceil(picture.count / columns);
  const [wide, tall] = [columns * (picture.width + 1) - 1, rows * (picture.height + 1) - 1];
  useEffect(() => {
    if (canvas.current) paint(canvas.current, picture, columns);
  }, [picture, columns, version]);
  const box = (unit: number) => {
    const [left, top] = tile(unit, picture, columns);
    return {
      left: `${(100 * left) / wide}%`,
      top: `${(100 * top) / tall}%`,
      width: `${(100 * picture.width) / wide}%`,
      height: `${(100 * picture.height) / tall}%`,
    };
  };
  const click = (event: MouseEvent) => {
    const area = canvas.current!.getBoundingClientRect();
    const column = Math.floor((((event.clientX - area.left) / area.width) * wide) / (picture.width + 1));
    const row = Math.floor((((event.clientY - area.top) / area.height) * tall) / (picture.height + 1));
    const unit = row * columns + column;
    if (unit < picture.count) take(unit);
  };
  // Keys may be faster than the kernel: the next one goes on from the channel that was asked for.
  const asked = useRef<{ path: string; unit: number } | null>(null);
  if (asked.current?.path !== detail.path || asked.current.unit === detail.unit) asked.current = null;
  const take = (unit: number) => {
    asked.current = { path: detail.path, unit };
    onUnit(unit);
  };
  const press = (event: KeyboardEvent) => {
    const moves: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    const to = (asked.current?.unit ?? detail.unit ?? 0) + (moves[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    if (to >= 0 && to < picture.count) take(to);
    event.preventDefault();
    event.stopPropagation();
  };
  const dead = Array.from({ length: picture.count }, (_, unit) => unit).filter((unit) => detail.peaks[unit] === 0);
  const isOff = off.filter((part) => part.path === detail.path && part.unit !== null).map((part) => part.unit!);
  return (
    <div class="dlnb-channels">
      <div class="dlnb-big-frame" style={{ width: `${2 * wide}px`, aspectRatio: `${wide} / ${tall}` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`Channels 0 to ${picture.count - 1} of ${detail.units}; channel ${detail.unit} is shown. Arrow keys take another. ${dead.length ? `Dead: ${dead.join(", ")}.` : ""}`}
          onClick={click}
          onKeyDown={press}
        />
        {dead.map((unit) => (
          <i key={`dead ${unit}`} class={`dlnb-dead ${isOff.includes(unit) ? "dlnb-is-off" : ""}`} style={box(unit)} />
        ))}
        {detail.unit !== null && detail.unit < picture.count && <i class="dlnb-taken" style={box(detail.unit)} />}
      </div>
      {picture.count < detail.units && (
        <p class="dlnb-quiet">
          the first {picture.count} of {detail.units} channels
        </p>
      )}
    </div>
  );
}

function Facts({ detail }: { detail: Layer }) {
  const { mean, std, low, high, zeros, bad, dead, gradient_norm: norm } = detail.numbers;
  const facts: [string, string][] = [];
  const finite = (value: number | null | undefined): value is number => value !== null && value !== undefined;
  if (finite(mean)) facts.push(["mean ± std", `${number(mean)} ± ${number(std)}`], ["range", `${number(low)} to ${number(high)}`]);
  if (finite(zeros)) facts.push(["exact zeros", percent(zeros)]);
  if (finite(dead) && detail.units) facts.push(["dead units", `${dead} of ${detail.units}`]);
  if (bad) facts.push(["NaN or infinite", bad.toLocaleString("en")]);
  if (finite(norm)) facts.push(["gradient norm", number(norm)]);
  if (detail.update !== null) facts.push(["update / weight", `${number(detail.update)} a step`]);
  return (
    <dl class="dlnb-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Weights({ detail }: { detail: Layer }) {
  const { low, high, counted, total } = detail.weights;
  if (!total) return null;
  const most = Math.max(1, ...detail.counts);
  const bins = detail.counts.length;
  const span = (high ?? 0) - (low ?? 0);
  const words = `${total.toLocaleString("en")} weights from ${number(low)} to ${number(high)}${counted < total ? `, a sample of ${counted.toLocaleString("en")}` : ""}`;
  const zero = span > 0 ? (-(low ?? 0) / span) * bins : -1;
  return (
    <figure class="dlnb-weights">
      <figcaption>{words}</figcaption>
      <svg viewBox={`0 0 ${bins} 30`} preserveAspectRatio="none" role="img" aria-label={`Histogram of ${words}`}>
        {Array.from(detail.counts, (count, i) => (
          <rect key={i} x={i + 0.05} width={0.9} y={30 - (30 * count) / most} height={(30 * count) / most} class={i + 0.5 < zero ? "dlnb-negative" : "dlnb-positive"} />
        ))}
      </svg>
    </figure>
  );
}
