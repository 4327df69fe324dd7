// The autograd graph of a loss; `dlnb/widgets/backprop/` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { useSignal } from "@preact/signals";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import backpropStyle from "./backprop.css";
import { Graph } from "./Graph";
import { type BackpropFrame, BackpropState, type Part } from "./state";
import { Table } from "./Table";

export type Send = (kind: string, content?: object) => void;

export function Backprop({ state, send }: { state: BackpropState; send: Send }) {
  const table = useSignal(false);
  const help = useSignal(false);
  const scene = state.scene.value;
  if (!scene) return <div class="dlnb-backprop">{state.silent.value ? <Silence silent={state.silent} /> : <p role="status">Waiting for the graph …</p>}</div>;
  const step = state.step.value;
  const now = state.current.value;
  const fold = now ? scene.boxes[now.box]!.fold : "";
  const begin = scene.forward.length;

  const act = (key: string): boolean => {
    const actions: Record<string, () => void> = {
      ArrowRight: () => state.go(step + 1),
      ArrowLeft: () => state.go(step - 1),
      Home: () => state.go(0),
      End: () => state.go(state.last.value),
      b: () => state.go(begin),
      o: () => fold && send("unfold", { place: fold }),
      u: () => scene.part && send("out"),
      t: () => (table.value = !table.value),
      "?": () => (help.value = !help.value),
    };
    if (!actions[key]) return false;
    actions[key]();
    return true;
  };
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // In the table the arrows scroll.
    if ((event.target as Element).closest(".dlnb-values") && event.key.startsWith("Arrow")) return;
    if (!act(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="dlnb-backprop" data-step={step} data-part={scene.part} onKeyDown={press}>
      <header class="dlnb-head">
        <strong>{scene.loss}</strong>
        <span class="dlnb-quiet">
          {scene.nodes.toLocaleString("en")} nodes, {scene.leaves.toLocaleString("en")} leaves
        </span>
        {scene.part && (
          <span class="dlnb-row">
            <button type="button" data-action="out" aria-keyshortcuts="u" onClick={() => send("out")}>
              Out of {scene.part.split(" › ").pop()}
            </button>
          </span>
        )}
        <span class="dlnb-spring" />
        <button type="button" data-action="table" aria-pressed={table.value} aria-keyshortcuts="t" onClick={() => (table.value = !table.value)}>
          Table
        </button>
        <button type="button" class="dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={() => (help.value = !help.value)}>
          ?
        </button>
      </header>
      {help.value && (
        <p class="dlnb-keys">
          <kbd>→</kbd> <kbd>←</kbd> one step on and back, <kbd>Home</kbd> <kbd>End</kbd> first and last, <kbd>b</kbd> where the way back begins,{" "}
          <kbd>o</kbd> open a folded part, <kbd>u</kbd> out of it, <kbd>t</kbd> table. A round box is a leaf: a tensor you have made. In a box stands
          its value, below it, after ∂, how the loss changes with it: blue above zero, orange below.
        </p>
      )}
      <Silence silent={state.silent} />
      {scene.notice && (
        <p class="dlnb-notice" role="alert">
          {scene.notice}
        </p>
      )}
      <Graph state={state} />
      <div class="dlnb-row dlnb-steps" role="group" aria-label="Steps">
        <button type="button" data-action="back" aria-keyshortcuts="ArrowLeft" disabled={step === 0} onClick={() => state.go(step - 1)}>
          ‹ Back
        </button>
        <button type="button" data-action="next" aria-keyshortcuts="ArrowRight" disabled={step === state.last.value} onClick={() => state.go(step + 1)}>
          Next ›
        </button>
        <input
          type="range"
          min={0}
          max={state.last.value}
          value={step}
          aria-label="Step"
          aria-valuetext={state.heading()}
          onInput={(event) => state.go(Number(event.currentTarget.value))}
        />
        <button type="button" data-action="begin" aria-keyshortcuts="b" onClick={() => state.go(begin)}>
          Begin the way back
        </button>
        {fold && (
          <button type="button" data-action="open" aria-keyshortcuts="o" onClick={() => send("unfold", { place: fold })}>
            Open this part
          </button>
        )}
      </div>
      <section class="dlnb-told" aria-label="What happens at this step">
        <h3>{state.heading()}</h3>
        {state.told().map((parts, i) => (
          <p key={i}>
            {parts.map((part, k) => (
              <Piece key={k} state={state} part={part} />
            ))}
          </p>
        ))}
      </section>
      {table.value && <Table state={state} />}
      <div class="dlnb-spoken" aria-live="polite">
        {state.summary()}
      </div>
    </div>
  );
}

function Piece({ state, part }: { state: BackpropState; part: Part }) {
  if (typeof part === "string") return <>{part}</>;
  const sign = state.sign(part);
  return <b class={sign > 0 ? "dlnb-plus" : sign < 0 ? "dlnb-minus" : ""}>{state.few(part)}</b>;
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, backpropStyle], (root) => {
    const state = new BackpropState();
    const channel = new Channel<BackpropFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.waiting.value,
      (silent) => (state.silent.value = silent),
    );
    const send: Send = (kind, content) => {
      state.waiting.value = true;
      channel.send(kind, content);
    };
    return [<Backprop state={state} send={send} />, () => channel.close()];
  });
}

export default { render };
