// A playground: build a network by clicking and watch it learn; `dlnb/widgets/playground/` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { type Signal, signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import uplotStyle from "uplot/dist/uPlot.min.css";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { Spoken } from "../core/Spoken";
import { onThemeChange } from "../core/theme";
import { type Ask, Questions } from "../watch/ask";
import { Data } from "./Data";
import { Head, Player } from "./Head";
import { Losses, Table } from "./Losses";
import { Missions } from "./Missions";
import { Net, type Open } from "./Net";
import { Output, type Seen, type Tool } from "./Output";
import type { Peek } from "./paint";
import { Parts } from "./Parts";
import playgroundStyle from "./playground.css";
import { broughtBy, Share } from "./Share";
import { type PlaygroundFrame, PlaygroundState, type Send } from "./state";
import { Training } from "./Training";

const TOGETHER = 2; // pictures that are acknowledged with one word; the kernel has one more under way meanwhile

interface Props {
  state: PlaygroundState;
  theme: Signal<number>;
  send: Send;
  ask: Ask;
}

export function Playground({ state, theme, send, ask }: Props) {
  const speed = useSignal(0);
  const walking = useSignal(false);
  const table = useSignal(false);
  const help = useSignal(false);
  const open = useSignal<Open>(null);
  const tool = useSignal<Tool>("look");
  const seen = useSignal<Seen>("output");
  const peek = useSignal<Peek | null>(null);
  const hard = useSignal(false);
  const tests = useSignal(false);
  const player = useMemo(() => new Player(state, send, speed, walking), []);
  if (!state.structure.value || !state.fixed.value) return <p role="status">Waiting for the playground …</p>;

  const actions: Record<string, () => void> = {
    " ": () => player.toggle(),
    s: () => player.step("sample"),
    b: () => player.step("batch"),
    e: () => player.step("epoch"),
    ",": () => player.seek(Math.max(0, state.status.value!.epoch - (state.status.value!.place ? 0 : 1))),
    r: () => {
      player.pause();
      send("restart");
    },
    u: () => send("undo"),
    t: () => (table.value = !table.value),
    "?": () => (help.value = !help.value),
  };
  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=text], textarea, select")) return;
    if (event.key === " " && target.matches("button, input, summary")) return;
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="dlnb-playground" onKeyDown={press}>
      <Marks state={state} player={player} />
      <Head player={player} table={table} help={help} />
      {help.value && (
        <p class="dlnb-keys">
          <kbd>Space</kbd> play and pause, <kbd>s</kbd> one sample, <kbd>b</kbd> one batch, <kbd>e</kbd> one epoch, <kbd>,</kbd> one epoch back,{" "}
          <kbd>r</kbd> begin again, <kbd>u</kbd> undo, <kbd>t</kbd> table. On the plane: arrow keys move a cross, <kbd>Shift</kbd> and a letter sets a
          point of that class, <kbd>Delete</kbd> wipes, <kbd>Enter</kbd> follows that place through the network. Orange is below zero and the first class, blue above zero and the second.
        </p>
      )}
      <Notices state={state} />
      <div class="dlnb-body">
        <div class="dlnb-left">
          <Data state={state} theme={theme} tool={tool} send={send} />
          <Training state={state} send={send} />
        </div>
        <div class="dlnb-middle">
          <Net state={state} theme={theme} open={open} peek={peek} send={send} />
          <Parts state={state} open={open} send={send} />
          <Missions state={state} send={send} />
        </div>
        <div class="dlnb-right">
          <Output state={state} theme={theme} tool={tool} seen={seen} peek={peek} hard={hard} tests={tests} send={send} />
          <Losses state={state} send={send} />
        </div>
      </div>
      <Share ask={ask} send={send} />
      {table.value && <Table state={state} />}
      <Told state={state} />
    </div>
  );
}

/** What others may read from outside: a stylesheet, a test, a benchmark. */
function Marks({ state, player }: { state: PlaygroundState; player: Player }) {
  const mark = useRef<HTMLElement>(null);
  const painted = useRef(0);
  const status = state.status.value!;
  state.frames.value; // at each
  useEffect(() => {
    const asked = requestAnimationFrame(() => {
      const root = mark.current?.parentElement;
      if (!root) return;
      root.dataset["epoch"] = String(status.seeds ? status.seeds.epoch : status.epoch);
      root.dataset["steps"] = String(status.seeds ? status.seeds.steps : status.steps);
      root.dataset["frames"] = String((painted.current += 1));
      root.dataset["playing"] = String(player.playing);
    });
    return () => cancelAnimationFrame(asked);
  });
  return <i ref={mark} hidden />;
}

/** What went wrong, and what to do. */
function Notices({ state }: { state: PlaygroundState }) {
  const { notice, pending } = state.calm.value!;
  return (
    <>
      <Silence silent={state.silent} />
      {notice && notice !== pending && (
        <p class="dlnb-notice" role="alert">
          {notice}
        </p>
      )}
      {pending && (
        <p class="dlnb-notice" role="alert" data-pending>
          {pending}
        </p>
      )}
    </>
  );
}

/** For who cannot see it: how it stands when it rests, and every ten seconds while it learns. */
function Told({ state }: { state: PlaygroundState }) {
  state.calm.value; // at each
  return <Spoken words={() => state.summary()} resting={!state.status.value!.playing} />;
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, uplotStyle, playgroundStyle], (root) => {
    const state = new PlaygroundState();
    const theme = signal(0);
    const channel = new Channel<PlaygroundFrame>(
      model,
      root,
      (frame, columns) => {
        const first = state.status.value === null;
        state.receive(frame, columns);
        if (first) openBrought();
      },
      () => state.status.value === null || state.status.value.playing,
      (silent) => (state.silent.value = silent),
      TOGETHER,
    );
    const send: Send = (kind, content, buffers) => channel.send(kind, content, buffers);
    const questions = new Questions(model, (kind, content) => channel.send(kind, content));
    /** A link in the address of the page is opened by the first playground in it, once. */
    const openBrought = () => {
      const link = broughtBy(window.location.hash);
      if (!link) return;
      history.replaceState(history.state, "", window.location.pathname + window.location.search);
      send("open", { link });
    };
    const endTheme = onThemeChange(() => (theme.value += 1));
    const close = () => {
      endTheme();
      questions.close();
      channel.close();
    };
    return [<Playground state={state} theme={theme} send={send} ask={questions.ask} />, close];
  });
}

export default { render };
