// The examples of a list, each with its picture, what it is, and what the model says of it; some can be chosen.
import type { Signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number, percent } from "../core/format";
import type { ErrorsState, Example, Found, Listed, ListName, Picture } from "./state";

export interface Chosen {
  split: string;
  number: number;
}
export type Send = (kind: string, content?: object) => void;

interface Props {
  state: ErrorsState;
  chosen: Signal<Chosen[]>;
  onList: (name: ListName, page?: number) => void;
  onToggle: (number: number) => void;
}

const TABS: [ListName, string, string][] = [
  ["worst", "Worst", "w"],
  ["new", "Newly wrong", "n"],
  ["mended", "Newly right", "g"],
  ["forgotten", "Forgotten", "f"],
];

/** The lists that make sense for what was found, what they are called, and the key of each. */
export function tabs(found: Found): [ListName, string, string][] {
  const got = found.comparable ? TABS : ([TABS[0]!, ["new", "Got worse", "n"]] as [ListName, string, string][]);
  const counts: Record<string, number> = { new: found.new, mended: found.mended, forgotten: found.forgotten };
  return got.map(([name, label, key]) => [name, name in counts ? `${label} ${counts[name]!.toLocaleString("en")}` : label, key]);
}

/** What a list is, in a sentence. */
export function listWords(found: Found, list: Listed): string {
  const name = (k: number) => found.classes[found.shown.indexOf(k)] ?? String(k);
  const since = found.since === null ? "; there is one look only so far" : ` since step ${found.since.toLocaleString("en")}`;
  const words: Record<ListName, string> = {
    worst: `${found.batches ? "Batches" : "Examples"} by their loss, the largest first`,
    new: found.comparable ? `Right before, wrong now${since}` : `Their loss has grown${since}`,
    mended: `Wrong before, right now${since}`,
    forgotten: `Right at one look and wrong at the next, most often first; ${found.looks} ${found.looks === 1 ? "look" : "looks"} so far`,
    cell: `Truly ${name(list.truth)}, the model says ${name(list.said)}`,
    class: `Mistakes with ${name(list.truth)}`,
  };
  return words[list.name];
}

export function Examples({ state, chosen, onList, onToggle }: Props) {
  const found = state.found.value!;
  const list = state.list.value;
  state.pictureVersion.value;
  const host = useRef<HTMLUListElement>(null);
  if (!list) return null;
  const isChosen = (number: number) => chosen.value.some((one) => one.split === found.split && one.number === number);
  const onKeyDown = (event: KeyboardEvent) => {
    const items = [...host.current!.querySelectorAll<HTMLElement>("button")];
    const at = items.indexOf(event.target as HTMLElement);
    const across = Math.max(1, items.findIndex((item) => item.offsetTop > items[0]!.offsetTop));
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - across, ArrowDown: at + across, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    items[Math.min(items.length - 1, Math.max(0, to))]!.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <section class="dlnb-examples" role="group" aria-label="Examples">
      <div class="dlnb-tabs" role="group" aria-label="Which examples">
        {tabs(found).map(([name, label, key]) => (
          <button key={name} type="button" data-list={name} aria-pressed={list.name === name} aria-keyshortcuts={key} onClick={() => onList(name)}>
            {label}
          </button>
        ))}
      </div>
      <p class="dlnb-quiet dlnb-about">
        {listWords(found, list)}. {list.total > list.examples.length && `${list.total.toLocaleString("en")} in all.`}
        {list.total === 0 && "None."}
      </p>
      <ul ref={host} onKeyDown={onKeyDown}>
        {list.examples.map((example, i) => (
          <Item
            key={`${found.split} ${example.number}`}
            example={example}
            unit={found.batches ? "batch" : found.split}
            picture={found.batches ? undefined : state.picture(found.split, example.number)}
            chosen={isChosen(example.number)}
            first={i === 0}
            onToggle={found.batches ? null : () => onToggle(example.number)}
          />
        ))}
      </ul>
      {list.pages > 1 && (
        <div class="dlnb-row" role="group" aria-label="Pages">
          <button type="button" data-action="before" disabled={list.page === 0} onClick={() => onList(list.name, list.page - 1)}>
            ‹ before
          </button>
          <span class="dlnb-quiet">
            {list.page + 1} of {list.pages.toLocaleString("en")}
          </span>
          <button type="button" data-action="more" disabled={list.page + 1 >= list.pages} onClick={() => onList(list.name, list.page + 1)}>
            more ›
          </button>
        </div>
      )}
    </section>
  );
}

/** A loss in as few letters as a small picture has room for. */
export function brief(loss: number): string {
  if (!(Math.abs(loss) < 1e4)) return number(loss);
  return loss !== 0 && Math.abs(loss) < 0.001 ? "<.001" : String(Number(loss.toPrecision(2)));
}

/** One example as a sentence. */
export function exampleWords(example: Example, unit: string): string {
  const parts = [`${unit} ${example.number}`];
  if (example.truth) parts.push(`truly ${example.truth}`);
  if (example.answer) parts.push(`the model says ${example.answer}${Number.isFinite(example.said) ? `, ${percent(example.said)} sure` : ""}`);
  if (example.right === false && Number.isFinite(example.ofTruth)) parts.push(`${percent(example.ofTruth)} for the truth`);
  parts.push(`loss ${number(example.loss)}`);
  if (example.forgotten) parts.push(`forgotten ${example.forgotten === 1 ? "once" : `${example.forgotten} times`}`);
  return parts.join(", ");
}

interface ItemProps {
  example: Example;
  unit: string;
  picture: Picture | undefined;
  chosen: boolean;
  first: boolean;
  onToggle: (() => void) | null;
}

function Item({ example, unit, picture, chosen, first, onToggle }: ItemProps) {
  const { right } = example;
  const words = exampleWords(example, unit);
  return (
    <li class={right === null ? "" : right ? "dlnb-right" : "dlnb-wrong"}>
      <button
        type="button"
        tabIndex={first ? 0 : -1}
        aria-pressed={onToggle ? chosen : undefined}
        title={words} // said after what is seen: whoever speaks to the computer names what is seen
        onClick={() => onToggle?.()}
      >
        {picture && <Thumbnail picture={picture} />}
        <span class="dlnb-answer">
          {right !== null && <span class="dlnb-sign">{right ? "✓" : "✗"} </span>}
          {right === false || (right === null && example.truth) ? `${example.truth} → ` : ""}
          {example.answer || `${unit} ${example.number}`}
        </span>
        <span class="dlnb-quiet">
          {Number.isFinite(example.said) ? `${percent(example.said)} · ` : ""}#{example.number}
        </span>
        <span class="dlnb-quiet">
          loss {brief(example.loss)}
          {example.forgotten > 0 ? ` ↺${example.forgotten}` : ""}
        </span>
      </button>
    </li>
  );
}

function Thumbnail({ picture }: { picture: Picture }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { pixels, height, width, channels } = picture;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    for (let p = 0; p < height * width; p++)
      for (let c = 0; c < 4; c++) image.data[4 * p + c] = c === 3 ? 255 : pixels[p * channels + (channels === 3 ? c : 0)]!;
    context.putImageData(image, 0, 0);
  }, [picture]);
  return <canvas ref={canvas} width={width} height={height} aria-hidden="true" />;
}
