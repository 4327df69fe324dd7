// Pictures: each as it looks, and, come close, as the numbers that it is.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../core/format";
import { onEachResize } from "../core/theme";
import { RAMP } from "../core/viridis";
import { type Channel, paintPart, paintWhole } from "./paint";
import { aloud, inCell } from "./read";
import type { Pictures } from "./state";
import { CLOSEST, closer, following, further, type Part, type Place, stepped, whole } from "./zoom";

const [WIDEST, TALLEST] = [460, 460]; // CSS pixels of a picture
const [NARROWEST, FLATTEST] = [40, 24]; // a very long one is stretched to that
const COLOURS = ["red", "green", "blue"];

export function PicturesView({ shown, theme }: { shown: Pictures; theme: Signal<number> }) {
  const index = useSignal(0);
  const turn = (by: number) => (index.value = Math.min(shown.count - 1, Math.max(0, index.value + by)));
  return (
    <div class="dlnb-pictures">
      {shown.count > 1 && <Contact shown={shown} chosen={index} theme={theme} />}
      <Stage key={index.value} shown={shown} index={index.value} theme={theme} turn={turn} />
      {shown.note && <p class="dlnb-quiet">{shown.note}</p>}
    </div>
  );
}

/** All pictures small; one is chosen. */
function Contact({ shown, chosen, theme }: { shown: Pictures; chosen: Signal<number>; theme: Signal<number> }) {
  return (
    <ul class="dlnb-contact" aria-label="Pictures of the batch">
      {Array.from({ length: shown.count }, (_, i) => (
        <li key={i}>
          <button type="button" aria-pressed={chosen.value === i} aria-label={nameOf(shown, i)} onClick={() => (chosen.value = i)}>
            <Thumbnail shown={shown} index={i} theme={theme} />
            <span aria-hidden="true">{shown.labels ? shown.labels[i] : i}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function Thumbnail({ shown, index, theme }: { shown: Pictures; index: number; theme: Signal<number> }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = theme.value;
  useEffect(() => {
    if (canvas.current) paintWhole(canvas.current, shown, index);
  }, [shown, index, version]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

/** What picture `i` is called. */
export function nameOf(shown: Pictures, i: number): string {
  const label = shown.labels?.[i];
  if (shown.count === 1) return label === undefined ? "The picture" : `The picture, ${label}`;
  return `Picture ${i}${label === undefined ? "" : `, ${label}`}`;
}

/** The number or numbers at a place, as they are read aloud. */
export function readAt(shown: Pictures, index: number, { row, column }: Place): string {
  const at = ((index * shown.height + row) * shown.width + column) * shown.channels;
  const value = (c: number) => aloud(shown.values[at + c]!, shown.whole);
  const words = shown.channels === 1 ? value(0) : COLOURS.map((colour, c) => `${colour} ${value(c)}`).join(", ");
  return `row ${row}, column ${column}: ${words}`;
}

function Stage({ shown, index, theme, turn }: { shown: Pictures; index: number; theme: Signal<number>; turn: (by: number) => void }) {
  const { height, width } = shown;
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const part = useSignal<Part>(whole(height, width));
  const at = useSignal<Place | null>(null);
  const channel = useSignal<Channel>("all");
  const table = useSignal(false);
  const room = useSignal(WIDEST);
  const legible = useSignal(false);
  const version = theme.value;
  useEffect(() => (box.current ? onEachResize(box.current, (wide) => (room.value = Math.min(WIDEST, wide))) : undefined), []);
  const { tall, wide, top, left } = part.value;
  const across = Math.max(NARROWEST, Math.min(room.value, (TALLEST * wide) / tall));
  const high = Math.max(FLATTEST, Math.min(TALLEST, (across * tall) / wide));
  useEffect(() => {
    if (canvas.current) legible.value = paintPart(canvas.current, shown, index, part.value, channel.value, across, high);
  }, [shown, index, part.value, channel.value, across, high, version]);

  const middle = (): Place => ({ row: Math.floor(top + tall / 2), column: Math.floor(left + wide / 2) });
  const near = () => (part.value = closer(part.value, at.value ?? middle(), height, width));
  const far = () => (part.value = further(part.value, at.value ?? middle(), height, width));
  const all = () => (part.value = whole(height, width));
  const point = (event: PointerEvent | MouseEvent): Place | null => {
    const frame = canvas.current!.getBoundingClientRect();
    const row = top + Math.floor(((event.clientY - frame.top) / frame.height) * tall);
    const column = left + Math.floor(((event.clientX - frame.left) / frame.width) * wide);
    return row >= top && row < top + tall && column >= left && column < left + wide ? { row, column } : null;
  };
  const click = (event: MouseEvent) => {
    at.value = point(event);
    near();
  };
  const actions: Record<string, () => void> = {
    "+": near,
    "=": near,
    "-": far,
    "0": all,
    Escape: all,
    t: () => (table.value = !table.value),
    ",": () => turn(-1),
    ".": () => turn(1),
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = at.value ? stepped(at.value, event.key, height, width) : event.key.startsWith("Arrow") ? middle() : null;
    if (moved) {
      at.value = moved;
      part.value = following(part.value, moved);
    } else if (actions[event.key]) actions[event.key]!();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const isWhole = tall === height && wide === width;
  const cursor = at.value && at.value.row >= top && at.value.row < top + tall && at.value.column >= left && at.value.column < left + wide ? at.value : null;
  const where = isWhole ? `all ${height} × ${width}` : `rows ${top} to ${top + tall - 1}, columns ${left} to ${left + wide - 1} of ${height} × ${width}`;
  return (
    <figure class="dlnb-stage" ref={box} onKeyDown={press}>
      <div class="dlnb-row">
        <button type="button" aria-keyshortcuts="+" disabled={Math.max(tall, wide) <= CLOSEST} onClick={near}>
          Closer
        </button>
        <button type="button" aria-keyshortcuts="-" disabled={isWhole} onClick={far}>
          Further
        </button>
        <button type="button" aria-keyshortcuts="0" disabled={isWhole} onClick={all}>
          Whole
        </button>
        <button type="button" aria-keyshortcuts="t" aria-pressed={table.value} onClick={() => (table.value = !table.value)}>
          Table
        </button>
        {shown.channels === 3 && (
          <label>
            Channel{" "}
            <select value={String(channel.value)} onChange={(event) => (channel.value = event.currentTarget.value === "all" ? "all" : (Number(event.currentTarget.value) as Channel))}>
              <option value="all">all</option>
              {COLOURS.map((colour, c) => (
                <option key={c} value={c}>
                  {c}: {colour}
                </option>
              ))}
            </select>
          </label>
        )}
      </div>
      <div class="dlnb-frame" style={{ width: `${across}px`, height: `${high}px` }}>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`${nameOf(shown, index)}, ${height} rows by ${width} columns. Arrow keys read the numbers, plus and minus zoom, 0 shows the whole, t shows a table.`}
          onPointerMove={(event) => (at.value = point(event))}
          onClick={click}
        />
        {cursor && (
          <i
            class="dlnb-cursor"
            style={{
              left: `${(100 * (cursor.column - left)) / wide}%`,
              top: `${(100 * (cursor.row - top)) / tall}%`,
              width: `${100 / wide}%`,
              height: `${100 / tall}%`,
            }}
          />
        )}
      </div>
      <Legend shown={shown} channel={channel.value} />
      <figcaption>
        <span class="dlnb-quiet">{where}</span>
        <output class="dlnb-point" aria-live="polite">
          {cursor ? readAt(shown, index, cursor) : legible.value ? "Each cell is one number." : "Come closer until you see the numbers: click, or press +."}
        </output>
      </figcaption>
      {table.value && <Cells shown={shown} index={index} part={part.value} channel={channel.value} />}
    </figure>
  );
}

function Legend({ shown, channel }: { shown: Pictures; channel: Channel }) {
  if (shown.channels === 3 && channel === "all") return null;
  const kind = shown.channels === 3 ? "grey" : shown.colours;
  return (
    <div class="dlnb-legend">
      <span>{number(shown.dark)}</span>
      <i class={`dlnb-ramp-${kind}`} style={kind === "magnitude" ? { background: RAMP } : undefined} />
      <span>{number(shown.bright)}</span>
    </div>
  );
}

/** The numbers of what is on the screen as a table, 32 by 32 at the most. */
function Cells({ shown, index, part, channel }: { shown: Pictures; index: number; part: Part; channel: Channel }) {
  const [rows, columns] = [Math.min(32, part.tall), Math.min(32, part.wide)];
  const value = (row: number, column: number) => {
    const at = ((index * shown.height + row) * shown.width + column) * shown.channels;
    if (shown.channels === 1) return inCell(shown.values[at]!, shown.whole);
    if (channel !== "all") return inCell(shown.values[at + channel]!, shown.whole);
    return [0, 1, 2].map((c) => inCell(shown.values[at + c]!, shown.whole)).join(" ");
  };
  return (
    <div class="dlnb-scroll" tabIndex={0} role="group" aria-label="The numbers as a table">
      <table>
        <thead>
          <tr>
            <td />
            {Array.from({ length: columns }, (_, x) => (
              <th key={x} scope="col">
                {part.left + x}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, y) => (
            <tr key={y}>
              <th scope="row">{part.top + y}</th>
              {Array.from({ length: columns }, (_, x) => (
                <td key={x}>{value(part.top + y, part.left + x)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {(rows < part.tall || columns < part.wide) && <p class="dlnb-quiet">The first 32 rows and columns; come closer for the others.</p>}
    </div>
  );
}
