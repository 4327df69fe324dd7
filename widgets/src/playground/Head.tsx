// The head: play and pause, one sample, one batch, one epoch, back and forth in time, begin again, take back.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { number } from "../core/format";
import { Icon } from "../core/Icon";
import type { PlaygroundState, Send } from "./state";

/** How fast it plays: at full speed the kernel goes on by itself, else the next steps are ordered when the last have come. */
export const SPEEDS = [
  { words: "full speed", unit: "", count: 0, wait: 0 },
  { words: "5 epochs a second", unit: "epoch", count: 1, wait: 200 },
  { words: "1 epoch a second", unit: "epoch", count: 1, wait: 1000 },
  { words: "10 batches a second", unit: "batch", count: 1, wait: 100 },
  { words: "2 batches a second", unit: "batch", count: 1, wait: 500 },
] as const;

/** How it is played from here. */
export class Player {
  constructor(
    readonly state: PlaygroundState,
    readonly send: Send,
    readonly speed: Signal<number>,
    readonly walking: Signal<boolean>,
  ) {}

  get playing(): boolean {
    return this.walking.value || (this.state.status.value?.playing ?? false);
  }

  toggle(): void {
    if (this.playing) return this.pause();
    if (this.speed.value === 0) this.send("play", { value: true });
    else this.walking.value = true;
  }

  pause(): void {
    this.walking.value = false;
    if (this.state.status.value?.playing) this.send("play", { value: false });
  }

  step(unit: string): void {
    this.pause();
    this.send("step", { unit });
  }

  seek(epoch: number): void {
    this.pause();
    this.send("seek", { epoch });
  }

  faster(speed: number): void {
    const was = this.playing;
    if (was) this.pause();
    this.speed.value = speed;
    if (was) this.toggle();
  }
}

export function Head({ player, table, help }: { player: Player; table: Signal<boolean>; help: Signal<boolean> }) {
  const { state, send, speed, walking } = player;
  const status = state.status.value!;
  const seen = state.frames.value;
  const seed = useSignal<string | null>(null);
  const noticed = useSignal(status.noticed);
  useEffect(() => {
    if (!walking.value) {
      noticed.value = status.noticed;
      return undefined;
    }
    if (status.noticed > noticed.value || status.pending) {
      walking.value = false; // something went wrong
      return undefined;
    }
    const { unit, count, wait } = SPEEDS[speed.value]!;
    const order = setTimeout(() => send("step", { unit, count }), wait);
    return () => clearTimeout(order);
  }, [walking.value, seen, speed.value]);
  const { network } = state.structure.value!;
  const resting = status.seeds ? status.seeds.epoch : status.epoch;
  const restart = () => {
    player.pause();
    send("restart");
  };
  const another = (text: string | null) => {
    seed.value = null;
    const wanted = Number(text);
    if (text?.trim() && Number.isInteger(wanted) && wanted !== network.seed) send("restart", { seed: wanted });
  };
  return (
    <header class="dlnb-head">
      <span class="dlnb-row">
        <button type="button" data-action="restart" aria-keyshortcuts="r" title="Begin again from the same first weights" onClick={restart}>
          <Icon name="rewind" /> Begin again
        </button>
        <button type="button" class="dlnb-play" data-action="play" aria-keyshortcuts="Space" disabled={status.pending !== ""} onClick={() => player.toggle()}>
          <Icon name={player.playing ? "pause" : "play"} /> {player.playing ? "Pause" : "Play"}
        </button>
        {(["sample", "batch", "epoch"] as const).map((unit) => (
          <button key={unit} type="button" data-action={unit} aria-keyshortcuts={unit[0]} title={`Learn from one ${unit}`} disabled={status.pending !== ""} onClick={() => player.step(unit)}>
            <Icon name="step" /> {unit}
          </button>
        ))}
        <select aria-label="Speed" value={String(speed.value)} onChange={(event) => player.faster(Number(event.currentTarget.value))}>
          {SPEEDS.map(({ words }, k) => (
            <option key={words} value={String(k)}>
              {words}
            </option>
          ))}
        </select>
      </span>
      <span class="dlnb-row dlnb-time">
        <b class="dlnb-epoch">epoch {resting.toLocaleString("en")}</b>
        {!status.playing && !status.seeds && status.place > 0 && (
          <span class="dlnb-quiet">
            and {status.place} of {state.structure.value!.data.trains} points
          </span>
        )}
        {!status.seeds && (
          <>
            <button type="button" data-action="back" aria-keyshortcuts="," aria-label="One epoch back" disabled={status.epoch === 0 && status.place === 0} onClick={() => player.seek(Math.max(0, status.place ? status.epoch : status.epoch - 1))}>
              <Icon name="undo" />
            </button>
            <input
              type="range"
              data-action="seek"
              min={0}
              max={Math.max(1, status.furthest)}
              value={status.epoch}
              disabled={status.furthest === 0}
              aria-label="Go back to an epoch"
              aria-valuetext={`epoch ${status.epoch}`}
              onInput={(event) => player.seek(Number(event.currentTarget.value))}
            />
          </>
        )}
        <span class="dlnb-quiet dlnb-pace">{status.pace ? (status.pace.epochs >= 1 ? `${number(status.pace.epochs)} epochs/s` : `${number(status.pace.steps)} steps/s`) : ""}</span>
      </span>
      <span class="dlnb-spring" />
      <span class="dlnb-row">
        <label>
          seed{" "}
          <input
            type="text"
            inputMode="numeric"
            class="dlnb-seed"
            data-setting="seed"
            value={seed.value ?? String(network.seed)}
            title="Where the first weights come from: the same seed, the same start"
            onInput={(event) => (seed.value = event.currentTarget.value)}
            onBlur={() => another(seed.value)}
            onKeyDown={(event) => event.key === "Enter" && another(seed.value)}
          />
        </label>
        <button type="button" data-action="reseed" title="Begin again from other first weights" onClick={() => send("restart", { seed: network.seed + 1 })}>
          other seed
        </button>
        <button type="button" data-action="undo" aria-keyshortcuts="u" disabled={!status.undo} title={status.undo ? `Take back: ${status.undo}` : "Nothing to take back"} onClick={() => send("undo")}>
          <Icon name="undo" /> Undo
        </button>
        <label>
          <input type="checkbox" checked={table.value} onChange={(event) => (table.value = event.currentTarget.checked)} /> table
        </label>
        <button type="button" class="dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={() => (help.value = !help.value)}>
          ?
        </button>
      </span>
    </header>
  );
}
