// Optimisers race down a loss surface; `dlnb/widgets/descend/` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import uplotStyle from "uplot/dist/uPlot.min.css";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { Icon } from "../core/Icon";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { Spoken } from "../core/Spoken";
import { onThemeChange } from "../core/theme";
import { Arithmetic } from "./Arithmetic";
import { Board } from "./Board";
import descendStyle from "./descend.css";
import { Losses, Table } from "./Losses";
import { Racers } from "./Racers";
import { type DescendFrame, DescendState, type Send } from "./state";

const PERIOD = 100; // milliseconds between two orders while it is played
const CALM = 1000; // and where motion is not wanted: the same steps, seldom and many at once
const SPEEDS = [
  { words: "slow", steps: 1 },
  { words: "medium", steps: 4 },
  { words: "fast", steps: 15 },
];

export function Descend({ state, theme, send }: { state: DescendState; theme: Signal<number>; send: Send }) {
  const playing = useSignal(false);
  const speed = useSignal(0);
  const table = useSignal(false);
  const help = useSignal(false);
  const status = state.status.value;
  const surface = state.surface.value;
  const over = status?.over ?? true;
  const seen = state.frames.value;
  // Steps are ordered when the last ones have come: a busy kernel is never sent a queue.
  useEffect(() => {
    if (!playing.value) return;
    if (over) {
      playing.value = false;
      return;
    }
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const steps = SPEEDS[speed.value]!.steps;
    const order = setTimeout(() => send("step", { steps: calm ? (steps * CALM) / PERIOD : steps }), calm ? CALM : PERIOD);
    return () => clearTimeout(order);
  }, [playing.value, seen, speed.value, over]);
  if (!status || !surface) return <p role="status">Waiting for the race …</p>;

  const halt = (kind: string, content?: object) => {
    playing.value = false;
    send(kind, content);
  };
  const actions: Record<string, () => void> = {
    " ": () => (playing.value = !playing.value && !over),
    ".": () => halt("step", { steps: 1 }),
    ",": () => halt("back", { steps: 1 }),
    r: () => halt("restart"),
    t: () => (table.value = !table.value),
    "?": () => (help.value = !help.value),
  };
  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=text], select")) return;
    if (event.key === " " && target.matches("button, input")) return;
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  };
  const tell: Send = (kind, content) => (kind === "start" || kind === "surface" ? halt(kind, content) : send(kind, content));
  return (
    <div class="dlnb-descend" data-steps={status.steps} data-playing={playing.value} onKeyDown={press}>
      <header class="dlnb-head">
        <label>
          surface{" "}
          <select value={surface.name} onChange={(event) => tell("surface", { name: event.currentTarget.value })}>
            {state.surfaces.value.map(({ name, title }) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <span class="dlnb-row">
          <button type="button" data-action="restart" aria-keyshortcuts="r" onClick={actions["r"]}>
            <Icon name="rewind" /> Begin again
          </button>
          <button type="button" data-action="back" aria-keyshortcuts="," aria-label="One step back" title="One step back" disabled={status.steps === 0} onClick={actions[","]}>
            <Icon name="undo" />
          </button>
          <button type="button" data-action="play" aria-keyshortcuts="Space" disabled={over} onClick={actions[" "]}>
            <Icon name={playing.value ? "pause" : "play"} /> {playing.value ? "Pause" : "Play"}
          </button>
          <button type="button" data-action="step" aria-keyshortcuts="." disabled={over} onClick={actions["."]}>
            <Icon name="step" /> Step
          </button>
          <select aria-label="Speed" value={String(speed.value)} onChange={(event) => (speed.value = Number(event.currentTarget.value))}>
            {SPEEDS.map(({ words }, i) => (
              <option key={words} value={String(i)}>
                {words}
              </option>
            ))}
          </select>
        </span>
        <b class="dlnb-steps">step {status.steps.toLocaleString("en")}</b>
        <span class="dlnb-spring" />
        <span class="dlnb-row">
          <label>
            <input type="checkbox" checked={table.value} onChange={(event) => (table.value = event.currentTarget.checked)} /> table
          </label>
          <button type="button" class="dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={actions["?"]}>
            ?
          </button>
        </span>
      </header>
      {help.value && (
        <p class="dlnb-keys">
          <kbd>Space</kbd> play and pause, <kbd>.</kbd> one step, <kbd>,</kbd> one step back, <kbd>r</kbd> begin again, <kbd>t</kbd> table. On the
          map: arrow keys move a cross, <kbd>Enter</kbd> lets the race begin there. On the map dark is low and yellow high, a star the lowest place,
          a ring the start; magenta: no loss there. Who has arrived has only a hundredth of the way down left. In the calculation blue is
          above zero, orange below.
        </p>
      )}
      {surface.about && <p>{surface.about}</p>}
      <Silence silent={state.silent} />
      {status.notice && (
        <p class="dlnb-notice" role="alert">
          {status.notice}
        </p>
      )}
      <div class="dlnb-body">
        <Board state={state} theme={theme} send={tell} />
        <Racers state={state} send={tell} />
      </div>
      <Arithmetic state={state} />
      <Losses state={state} />
      {table.value && <Table state={state} />}
      <Spoken words={() => state.summary()} resting={!playing.value} />
    </div>
  );
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, uplotStyle, descendStyle], (root) => {
    const state = new DescendState();
    const theme = signal(0);
    const channel = new Channel<DescendFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.awaited,
      (silent) => (state.silent.value = silent),
    );
    const endTheme = onThemeChange(() => (theme.value += 1));
    const close = () => {
      endTheme();
      channel.close();
    };
    const send: Send = (kind, content) => {
      state.awaited = true;
      channel.send(kind, content);
    };
    return [<Descend state={state} theme={theme} send={send} />, close];
  });
}

export default { render };
