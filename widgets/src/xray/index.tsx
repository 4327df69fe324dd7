// The inside of a model; `dlnb/widgets/xray.py` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { type Signal, signal, useSignal } from "@preact/signals";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { percent } from "../core/format";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { Spoken } from "../core/Spoken";
import { onThemeChange } from "../core/theme";
import { Answer } from "./Answer";
import { Detail } from "./Detail";
import { type Row, type XrayFrame, XrayState } from "./state";
import { type Send, Tree } from "./Tree";
import xrayStyle from "./xray.css";

function Xray({ state, theme, send }: { state: XrayState; theme: Signal<number>; send: Send }) {
  const asks = useSignal<string | null>(null);
  const table = useSignal(false);
  const help = useSignal(false);
  const now = state.status.value;
  if (!now) return <p role="status">Looking at the model …</p>;
  const answer = state.answer.value;
  const show = (by: number) => answer && send("example", { value: Math.min(answer.examples - 1, Math.max(0, answer.example + by)) });

  /** As `send`; a question about another layer is dropped. */
  const tell: Send = (kind, content) => {
    if (kind === "choose") asks.value = null;
    send(kind, content);
  };

  /** What a letter does, on a row or anywhere; says whether it does anything. */
  const act = (key: string, row?: Row): boolean => {
    const detail = state.detail.value;
    const chosen = row ?? state.rows.value.find(({ path, more }) => path === detail?.path && !more);
    const off = (unit: number | null) =>
      chosen && send("off", { path: chosen.path, unit, value: !now.off.some((part) => part.path === chosen.path && part.unit === unit) });
    const actions: Record<string, () => void> = {
      ",": () => show(-1),
      ".": () => show(1),
      t: () => (table.value = !table.value),
      "?": () => (help.value = !help.value),
      Escape: () => (asks.value = null),
      l: () => send("look"),
      f: () => chosen?.parameters && chosen.depth && send("freeze", { path: chosen.path, value: chosen.frozen !== "all" }),
      o: () => off(chosen?.path === detail?.path ? (detail?.unit ?? null) : null),
      O: () => off(null),
      r: () => {
        if (!chosen?.parameters) return;
        if (chosen.path !== detail?.path) tell("choose", { path: chosen.path, unit: null });
        asks.value = chosen.path;
      },
    };
    if (!actions[key]) return false;
    actions[key]();
    return true;
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !act(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="dlnb-xray" data-state={now.state ?? "none"} data-step={now.step ?? ""} onKeyDown={press}>
      <header class="dlnb-head">
        <strong>{now.model}</strong>
        {now.step !== null && (
          <span class="dlnb-quiet">
            step {now.step.toLocaleString("en")}, {now.state}
            {now.observing !== null && now.observing > 0 && `, looking costs ${percent(now.observing)}`}
          </span>
        )}
        <span class="dlnb-spring" />
        {answer && answer.examples > 1 && (
          <span class="dlnb-row">
            <button type="button" aria-label="Example before" aria-keyshortcuts="," disabled={answer.example === 0} onClick={() => show(-1)}>
              ‹
            </button>
            example {answer.example} of {answer.examples}
            <button type="button" aria-label="Next example" aria-keyshortcuts="." disabled={answer.example + 1 >= answer.examples} onClick={() => show(1)}>
              ›
            </button>
          </span>
        )}
        {now.state === null && (
          <button type="button" data-action="look" aria-keyshortcuts="l" onClick={() => send("look")}>
            Look again
          </button>
        )}
        <button type="button" class="dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={() => (help.value = !help.value)}>
          ?
        </button>
      </header>
      {help.value && (
        <p class="dlnb-keys">
          In the tree: <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>→</kbd> <kbd>←</kbd> open and close, <kbd>Enter</kbd> choose, <kbd>f</kbd> freeze,{" "}
          <kbd>o</kbd> switch the unit off or on, <kbd>O</kbd> the layer, <kbd>r</kbd> begin anew. Anywhere: <kbd>,</kbd> <kbd>.</kbd> another
          example, <kbd>t</kbd> table, <kbd>l</kbd> look again. Blue is above zero, orange below; from violet to yellow: from zero up; magenta: NaN
          or infinite; crossed out: dead.
        </p>
      )}
      <Silence silent={state.silent} />
      {now.notice && (
        <p class="dlnb-notice" role="alert">
          {now.notice}
        </p>
      )}
      <div class="dlnb-body">
        <Tree state={state} theme={theme} send={tell} act={act} />
        <div class="dlnb-side">
          <Answer state={state} send={send} />
          <Detail state={state} theme={theme} asks={asks} table={table} send={tell} />
        </div>
      </div>
      <Spoken words={() => state.summary()} occasion={JSON.stringify([now.off, now.chosen, now.state, answer?.example])} />
    </div>
  );
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, xrayStyle], (root) => {
    const state = new XrayState();
    const theme = signal(0);
    const channel = new Channel<XrayFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.status.value === null || state.status.value.state === "running",
      (silent) => (state.silent.value = silent),
    );
    const endTheme = onThemeChange(() => (theme.value += 1));
    const close = () => {
      endTheme();
      channel.close();
    };
    return [<Xray state={state} theme={theme} send={(kind, content) => channel.send(kind, content)} />, close];
  });
}

export default { render };
