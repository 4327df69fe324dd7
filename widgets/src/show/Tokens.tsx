// A text in its pieces, each over the number that stands for it.
import { useSignal } from "@preact/signals";
import { visible } from "./read";
import type { Tokens } from "./state";

export function TokensView({ shown }: { shown: Tokens }) {
  const same = useSignal<number | null>(null); // the id that the pointer is on
  return (
    <div class="dlnb-tokens">
      {shown.pieces.map((pieces, text) => {
        const ids = shown.ids[text]!;
        return (
          <div key={text} class="dlnb-text">
            {shown.labels && <p class="dlnb-label">{shown.labels[text]}</p>}
            <ol tabIndex={0} aria-label={shown.pieces.length > 1 ? `Text ${text}` : "The text"}>
              {pieces.map((piece, place) => {
                const id = ids[place]!;
                const kind = id === shown.unknown ? "dlnb-unknown" : same.value === id ? "dlnb-same" : "";
                return (
                  <li
                    key={place}
                    class={kind}
                    title={`place ${place}, id ${id}, ${count(ids, id)} times in this text`}
                    onPointerEnter={() => (same.value = id)}
                    onPointerLeave={() => (same.value = null)}
                  >
                    <span class="dlnb-piece">{visible(piece)}</span>
                    <span class="dlnb-id">{id}</span>
                  </li>
                );
              })}
            </ol>
            <p class="dlnb-tensor" tabIndex={0} role="group" aria-label="The ids as a tensor">
              <code>tensor([{Array.from(ids).join(", ")}])</code>
            </p>
          </div>
        );
      })}
      {shown.note && <p class="dlnb-quiet">{shown.note}</p>}
    </div>
  );
}

function count(ids: Int32Array, id: number): number {
  return ids.reduce((sum, one) => sum + (one === id ? 1 : 0), 0);
}
