// What if: a few settings of one knob, tried for some steps on the same batches. The run is as it was
// afterwards; the curves that might be are drawn as ghosts.
import { useSignal } from "@preact/signals";
import { number } from "../core/format";
import type { Send } from "./Controls";
import { GHOSTS } from "../core/theme";
import { wordsOf } from "./Knobs";
import type { WatchState } from "./state";

const STEPS = 50;
const FACTORS = [1 / 3, 1, 3];

/** The colour of the ghost of setting `i`. */
export function ghostColour(i: number): string {
  return GHOSTS[(i + 1) % GHOSTS.length]!;
}

export function WhatIf({ state, send }: { state: WatchState; send: Send }) {
  const open = useSignal(false);
  const chosen = useSignal("lr");
  const waiting = useSignal(-1);
  const knobs = state.knobs.value;
  const now = state.status.value;
  const shown = state.whatIf.value;
  const choices = knobs?.controls.filter(({ value, scale }) => (scale === "log" || scale === "linear") && value) ?? [];
  const control = choices.find(({ name }) => name === chosen.value) ?? choices[0];
  if (!knobs || !now || !control) return null;
  const settings = [...new Set(FACTORS.map((factor) => Number(Math.min(control.high, control.value! * factor).toPrecision(2))))];
  const looking = waiting.value >= 0 && waiting.value === (shown?.number ?? 0) && !now.notice;
  const go = () => {
    waiting.value = shown?.number ?? 0;
    send("what_if", { knob: control.name, values: settings, steps: STEPS });
  };
  return (
    <>
      <button type="button" data-action="what-if" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        What if …
      </button>
      {open.value && (
        <div class="dlnb-what-if" role="group" aria-label="What if">
          <select aria-label="Which knob" value={control.name} onChange={(event) => (chosen.value = event.currentTarget.value)}>
            {choices.map(({ name }) => (
              <option key={name} value={name}>
                {wordsOf(name)}
              </option>
            ))}
          </select>{" "}
          were {settings.map(number).join(", ")} for {STEPS} steps?{" "}
          <button type="button" data-action="what-if-go" disabled={looking || now.step >= now.total} onClick={go}>
            {looking ? "looking ahead …" : "Look ahead"}
          </button>
        </div>
      )}
      {shown && (
        <ul class="dlnb-fans" aria-label={`From step ${shown.step}, after ${shown.steps} steps`}>
          {shown.settings.map(({ value, loss }, i) => (
            <li key={value}>
              <i style={{ borderColor: `var(${ghostColour(i)})` }} aria-hidden="true" /> {wordsOf(shown.knob)} {number(value)}:{" "}
              <b>{loss === null ? "broke" : number(loss)}</b>{" "}
              <button type="button" class="dlnb-small" onClick={() => send("set", { knobs: { [shown.knob]: value } })}>
                take
              </button>
            </li>
          ))}
          <li>
            <button type="button" class="dlnb-small" onClick={() => send("forget", { what: "what_if" })}>
              clear ghosts
            </button>
          </li>
        </ul>
      )}
    </>
  );
}
