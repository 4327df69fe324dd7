// What runs just now: memory against the limit, and each kernel with its runs and their controls.
import { type ReactElement, useSyncExternalStore } from "react";
import { bytesText, type Command, type LiveKernel, type LiveRun, memoryText, memoryWarning, type Running, runText } from "./live";

/** Which notebook a kernel belongs to, and the way to it. */
export interface KernelNames {
  nameOf(kernel: string): string;
  open(kernel: string): void;
  tell(kernel: string, run: string, command: Command): void;
}

interface Props {
  running: Running;
  kernels: KernelNames;
}

export function Runs({ running, kernels }: Props): ReactElement | null {
  const { live, trouble } = useSyncExternalStore(running.subscribe, running.snapshot);
  if (!live || !live.kernels.length) return null;
  const warning = memoryWarning(live.memory);
  const share = Math.min(1, live.memory.used / live.memory.limit);
  return (
    <section className="dlnb-running" aria-labelledby="dlnb-running">
      <h3 id="dlnb-running">
        Running <small title={`Memory in use of this ${live.memory.where}`}>Memory {memoryText(live.memory)}</small>
      </h3>
      <div
        className="dlnb-meter"
        role="meter"
        aria-label="Memory in use"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(100 * share)}
        aria-valuetext={memoryText(live.memory)}
        data-full={warning ? "nearly" : undefined}
      >
        <div style={{ width: `${100 * share}%` }} />
      </div>
      {warning && (
        <p className="dlnb-notice" role="alert">
          {warning}
        </p>
      )}
      {trouble && (
        <p className="dlnb-notice" role="alert">
          {trouble}
        </p>
      )}
      <ul role="list" aria-labelledby="dlnb-running">
        {live.kernels.map((kernel) => (
          <li key={kernel.id}>
            <button type="button" className="dlnb-kernel" onClick={() => kernels.open(kernel.id)}>
              <span>{kernels.nameOf(kernel.id)}</span>
              {kernel.memory !== null && <small>{bytesText(kernel.memory)}</small>}
            </button>
            {kernel.runs.length > 0 && <KernelRuns kernel={kernel} kernels={kernels} />}
          </li>
        ))}
      </ul>
    </section>
  );
}

function KernelRuns({ kernel, kernels }: { kernel: LiveKernel; kernels: KernelNames }): ReactElement {
  return (
    <ul role="list" aria-label={`Runs of ${kernels.nameOf(kernel.id)}`}>
      {kernel.runs.map((run) => (
        <li className="dlnb-run" key={run.id} data-state={run.state}>
          <span className="dlnb-title">{run.name}</span>
          <span className="dlnb-meta">
            {runText(run)}
            {kernel.old && " (does not answer just now)"}
          </span>
          {run.error && <span className="dlnb-meta">{run.error}</span>}
          <div className="dlnb-actions">
            {controls(run).map(([command, label]) => (
              <button
                type="button"
                className="dlnb-action"
                key={command}
                aria-label={`${label} ${run.name}`}
                onClick={() => kernels.tell(kernel.id, run.id, command)}
              >
                {label}
              </button>
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}

/** What can be done with a run in its state. */
function controls(run: LiveRun): [Command, string][] {
  const stop: [Command, string] = ["stop", "Stop"];
  return run.state === "running" ? [["pause", "Pause"], stop] : [["resume", run.state === "failed" ? "Try again" : "Resume"], stop];
}
