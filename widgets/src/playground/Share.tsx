// What can be taken along: the same training as PyTorch, and a link that brings everything back.
import { useSignal } from "@preact/signals";
import { Icon } from "../core/Icon";
import type { Ask } from "../watch/ask";
import type { Send } from "./state";

export const MARK = "playground="; // before the link in an address

/** The address of this page with the state of the playground behind it. */
export function address(link: string, page: string): string {
  return `${page.split("#")[0]}#${MARK}${link}`;
}

/** The link that an address brings, or null. */
export function broughtBy(hash: string): string | null {
  const at = hash.indexOf(MARK);
  return at < 0 ? null : hash.slice(at + MARK.length);
}

/** Ready for Ctrl+C. */
function select(field: HTMLTextAreaElement | null): void {
  field?.select();
}

export function Share({ ask, send }: { ask: Ask; send: Send }) {
  const shown = useSignal<{ what: "code" | "link"; text: string } | null>(null);
  const said = useSignal("");
  const wanted = useSignal("");
  const get = async (what: "code" | "link") => {
    let text: string;
    try {
      text = String((await ask(what)).answer["text"]);
      if (what === "link") text = address(text, window.location.href);
      shown.value = { what, text };
    } catch (error) {
      said.value = (error as Error).message;
      return;
    }
    try {
      await navigator.clipboard.writeText(text);
      said.value = what === "code" ? "Copied. Paste it into a cell: it prints the same losses." : 'Copied. Open it, or write dl.playground("…") with it.';
    } catch {
      said.value = "Press Ctrl+C to copy it.";
    }
  };
  return (
    <section class="dlnb-share" role="group" aria-label="Take it along">
      <div class="dlnb-row">
        <button type="button" data-action="code" onClick={() => void get("code")}>
          <Icon name="code" /> Show as PyTorch
        </button>
        <button type="button" data-action="link" onClick={() => void get("link")}>
          <Icon name="fork" /> Copy link
        </button>
        <label class="dlnb-choice">
          open a link{" "}
          <input
            type="text"
            data-setting="link"
            value={wanted.value}
            onInput={(event) => (wanted.value = event.currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key !== "Enter" || !wanted.value.trim()) return;
              send("open", { link: wanted.value });
              wanted.value = "";
            }}
          />
        </label>
        <span role="status" class="dlnb-quiet">
          {said.value}
        </span>
      </div>
      {shown.value && (
        <div class="dlnb-script">
          <textarea readOnly rows={shown.value.what === "code" ? 14 : 2} value={shown.value.text} aria-label={shown.value.what === "code" ? "The same training as PyTorch" : "The link"} ref={select} />
          <button type="button" class="dlnb-small" onClick={() => ((shown.value = null), (said.value = ""))}>
            close
          </button>
        </div>
      )}
    </section>
  );
}
