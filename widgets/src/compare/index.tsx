// Runs over each other; `dlnb/widgets/compare.py` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { useSignal } from "@preact/signals";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { number } from "../core/format";
import { Icon } from "../core/Icon";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { Spoken } from "../core/Spoken";
import compareStyle from "./compare.css";
import { Overlay, type View } from "./Overlay";
import { Parallel } from "./Parallel";
import { Importance, Responses, Selected, type Send } from "./Side";
import { type CompareFrame, CompareState } from "./state";
import { Table } from "./Table";

function Compare({ state, send }: { state: CompareState; send: Send }) {
  const view = useSignal<View>({ logarithmic: false, halfLife: 0, table: true });
  const help = useSignal(false);
  const now = state.status.value;
  if (!now) return <p role="status">Waiting for the runs …</p>;
  const lines = state.lines.value;
  const change = (part: Partial<View>) => (view.value = { ...view.value, ...part });
  const many = lines.length > 2 && state.axes.value.length > 0;
  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=text], select")) return;
    const actions: Record<string, () => void> = {
      l: () => change({ logarithmic: !view.value.logarithmic }),
      t: () => change({ table: !view.value.table }),
      b: () => (state.selected.value = state.best()),
      x: () => (state.brushes.value = new Map()),
      "?": () => (help.value = !help.value),
    };
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="dlnb-compare" onKeyDown={press} data-lines={lines.length} data-state={now.sweep?.state ?? "runs"}>
      <Head state={state} send={send} />
      <Silence silent={state.silent} />
      {now.sweep?.error && (
        <section class="dlnb-failure" role="alert">
          <p>{now.sweep.error}</p>
        </section>
      )}
      {now.notice && (
        <p class="dlnb-notice" role="alert">
          {now.notice}
        </p>
      )}
      {now.hidden > 0 && <p class="dlnb-quiet">{now.hidden} older lines are not drawn.</p>}
      <div class="dlnb-body">
        <div class="dlnb-main">
          <div class="dlnb-tools">
            <label>
              curve{" "}
              <select value={now.column} onChange={(event) => send("show", { column: event.currentTarget.value })}>
                {now.drawable.map((name) => (
                  <option key={name} value={name}>
                    {name.replaceAll("_", " ")}
                  </option>
                ))}
              </select>
            </label>
            <label>
              smooth{" "}
              <input
                type="range"
                min={0}
                max={9}
                step={0.5}
                value={view.value.halfLife ? Math.log2(view.value.halfLife) + 1 : 0}
                aria-valuetext={view.value.halfLife ? `over ${Math.round(view.value.halfLife)} steps` : "off"}
                onInput={(event) => {
                  const place = Number(event.currentTarget.value);
                  change({ halfLife: place ? 2 ** (place - 1) : 0 });
                }}
              />
            </label>
            <label>
              <input type="checkbox" checked={view.value.logarithmic} onChange={(event) => change({ logarithmic: event.currentTarget.checked })} /> log
            </label>
            <label>
              <input type="checkbox" checked={view.value.table} onChange={(event) => change({ table: event.currentTarget.checked })} /> table
            </label>
            <button type="button" class="dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={() => (help.value = !help.value)}>
              ?
            </button>
          </div>
          {help.value && (
            <p class="dlnb-keys">
              <kbd>l</kbd> logarithmic axis, <kbd>t</kbd> table, <kbd>b</kbd> the best line, <kbd>x</kbd> choose all again. On the curves: <kbd>↑</kbd>{" "}
              <kbd>↓</kbd> another line, <kbd>←</kbd> <kbd>→</kbd> its points. On an axis: <kbd>↑</kbd> <kbd>↓</kbd> move what is chosen, with{" "}
              <kbd>Shift</kbd> widen and narrow, <kbd>Esc</kbd> all.
            </p>
          )}
          <Overlay state={state} view={view.value} />
        </div>
        <div class="dlnb-side">
          <Selected state={state} send={send} />
          <Importance state={state} />
        </div>
      </div>
      {many && <Parallel state={state} />}
      {many && <Responses state={state} />}
      {view.value.table && <Table state={state} />}
      <Spoken words={() => state.summary()} occasion={now.sweep?.state} />
    </div>
  );
}

function Head({ state, send }: { state: CompareState; send: Send }) {
  const { sweep, goal, direction } = state.status.value!;
  const best = state.best();
  const lines = state.lines.value;
  return (
    <div class="dlnb-head">
      <p class="dlnb-title">
        <strong>{sweep ? "Sweep" : `${lines.length} runs`}</strong>
        <span>
          {goal.replaceAll("_", " ")}, {direction === "maximize" ? "as high" : "as low"} as possible
        </span>
        {sweep && (
          <span class={`dlnb-state dlnb-${sweep.state}`}>
            {sweep.state}, {sweep.ended} of {sweep.wanted} ended
          </span>
        )}
        {best !== null && (
          <span>
            best{" "}
            <button type="button" class="dlnb-best" onClick={() => (state.selected.value = best)}>
              {number(lines[best]!.value)}
            </button>{" "}
            <span class="dlnb-quiet">{lines[best]!.label}</span>
          </span>
        )}
      </p>
      {sweep && (
        <div class="dlnb-buttons" role="toolbar" aria-label="The sweep">
          {sweep.state === "paused" ? (
            <button type="button" data-action="resume" onClick={() => send("sweep", { command: "resume" })}>
              <Icon name="play" /> Resume
            </button>
          ) : (
            <button type="button" data-action="pause" disabled={sweep.state !== "running"} onClick={() => send("sweep", { command: "pause" })}>
              <Icon name="pause" /> Pause
            </button>
          )}
          <button type="button" data-action="stop" disabled={!["running", "paused"].includes(sweep.state)} onClick={() => send("sweep", { command: "stop" })}>
            <Icon name="stop" /> End
          </button>
        </div>
      )}
    </div>
  );
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, compareStyle], (root) => {
    const state = new CompareState();
    const channel = new Channel<CompareFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.status.value === null || state.lines.value.some((line) => line.state === "running"),
      (silent) => (state.silent.value = silent),
    );
    return [<Compare state={state} send={(kind, content) => channel.send(kind, content)} />, () => channel.close()];
  });
}

export default { render };
