// The dashboard of a run; `dlnb/widgets/watch.py` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { effect, signal, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import uplotStyle from "uplot/dist/uPlot.min.css";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { type Ask, Questions } from "./ask";
import { Controls, type Send } from "./Controls";
import { Curves, type View } from "./Curves";
import { pictureInPicture } from "./float";
import { Gallery } from "./Gallery";
import { Health } from "./Health";
import { keyAction } from "./keys";
import { Knobs } from "./Knobs";
import { Layers } from "./Layers";
import { Failure, Log, Notice, Spoken } from "./Log";
import { Panel, type Panels, rememberedPanels } from "./Panel";
import { type PanelName, PANELS, type WatchFrame, WatchState } from "./state";
import { type Place, Timeline } from "./Timeline";
import { Float, Keys, Tools } from "./Tools";
import watchStyle from "./watch.css";
import { Zoom } from "./zoom";

const SOON = 120; // milliseconds until the kernel is told what is looked at

/** All that the parts of one dashboard share. */
class Desk {
  readonly state = new WatchState();
  readonly view = signal<View>({ halfLife: 0, logarithmic: false, table: false });
  readonly place = signal<Place | null>(null);
  readonly compared = signal<ReadonlySet<number>>(new Set());
  readonly panels: Panels = { closed: signal(rememberedPanels()), seen: signal(new Set<PanelName>(PANELS)) };
  readonly zoom: Zoom;

  constructor(
    readonly root: HTMLElement,
    readonly send: Send,
    readonly ask: Ask,
  ) {
    this.zoom = new Zoom(ask, () => this.view.value.halfLife, () => (this.state.version.value += 1));
  }

  /** Tell the kernel what is looked at, soon after it changes; returns what ends that. */
  look(): () => void {
    let timer = 0;
    const tell = () => {
      const { closed, seen } = this.panels;
      const panels = PANELS.filter((name) => seen.value.has(name) && !closed.value.has(name));
      this.send("look", { panels, half_life: this.view.value.halfLife, lines: [...this.compared.value] });
    };
    const stop = effect(() => {
      void [this.panels.closed.value, this.panels.seen.value, this.view.value.halfLife, this.compared.value];
      clearTimeout(timer);
      timer = window.setTimeout(tell, SOON);
    });
    let halfLife = 0;
    const follow = effect(() => {
      if (this.view.value.halfLife !== halfLife) void this.zoom.fetch();
      halfLife = this.view.value.halfLife;
    });
    this.state.onFull = () => {
      tell();
      void this.zoom.fetch();
    };
    return () => {
      clearTimeout(timer);
      stop();
      follow();
    };
  }
}

function Watch({ desk }: { desk: Desk }) {
  const { state, send, ask, view, place, compared, panels, zoom } = desk;
  const help = useSignal(false);
  const turned = useRef({ lr: 0, at: -Infinity });
  const now = state.status.value;
  if (!now) return <p role="status">Waiting for the run …</p>;
  const only = state.fixed.value.only;
  const change = (part: Partial<View>) => (view.value = { ...view.value, ...part });
  const press = (event: KeyboardEvent) => {
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=text], textarea, select")) return;
    if (event.key === " " && target.matches("button, input, summary")) return;
    const hands = { state, send, place: place.value, view: view.value, change, help: () => (help.value = !help.value), turned: turned.current };
    const action = keyAction(event.key, hands);
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  };
  const shared = { panels, alone: only !== null };
  const parts: Record<PanelName, () => JSX.Element> = {
    curves: () => (
      <Panel key="curves" name="curves" title="Curves" {...shared} aside={<Tools desk={desk} change={change} help={help} />}>
        <Curves state={state} view={view.value} zoom={zoom} place={place} compared={compared} />
      </Panel>
    ),
    knobs: () => (
      <Panel key="knobs" name="knobs" title="Knobs" {...shared} aside={<span class="dlnb-quiet">take effect at the next step</span>}>
        <Knobs state={state} send={send} ask={ask} />
      </Panel>
    ),
    health: () => (
      <Panel key="health" name="health" title="Health" {...shared} aside={<Count count={state.health.value?.findings.length ?? 0} />}>
        <Health state={state} send={send} ask={ask} />
      </Panel>
    ),
    predictions: () => (
      <Panel key="predictions" name="predictions" title="Predictions" {...shared}>
        <Gallery state={state} />
      </Panel>
    ),
    layers: () => (
      <Panel key="layers" name="layers" title="Layers" {...shared}>
        <Layers state={state} />
      </Panel>
    ),
    time: () => (
      <Panel key="time" name="time" title="Time" {...shared}>
        <Timeline state={state} send={send} place={place} compared={compared} />
      </Panel>
    ),
  };
  const column = (names: PanelName[]) => names.filter((name) => name !== "predictions" || state.fixed.value.examples).map((name) => parts[name]());
  return (
    <div class={`dlnb-watch ${only ? "dlnb-only" : ""}`} data-state={now.state} onKeyDown={press}>
      <Controls now={now} send={send} small={only !== null}>
        {pictureInPicture() && <Float root={desk.root} />}
      </Controls>
      <Silence silent={state.silent} />
      {now.error && <Failure error={now.error} />}
      {now.word && (
        <p class="dlnb-notice" role="status">
          {now.word}
        </p>
      )}
      <Notice now={now} />
      {help.value && <Keys />}
      {only ? (
        parts[only]()
      ) : (
        <div class="dlnb-body">
          <div class="dlnb-main">{column(["curves", "health", "time", "layers"])}</div>
          <div class="dlnb-side">{column(["knobs", "predictions"])}</div>
          <Log state={state} />
        </div>
      )}
      <Spoken state={state} now={now} />
    </div>
  );
}

function Count({ count }: { count: number }) {
  return count ? <span class="dlnb-count">{count}</span> : <span class="dlnb-quiet">✓</span>;
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [uplotStyle, coreStyle, watchStyle], (root) => {
    const questions = new Questions(model, (kind, content) => channel.send(kind, content));
    const desk: Desk = new Desk(root, (kind, content) => channel.send(kind, content), questions.ask);
    const { state } = desk;
    const channel: Channel<WatchFrame> = new Channel<WatchFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.status.value === null || state.status.value.state === "running",
      (silent) => (state.silent.value = silent),
    );
    const stopLooking = desk.look();
    const close = () => {
      stopLooking();
      questions.close();
      channel.close();
    };
    return [<Watch desk={desk} />, close];
  });
}

export type { Desk };
export default { render };
