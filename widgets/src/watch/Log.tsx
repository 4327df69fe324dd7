// What was done and said: the log of the run, the notice of a refused command, the sentences for a
// screen reader.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { SPOKEN } from "../core/Spoken";
import type { Failure as Broken, Status, WatchState } from "./state";

const SHOWN = 8000; // milliseconds that a notice stays

/** What was done to the run, newest first. */
export function Log({ state }: { state: WatchState }) {
  const marks = state.marks.value;
  if (!marks.length) return null;
  return (
    <section class="dlnb-log" role="group" aria-label="Log">
      <h3>What happened</h3>
      <ol reversed tabIndex={0}>
        {[...marks].reverse().map(({ step, text }, i) => (
          <li key={marks.length - i}>
            <span class="dlnb-quiet">step {step.toLocaleString("en")}</span> {text}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Why a command was refused. It goes by itself, and with the next command. */
export function Notice({ now }: { now: Status }) {
  const gone = useSignal(0);
  useEffect(() => {
    if (!now.notice) return;
    const timer = setTimeout(() => (gone.value = now.noticed), SHOWN);
    return () => clearTimeout(timer);
  }, [now.notice, now.noticed, gone]);
  if (!now.notice || gone.value === now.noticed) return null;
  return (
    <p class="dlnb-notice" role="alert">
      {now.notice}{" "}
      <button type="button" class="dlnb-small" aria-label="Close this notice" onClick={() => (gone.value = now.noticed)}>
        ✕
      </button>
    </p>
  );
}

export function Failure({ error }: { error: Broken }) {
  return (
    <section class="dlnb-failure" role="alert">
      <strong>{error.kind}</strong>
      <p>{error.words}</p>
      <details>
        <summary>The full traceback</summary>
        <pre tabIndex={0}>{error.traceback}</pre>
      </details>
    </section>
  );
}

/** What happened between two frames that is worth a sentence at once. */
export function event(before: Heard, now: Heard): string {
  const said: string[] = [];
  if (now.step < before.step) said.push(`Back at step ${now.step}.`);
  if (now.marks.length > before.marks.length) said.push(`${now.marks[now.marks.length - 1]}.`);
  if (now.findings.length) said.push(...now.findings.filter((sentence) => !before.findings.includes(sentence)));
  if (now.lines > before.lines) said.push("A new line began.");
  return said.join(" ");
}

interface Heard {
  state: string;
  step: number;
  marks: string[];
  findings: string[];
  lines: number;
}

function heard(state: WatchState): Heard {
  return {
    state: state.status.value?.state ?? "",
    step: state.status.value?.step ?? 0,
    marks: state.marks.value.map(({ text }) => text),
    findings: state.health.value?.findings.map(({ sentence }) => sentence) ?? [],
    lines: state.time.value?.lines.length ?? 0,
  };
}

/** Tells a screen reader how it goes: at once when something happened, else every ten seconds. */
export function Spoken({ state, now }: { state: WatchState; now: Status }) {
  const said = useSignal("");
  const last = useRef({ heard: heard(state), at: 0 });
  useEffect(() => {
    const time = performance.now();
    const [before, here] = [last.current.heard, heard(state)];
    const news = event(before, here);
    if (!news && here.state === before.state && last.current.at && time - last.current.at < SPOKEN) {
      last.current.heard = here;
      return;
    }
    last.current = { heard: here, at: time };
    said.value = news ? `${news} ${state.summary()}` : state.summary();
  });
  return (
    <div class="dlnb-spoken" aria-live="polite" data-state={now.state}>
      {said.value}
    </div>
  );
}
