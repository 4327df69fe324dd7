// The timeline: the lines along which the run and its forks have gone, a scrubber that moves the run,
// and what can be done there: rewind, fork, note, compare, adopt.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number, written } from "../core/format";
import { Icon } from "../core/Icon";
import type { Send } from "./Controls";
import { wordsOf } from "./Knobs";
import { LineTree } from "./LineTree";
import { STATE_WORDS, type TimeLine, type WatchState } from "./state";

/** A step of a line that was pointed at. */
export interface Place {
  line: number;
  step: number;
}
interface Props {
  state: WatchState;
  send: Send;
  place: Signal<Place | null>;
  compared: Signal<ReadonlySet<number>>;
}

/** The step of the newest snapshot before a step, or 0. */
export function snapshotBefore(steps: ArrayLike<number>, step: number): number {
  let found = 0;
  for (let i = 0; i < steps.length && steps[i]! < step; i++) found = steps[i]!;
  return found;
}

export function rewind(state: WatchState, send: Send, place: Place | null): void {
  const time = state.time.value;
  if (!time || !place) return;
  send("seek", place.line === time.current ? { step: place.step } : { step: place.step, line: place.line });
}

/** A fork from where the run is; from another place the run goes there first. */
export function fork(state: WatchState, send: Send, place: Place | null): void {
  const now = state.status.value;
  const time = state.time.value;
  if (!now || !time) return;
  if (place && (place.step !== now.step || place.line !== time.current)) rewind(state, send, place);
  send("fork");
}

export function Timeline({ state, send, place, compared }: Props) {
  const text = useSignal("");
  const time = state.time.value;
  const now = state.status.value;
  if (!time || !now) return <p class="dlnb-quiet">Nothing has been kept yet.</p>;
  // The timeline is told less often than the step.
  const lines = time.lines.map((line) => (line.number === time.current && line.end < now.step ? { ...line, end: now.step } : line));
  const line = lines.find(({ number }) => number === time.current)!;
  const here = place.value ?? { line: time.current, step: now.step };
  const elsewhere = here.line !== time.current || here.step !== now.step;
  const note = () => {
    if (text.value.trim()) send("mark", { text: text.value.trim() });
    text.value = "";
  };
  return (
    <div class="dlnb-time">
      <LineTree state={state} time={{ ...time, lines }} now={now.step} place={place} />
      <Scrubber line={line} longest={Math.max(1, ...lines.map(({ end }) => end))} step={now.step} send={send} moved={() => (place.value = null)} />
      <p class="dlnb-quiet dlnb-here" role="status">
        {elsewhere ? `at ${name(lines, here.line)}, step ${here.step.toLocaleString("en")}` : `the run is at step ${now.step.toLocaleString("en")}${line.end > now.step ? ` of ${line.end.toLocaleString("en")} that this line has` : ""}`}
      </p>
      <div class="dlnb-row">
        <button type="button" data-action="rewind" disabled={!elsewhere} onClick={() => rewind(state, send, place.value)} aria-keyshortcuts="r" title="Everything as it was after that step">
          <Icon name="rewind" /> Rewind here
        </button>
        <button type="button" data-action="fork" onClick={() => fork(state, send, place.value)} aria-keyshortcuts="f" title="A new run from here, beside this one">
          <Icon name="fork" /> Fork here
        </button>
        <span class="dlnb-note">
          <input
            type="text"
            placeholder="note"
            aria-label="A note at this step"
            maxLength={200}
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Enter" && note()}
          />
          <button type="button" data-action="note" disabled={!text.value.trim()} onClick={note} aria-label="Write the note">
            <Icon name="note" />
          </button>
        </span>
      </div>
      {lines.length > 1 && <Lines lines={lines} current={time.current} state={state} send={send} compared={compared} />}
      <p class="dlnb-quiet" title="Memory that the snapshots take, and may take">
        {number(time.megabytes)} MB of {number(time.budget)} MB for going back
        {time.exact ? "" : "; steps made again came close, but not exactly to the same numbers"}
      </p>
    </div>
  );
}

function name(lines: TimeLine[], wanted: number): string {
  return lines.find(({ number }) => number === wanted)?.name ?? `line ${wanted}`;
}

/** A range input whose movement takes the run along; the kernel keeps the last of many wishes. */
function Scrubber({ line, longest, step, send, moved }: { line: TimeLine; longest: number; step: number; send: Send; moved: () => void }) {
  const held = useSignal<number | null>(null); // where the hand is, until the run is there
  const late = useRef<number>(0);
  useEffect(() => {
    if (held.value === step) held.value = null;
  }, [step, held]);
  useEffect(() => () => clearTimeout(late.current), []);
  const end = Math.max(1, line.end);
  return (
    <input
      type="range"
      class="dlnb-scrub"
      style={{ width: `calc(12px + (100% - 12px) * ${Math.min(1, end / longest)})` }}
      min={0}
      max={end}
      step={1}
      value={held.value ?? step}
      aria-label="Go to a step of this line"
      aria-valuetext={`step ${held.value ?? step} of ${end}`}
      onInput={(event) => {
        held.value = Number(event.currentTarget.value);
        moved();
        send("seek", { step: held.value, scrub: true });
        clearTimeout(late.current);
        late.current = window.setTimeout(() => (held.value = null), 5000); // refused, or the run went on
      }}
    />
  );
}

/** The lines as a list: what can be done with each. */
function Lines({ lines, current, state, send, compared }: { lines: TimeLine[]; current: number; state: WatchState; send: Send; compared: Signal<ReadonlySet<number>> }) {
  const toggle = (line: number) => {
    const now = new Set(compared.value);
    if (!now.delete(line)) now.add(line);
    compared.value = now;
  };
  return (
    <ul class="dlnb-lines" aria-label="Lines">
      {lines.map((line) => (
        <li key={line.number} data-line={line.number} class={line.number === current ? "dlnb-current" : ""}>
          <strong>{line.name}</strong>{" "}
          <span class="dlnb-quiet">
            {line.parent === null ? "" : `from ${line.start.toLocaleString("en")}`} {line.knobs}
          </span>{" "}
          {line.number === current ? (
            <span class="dlnb-quiet">this run</span>
          ) : (
            <>
              {line.run && (
                <span class={`dlnb-state dlnb-${line.run.state}`}>
                  {STATE_WORDS[line.run.state]} {line.run.step.toLocaleString("en")}
                  {line.run.loss === null ? "" : `, loss ${number(line.run.loss)}`}
                </span>
              )}{" "}
              <span class="dlnb-row">
                {line.run && <ForkButtons line={line} send={send} state={state} />}
                {!line.run && (
                  <button type="button" class="dlnb-small" title="The run goes over to the end of this line" onClick={() => send("seek", { step: line.end, line: line.number })}>
                    go there
                  </button>
                )}
                <label>
                  <input type="checkbox" checked={compared.value.has(line.number)} onChange={() => toggle(line.number)} /> compare
                </label>
              </span>
              {compared.value.has(line.number) && <Difference state={state} line={line} />}
            </>
          )}
        </li>
      ))}
    </ul>
  );
}

/** What a fork is told; a knob set in it makes it another than its parent. */
function ForkButtons({ line, send, state }: { line: TimeLine; send: Send; state: WatchState }) {
  const knob = useSignal("lr");
  const value = useSignal("");
  const set = () => {
    const wanted = written(value.value);
    if (wanted !== null) send("fork_do", { line: line.number, to: "set", knobs: { [knob.value]: wanted } });
    value.value = "";
  };
  const tell = (to: string) => () => send("fork_do", { line: line.number, to });
  const running = line.run!.state === "running";
  return (
    <>
      <button type="button" class="dlnb-small" data-action={running ? "fork-pause" : "fork-resume"} onClick={tell(running ? "pause" : "resume")}>
        {running ? "pause" : "resume"}
      </button>
      <button type="button" class="dlnb-small" onClick={tell("stop")} disabled={line.run!.state === "done"}>
        stop
      </button>
      <button type="button" class="dlnb-small" data-action="adopt" title="This run goes on from there, as the fork would" onClick={() => send("adopt", { line: line.number })}>
        adopt
      </button>
      <span class="dlnb-fork-set">
        <select aria-label={`A knob of ${line.name}`} value={knob.value} onChange={(event) => (knob.value = event.currentTarget.value)}>
          {state.knobs.value?.controls.map(({ name }) => (
            <option key={name} value={name}>
              {wordsOf(name)}
            </option>
          ))}
        </select>
        <input
          type="text"
          inputMode="decimal"
          placeholder="value"
          aria-label={`Its value in ${line.name}; Enter sets it`}
          value={value.value}
          onInput={(event) => (value.value = event.currentTarget.value)}
          onKeyDown={(event) => event.key === "Enter" && set()}
        />
      </span>
    </>
  );
}

/** Then and now in numbers: both losses at the last step that both have. */
function Difference({ state, line }: { state: WatchState; line: TimeLine }) {
  state.version.value;
  const [ours, theirs] = [state.curves.get("loss"), state.lines.get(line.number)?.get("loss")];
  if (!ours?.length || !theirs?.length) return null;
  const step = Math.min(ours.steps[ours.length - 1]!, theirs.steps[theirs.length - 1]!);
  const at = ({ steps, mean }: { steps: number[]; mean: number[] }) => average(mean, steps.filter((passed) => passed <= step).length - 1);
  return (
    <p class="dlnb-quiet">
      around step {step.toLocaleString("en")}: loss <b>{number(at(ours))}</b> here, <b>{number(at(theirs))}</b> there
    </p>
  );
}

/** The mean of the ten values up to `end`. */
function average(values: number[], end: number): number {
  const last = values.slice(Math.max(0, end - 9), end + 1).filter(Number.isFinite);
  return last.reduce((sum, value) => sum + value, 0) / last.length;
}
