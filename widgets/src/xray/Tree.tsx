// The tree of layers as a treegrid: what can be opened, chosen, and read by keys alone.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../core/format";
import { paint } from "./paint";
import type { Off, Row, Seen, Thumbnail, XrayState } from "./state";

export type Send = (kind: string, content?: object) => void;

interface Props {
  state: XrayState;
  theme: Signal<number>;
  send: Send;
  act: (key: string, row: Row) => boolean;
}

/** Which row is meant by a key, or what the key does to the row: as in ARIA's treegrid pattern. */
export function travel(key: string, rows: Row[], at: number): { to?: number; open?: boolean } {
  const row = rows[at];
  if (!row) return {};
  const parent = () => {
    for (let i = at - 1; i >= 0; i--) if (rows[i]!.depth < row.depth) return i;
    return at;
  };
  switch (key) {
    case "ArrowDown":
      return { to: Math.min(rows.length - 1, at + 1) };
    case "ArrowUp":
      return { to: Math.max(0, at - 1) };
    case "Home":
      return { to: 0 };
    case "End":
      return { to: rows.length - 1 };
    case "PageDown":
      return { to: Math.min(rows.length - 1, at + 10) };
    case "PageUp":
      return { to: Math.max(0, at - 10) };
    case "ArrowRight":
      if (!row.children) return {};
      return row.open ? { to: at + 1 } : { open: true };
    case "ArrowLeft":
      return row.open ? { open: false } : { to: parent() };
    default:
      return {};
  }
}

export function Tree({ state, theme, send, act }: Props) {
  const rows = state.rows.value;
  const seen = state.seen.value;
  const chosen = state.status.value?.chosen ?? null;
  const off = state.status.value?.off ?? [];
  const gradients = state.hasGradients.value;
  const ready = seen.some((one) => one !== null);
  const room = gradients ? 150 : 204;
  const focused = useSignal(0);
  const body = useRef<HTMLDivElement>(null);
  const at = Math.min(focused.value, rows.length - 1);

  const go = (to: number) => {
    focused.value = to;
    body.current?.querySelectorAll<HTMLElement>("[role=row]")[to]?.focus();
  };
  const choose = (row: Row) => {
    if (row.more) {
      if (row.path || row.depth) send("more", { path: row.path });
    } else send("choose", { path: row.path, unit: null });
  };
  const press = (event: KeyboardEvent, i: number) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== event.currentTarget) return;
    const row = rows[i]!;
    const { to, open } = travel(event.key, rows, i);
    if (to !== undefined) go(to);
    else if (open !== undefined) send("open", { path: row.path, value: open });
    else if (event.key === "Enter" || event.key === " ") choose(row);
    else if (row.more || !act(event.key, row)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class={`dlnb-tree ${gradients ? "dlnb-with-gradients" : ""}`} role="treegrid" aria-label="Layers" aria-readonly="true">
      <div class="dlnb-tree-head" role="row">
        {["Layer", "Weights", "Activations", ...(gradients ? ["Gradients"] : []), "Dead", "Update"].map((title) => (
          <span key={title} role="columnheader" class={`dlnb-col-${title.toLowerCase()}`} title={TITLES[title]}>
            {title}
          </span>
        ))}
      </div>
      <div class="dlnb-tree-body" role="rowgroup" ref={body}>
        {rows.map((row, i) => (
          <div
            key={row.more ? `more ${row.path}` : row.path}
            role="row"
            class="dlnb-tree-row"
            tabIndex={i === at ? 0 : -1}
            aria-level={row.depth + 1}
            aria-posinset={row.place || undefined}
            aria-setsize={row.place ? row.siblings : undefined}
            aria-expanded={row.children ? row.open : undefined}
            aria-selected={!row.more && row.path === chosen}
            data-path={row.path}
            onFocus={() => (focused.value = i)}
            onKeyDown={(event) => press(event, i)}
            onClick={() => choose(row)}
          >
            <Cells row={row} seen={seen[i] ?? null} ready={ready} off={off} gradients={gradients} room={room} theme={theme} send={send} />
          </div>
        ))}
      </div>
    </div>
  );
}

const TITLES: Record<string, string> = {
  Layer: "Its name, its class, and the shape of what it gives for the batch",
  Weights: "Weights of the layer and of all below",
  Activations: "What the layer gives for one example",
  Gradients: "How the loss changes with it",
  Dead: "Units that are exactly 0 for every example of the batch",
  Update: "How far the weights go in a step, as a share of their size",
};

/** What only holds other layers and is never called itself. */
const HOLDERS = new Set(["ModuleList", "ModuleDict"]);

interface CellProps {
  row: Row;
  seen: Seen | null;
  ready: boolean;
  off: Off[];
  gradients: boolean;
  room: number;
  theme: Signal<number>;
  send: Send;
}

function Cells({ row, seen, ready, off, gradients, room, theme, send }: CellProps) {
  if (row.more) {
    const words = row.path || row.depth ? `${row.more.toLocaleString("en")} more …` : "Close some rows to see the rest.";
    return (
      <span role="gridcell" class="dlnb-col-layer dlnb-more" style={{ paddingLeft: indent(row.depth) }}>
        {words}
      </span>
    );
  }
  const isOff = off.filter((part) => part.path === row.path);
  const toggle = (event: Event) => {
    event.stopPropagation();
    send("open", { path: row.path, value: !row.open });
  };
  return (
    <>
      <span role="gridcell" class="dlnb-col-layer" style={{ paddingLeft: indent(row.depth) }}>
        <span class="dlnb-fold" aria-hidden="true" onClick={row.children ? toggle : undefined}>
          {row.children ? (row.open ? "▾" : "▸") : ""}
        </span>
        <span class="dlnb-layer">
          <span class="dlnb-name" title={`${row.path} ${row.kind}(${row.settings})`}>
            {row.depth > 0 && <b>{row.name} </b>}
            {row.kind} <span class="dlnb-quiet">{row.settings}</span>
          </span>
          <span class="dlnb-shape dlnb-quiet">
            {row.shape || (seen || !ready || HOLDERS.has(row.kind) ? "" : "not called")}
            {row.calls > 1 && ` called ${row.calls}×`}
            {row.same !== null && ` = ${row.same || "the model"}`}
            {row.frozen && <span class="dlnb-badge">{row.frozen === "all" ? "frozen" : "partly frozen"}</span>}
            {isOff.length > 0 && (
              <span class="dlnb-badge dlnb-badge-off">{isOff.some((part) => part.unit === null) ? "off" : `${isOff.length} off`}</span>
            )}
          </span>
        </span>
      </span>
      <span role="gridcell" class="dlnb-col-weights">
        {row.parameters ? row.parameters.toLocaleString("en") : ""}
      </span>
      <span role="gridcell" class="dlnb-col-activations">
        <Picture picture={seen?.thumbnail ?? null} room={room} theme={theme} words={described(seen)} />
      </span>
      {gradients && (
        <span role="gridcell" class="dlnb-col-gradients">
          <Picture picture={seen?.gradient ?? null} room={room} theme={theme} words={seen?.gradient ? `gradient, norm ${number(seen.gradientNorm)}` : ""} />
        </span>
      )}
      <span role="gridcell" class="dlnb-col-dead">
        {seen && seen.bad > 0 && <strong class="dlnb-bad">NaN</strong>} {seen && seen.dead > 0 && <span class="dlnb-count">{`${seen.dead} of ${seen.units}`}</span>}
      </span>
      <span role="gridcell" class="dlnb-col-update">
        {seen && Number.isFinite(seen.update) ? number(seen.update) : ""}
      </span>
    </>
  );
}

function Picture({ picture, room, theme, words }: { picture: Thumbnail | null; room: number; theme: Signal<number>; words: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = theme.value;
  const { count, width, height } = picture ? size(picture, room) : { count: 0, width: 0, height: 0 };
  useEffect(() => {
    if (canvas.current && picture) paint(canvas.current, { ...picture, count }, count);
  }, [picture, count, version]);
  if (!picture) return null;
  return <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} role="img" aria-label={words} title={words} />;
}

/** How many maps of a thumbnail are shown, and how large: in whole multiples of their pixels where there is room. */
export function size({ count, height, width }: Thumbnail, room: number): { count: number; width: number; height: number } {
  if (count === 1) {
    if (height === 1) return { count, width: width < 4 ? 24 * width : room, height: 14 };
    const times = Math.min(6, room / width, Math.max(1, Math.floor(28 / height)));
    return { count, width: times * width, height: Math.min(28, times * height) };
  }
  const fits = (times: number) => Math.floor((room / times + 1) / (width + 1));
  let times = Math.max(1, Math.min(8, Math.floor(28 / height)));
  while (times > 1 && fits(times) < Math.min(count, 6)) times -= 1;
  const shown = Math.max(1, Math.min(count, fits(times)));
  return { count: shown, width: times * (shown * (width + 1) - 1), height: times * height };
}

function described(seen: Seen | null): string {
  if (!seen) return "";
  const bad = seen.bad ? `, ${seen.bad.toLocaleString("en")} NaN or infinite` : "";
  return `mean ${number(seen.mean)}, standard deviation ${number(seen.std)}, from ${number(seen.low)} to ${number(seen.high)}${bad}`;
}

const indent = (depth: number): string => `${4 + 12 * Math.min(depth, 7)}px`;
