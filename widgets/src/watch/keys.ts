// What the keys do anywhere in the dashboard.
import type { Send } from "./Controls";
import type { View } from "./Curves";
import { arrow, placing } from "../core/places";
import { fork, type Place, rewind, snapshotBefore } from "./Timeline";
import type { WatchState } from "./state";

export interface Hands {
  state: WatchState;
  send: Send;
  place: Place | null;
  view: View;
  change: (part: Partial<View>) => void;
  help: () => void;
  /** What the keys have made of the learning rate, and when. */
  turned: { lr: number; at: number };
}

const CONFIRM = 1000; // milliseconds in which the run confirms a key; the next key until then goes on from its value

/** What a key does now, or nothing. */
export function keyAction(key: string, { state, send, place, view, change, help, turned }: Hands): (() => void) | undefined {
  const now = state.status.value;
  if (!now) return undefined;
  const time = state.time.value;
  const running = now.state === "running";
  const left = now.step < now.total;
  const turn = (presses: number) => {
    const rate = state.knobs.value?.controls.find(({ name }) => name === "lr");
    if (!rate?.value) return;
    const from = performance.now() - turned.at < CONFIRM ? turned.lr : rate.value;
    Object.assign(turned, { lr: arrow(placing(rate), from, presses), at: performance.now() });
    send("set", { knobs: { lr: turned.lr } });
  };
  const commands: Record<string, () => void> = {
    " ": () => left && send(running ? "pause" : "resume"), // as the buttons, which are off at the end
    ".": () => left && !running && send("step", { count: 1 }),
    ",": () => time && send("seek", { step: snapshotBefore(state.snapshots.get(time.current) ?? [], now.step) }),
    "[": () => left && turn(-1),
    "]": () => left && turn(1),
    r: () => rewind(state, send, place),
    f: () => fork(state, send, place),
    l: () => change({ logarithmic: !view.logarithmic }),
    t: () => change({ table: !view.table }),
    "?": help,
  };
  return Object.hasOwn(commands, key) ? commands[key] : undefined;
}
