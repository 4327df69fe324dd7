// The head of the dashboard: what trains, how far it is, and the buttons that hold it.
import type { ComponentChildren } from "preact";
import { duration, number, percent } from "../core/format";
import { Icon } from "../core/Icon";
import { STATE_WORDS, type Status } from "./state";

export type Send = (kind: string, content?: object) => void;

const BUSY = 1.5; // times slower than alone, from which on it is said

interface Props {
  now: Status;
  send: Send;
  /** Whether only what holds the run is shown, as over a panel that is alone. */
  small?: boolean;
  children?: ComponentChildren;
}

export function Controls({ now, send, small, children }: Props) {
  const over = now.state === "done";
  const full = now.step >= now.total;
  const running = now.state === "running";
  const done = now.total ? now.step / now.total : 0;
  return (
    <div class="dlnb-head">
      <div class="dlnb-title">
        <strong>
          {now.model} <span class="dlnb-quiet">on {now.task}</span>
        </strong>
        <span class={`dlnb-state dlnb-${now.state}`}>{STATE_WORDS[now.state]}</span>
      </div>
      <div class="dlnb-buttons" role="toolbar" aria-label="Training">
        {running ? (
          <button type="button" data-action="pause" onClick={() => send("pause")} aria-keyshortcuts="Space">
            <Icon name="pause" /> Pause
          </button>
        ) : (
          <button type="button" data-action="resume" disabled={full} onClick={() => send("resume")} aria-keyshortcuts="Space">
            <Icon name="play" /> {now.state === "failed" ? "Try again" : now.state === "ready" ? "Start" : "Resume"}
          </button>
        )}
        <button
          type="button"
          data-action="step"
          disabled={running || full}
          title="One step (with Shift: ten)"
          onClick={(event) => send("step", { count: event.shiftKey ? 10 : 1 })}
          aria-keyshortcuts="."
        >
          <Icon name="step" /> Step
        </button>
        {!small && (
          <button type="button" data-action="stop" disabled={over || now.state === "failed"} title="End the run; Resume can still take it up again" onClick={() => send("stop")}>
            <Icon name="stop" /> Stop
          </button>
        )}
        {children}
      </div>
      {!small && <progress value={done} max={1} aria-label={`${Math.round(done * 100)} percent of the steps taken`} />}
      <p class="dlnb-facts">
        <span>
          step <b class="dlnb-step">{now.step.toLocaleString("en")}</b> of {now.total.toLocaleString("en")}
        </span>
        {!small && (
          <>
            <span>
              epoch {Math.min(now.epoch + 1, now.epochs)} of {now.epochs}
            </span>
            <span>{now.rate === null ? "–" : `${number(now.rate)} steps/s`}</span>
            <span>{over || full ? `took ${duration(now.seconds)}` : `${duration(now.left)} left`}</span>
            <span title="The share of the training time spent on frames, predictions, probes and snapshots; carrying frames to the browser is not counted">
              watching costs {percent(now.observing)}
            </span>
          </>
        )}
        {running && now.busy > BUSY && (
          <span class="dlnb-busy" role="status">
            a busy cell slows training {now.busy.toFixed(1)} times
          </span>
        )}
      </p>
    </div>
  );
}
