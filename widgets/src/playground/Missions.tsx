// The missions: a task, its conditions with what holds by now, and what it shows once it is passed.
import { useSignal } from "@preact/signals";
import type { PlaygroundState, Send } from "./state";

export function Missions({ state, send }: { state: PlaygroundState; send: Send }) {
  const { missions } = state.fixed.value!;
  const status = state.calm.value!;
  const chosen = useSignal<number | null>(null);
  const at = status.mission;
  const mission = at === null ? null : missions[at]!;
  const passed = mission !== null && status.passed.includes(mission.name);
  const next = chosen.value ?? (at === null ? 0 : passed ? Math.min(missions.length - 1, at + 1) : at);
  return (
    <section class="dlnb-missions" role="group" aria-label="Missions">
      <h3>
        Missions <span class="dlnb-quiet">{status.passed.length} of {missions.length} passed</span>
      </h3>
      <div class="dlnb-row">
        <select data-setting="mission" aria-label="Mission" value={String(next)} onChange={(event) => (chosen.value = Number(event.currentTarget.value))}>
          {missions.map(({ name, title }, k) => (
            <option key={name} value={String(k)}>
              {k + 1}. {title}
              {status.passed.includes(name) ? " ✓" : ""}
            </option>
          ))}
        </select>
        <button
          type="button"
          data-action="mission"
          onClick={() => {
            send("mission", { number: next });
            chosen.value = null;
          }}
        >
          {at === next ? "Begin again" : "Begin"}
        </button>
        {mission && (
          <button type="button" class="dlnb-small" data-action="end-mission" onClick={() => send("mission", { number: null })}>
            end it
          </button>
        )}
      </div>
      {mission && (
        <div class="dlnb-mission" data-passed={passed}>
          <p>
            <b>{mission.title}.</b> {mission.task}
          </p>
          <ul>
            {mission.conditions.map((words, k) => (
              <li key={words} data-held={status.held[k] ?? false}>
                <span aria-hidden="true">{status.held[k] ? "✓" : "○"}</span> {words}
                <span class="dlnb-spoken">{status.held[k] ? ": yes" : ": not yet"}</span>
              </li>
            ))}
          </ul>
          {passed && (
            <p class="dlnb-passed" role="status">
              <b>Passed.</b> {mission.why}
            </p>
          )}
        </div>
      )}
    </section>
  );
}
