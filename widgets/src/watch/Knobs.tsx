// The knobs of the run: sliders and switches, the schedule, layers to hold still, undo, and the script
// that does the same.
import { useSignal } from "@preact/signals";
import { number } from "../core/format";
import { Icon } from "../core/Icon";
import { Slider } from "../core/Slider";
import type { Ask } from "./ask";
import type { Send } from "./Controls";
import type { Knobs as Told, WatchState } from "./state";
import { WhatIf } from "./WhatIf";

const WORDS: Record<string, string> = {
  lr: "learning rate",
  weight_decay: "weight decay",
  batch_size: "batch size",
  clip: "clip gradients at",
};

/** The name of a knob in words. */
export function wordsOf(name: string): string {
  return WORDS[name] ?? name.replaceAll("_", " ");
}

const FEW = 6; // knobs that are shown at first

export function Knobs({ state, send, ask }: { state: WatchState; send: Send; ask: Ask }) {
  const all = useSignal(false);
  const knobs = state.knobs.value;
  const now = state.status.value;
  if (!knobs || !now) return <p class="dlnb-quiet">No knobs are known yet.</p>;
  const off = now.step >= now.total && now.state === "done";
  const shown = all.value ? knobs.controls : knobs.controls.slice(0, FEW);
  return (
    <div class="dlnb-knobs">
      {shown.map((control) => (
        <Slider
          key={control.name}
          control={control}
          label={wordsOf(control.name)}
          off={off && control.name !== "epochs"}
          aside={control.name === "lr" && knobs.schedule && !knobs.schedule.held ? "follows its schedule" : undefined}
          set={(value) => send("set", { knobs: { [control.name]: value } })}
        />
      ))}
      {knobs.controls.length > FEW && (
        <button type="button" class="dlnb-small" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
          {all.value ? "fewer knobs" : `${knobs.controls.length - FEW} more knobs`}
        </button>
      )}
      <Schedule knobs={knobs} state={state} send={send} off={off} />
      <Layers knobs={knobs} send={send} off={off} />
      <div class="dlnb-row">
        <button type="button" data-action="undo" disabled={!knobs.undo} onClick={() => send("undo")} title={knobs.undo ? `Take back: ${knobs.undo}` : "Nothing to take back"}>
          <Icon name="undo" /> Undo
        </button>
        <WhatIf state={state} send={send} />
        <Script ask={ask} />
      </div>
    </div>
  );
}

/** Where the schedule is, and what holds, lets go, scales or ends it. */
function Schedule({ knobs, state, send, off }: { knobs: Told; state: WatchState; send: Send; off: boolean }) {
  const schedule = knobs.schedule;
  if (!schedule) return null;
  const rates = state.curves.get("lr");
  return (
    <div class="dlnb-schedule" role="group" aria-label="Schedule of the learning rate">
      <span>
        {schedule.words}
        {schedule.held ? ", held" : ""}
        {schedule.scale === 1 ? "" : `, × ${number(schedule.scale)}`}
      </span>
      {rates && rates.length > 2 && <Sparkline values={rates.mean} />}
      <span class="dlnb-row">
        <button type="button" class="dlnb-small" data-action="schedule-hold" disabled={off} onClick={() => send("set", { knobs: { schedule: schedule.held ? "go" : "hold" } })}>
          {schedule.held ? "go on" : "hold"}
        </button>
        {[0.5, 2].map((factor) => (
          <button key={factor} type="button" class="dlnb-small" disabled={off} title={`Multiply what the schedule gives by ${factor}`} onClick={() => send("set", { knobs: { lr_scale: schedule.scale * factor } })}>
            {factor === 2 ? "× 2" : "× ½"}
          </button>
        ))}
        <button type="button" class="dlnb-small" data-action="schedule-off" disabled={off} onClick={() => send("set", { knobs: { schedule: "off" } })}>
          off
        </button>
      </span>
    </div>
  );
}

/** A curve the size of a word. */
export function Sparkline({ values, label }: { values: number[]; label?: string }) {
  const finite = values.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const every = Math.ceil(values.length / 120);
  const points = values
    .filter((_, i) => i % every === 0 || i === values.length - 1)
    .map((value, i, kept) => [(100 * i) / Math.max(1, kept.length - 1), high > low ? 22 - (20 * (value - low)) / (high - low) : 12])
    .filter(([, y]) => Number.isFinite(y))
    .map(([x, y]) => `${x!.toFixed(1)},${y!.toFixed(1)}`);
  return (
    <svg class="dlnb-spark" viewBox="0 0 100 24" preserveAspectRatio="none" role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      <polyline points={points.join(" ")} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" />
    </svg>
  );
}

/** Layers that can be held still while the others learn. */
function Layers({ knobs, send, off }: { knobs: Told; send: Send; off: boolean }) {
  if (knobs.layers.length < 2) return null;
  const frozen = knobs.layers.filter((layer) => layer.frozen).length;
  return (
    <details class="dlnb-freeze">
      <summary>
        freeze layers <span class="dlnb-quiet">{frozen ? `${frozen} of ${knobs.layers.length} held still` : "none held still"}</span>
      </summary>
      <ul>
        {knobs.layers.map(({ name, frozen }) => (
          <li key={name}>
            <label>
              <input type="checkbox" role="switch" checked={frozen} disabled={off} onChange={(event) => send(event.currentTarget.checked ? "freeze" : "unfreeze", { layer: name })} />{" "}
              <code>{name}</code>
            </label>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Ready for Ctrl+C. */
function select(field: HTMLTextAreaElement | null): void {
  field?.select();
}

/** The session as a Python script: on the clipboard, and in a field where the clipboard is closed. */
function Script({ ask }: { ask: Ask }) {
  const script = useSignal<string | null>(null);
  const said = useSignal("");
  const copy = async () => {
    try {
      script.value = String((await ask("script")).answer["text"]);
      await navigator.clipboard.writeText(script.value);
      said.value = "copied";
    } catch (error) {
      said.value = script.value === null ? (error as Error).message : "press Ctrl+C to copy";
    }
  };
  return (
    <>
      <button type="button" data-action="script" onClick={() => void copy()} title="This training, with all that was turned and when, as a script that gives the same numbers">
        <Icon name="code" /> Copy as Python
      </button>
      <span role="status" class="dlnb-quiet">
        {said.value}
      </span>
      {script.value !== null && (
        <div class="dlnb-script">
          <textarea readOnly rows={10} value={script.value} aria-label="This training as Python" ref={select} />
          <button type="button" class="dlnb-small" onClick={() => ((script.value = null), (said.value = ""))}>
            close
          </button>
        </div>
      )}
    </>
  );
}
