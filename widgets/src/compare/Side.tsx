// Beside the curves: the line that is chosen and what can be done with it, what mattered, and how the goal follows each setting.
import { useSignal } from "@preact/signals";
import { number, percent } from "../core/format";
import { Icon } from "../core/Icon";
import { themed } from "../core/theme";
import { Canvas, type Paint } from "./canvas";
import { mostImportant } from "./Parallel";
import { colours, marks } from "./paint";
import { type Axis, type CompareState, share } from "./state";

export type Send = (kind: string, content?: object) => void;

const RATES: [string, number][] = [["as it is", 1], ["lr × 3", 3], ["lr × 10", 10], ["lr / 3", 1 / 3], ["lr / 10", 0.1]]; // prettier-ignore
const HEIGHT = 96;
const ROOM = { left: 38, right: 8, top: 6, bottom: 18 };

export function Selected({ state, send }: { state: CompareState; send: Send }) {
  const scale = useSignal(1);
  const i = state.selected.value;
  const line = i === null ? undefined : state.lines.value[i];
  if (i === null || !line)
    return (
      <section class="dlnb-selected">
        <h3>No line chosen</h3>
        <p class="dlnb-quiet">Click a curve or a row of the table, or move along the curves with ↑ and ↓.</p>
      </section>
    );
  const alive = line.state === "running" || line.state === "paused";
  return (
    <section class="dlnb-selected" role="group" aria-label={`The chosen line, ${line.label}`}>
      <h3>
        {line.label} <span class="dlnb-quiet">{line.promoted && alive ? "promoted" : line.state}, step {line.step.toLocaleString("en")} of {line.total.toLocaleString("en")}</span>
      </h3>
      <dl>
        {[...state.axes.value, state.goalAxis()].map((axis) => (
          <div key={axis.name}>
            <dt>{axis.name.replaceAll("_", " ")}</dt>
            <dd>{state.words(axis, i)}</dd>
          </div>
        ))}
      </dl>
      <div class="dlnb-buttons">
        <button type="button" data-action="stop-line" disabled={!alive} onClick={() => send("stop", { line: i })}>
          <Icon name="stop" /> Stop
        </button>
        <button
          type="button"
          data-action="promote"
          disabled={line.kind === "setting" || line.promoted}
          title={line.kind === "setting" ? "Settings that train at once end together: fork this one" : "Let it go on unpruned, and twice as long"}
          onClick={() => send("promote", { line: i })}
        >
          <Icon name="play" /> Promote
        </button>
        <span class="dlnb-fork">
          <button type="button" data-action="fork" title="A run of its own from where this line is" onClick={() => send("fork", { line: i, scale: scale.value })}>
            <Icon name="fork" /> Fork
          </button>
          <select aria-label="Learning rate of the fork" value={String(scale.value)} onChange={(event) => (scale.value = Number(event.currentTarget.value))}>
            {RATES.map(([text, value]) => (
              <option key={text} value={String(value)}>
                {text}
              </option>
            ))}
          </select>
        </span>
      </div>
    </section>
  );
}

export function Importance({ state }: { state: CompareState }) {
  const importance = state.status.value?.importance ?? [];
  if (!importance.length) return null;
  return (
    <section class="dlnb-importance">
      <h3 title="PED-ANOVA: how much a setting decided whether a trial was among the good ones">What mattered</h3>
      <ul>
        {importance.map(([name, part]) => (
          <li key={name}>
            <span>{name.replaceAll("_", " ")}</span>
            <i style={{ width: `${Math.max(1, 100 * part)}%` }} aria-hidden="true" />
            <b>{percent(part)}</b>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The goal over each setting, one small picture a setting. */
export function Responses({ state }: { state: CompareState }) {
  state.version.value;
  const known = state.lines.value.filter((line) => Number.isFinite(line.value)).length;
  const axes = mostImportant(state).filter((axis) => new Set([...axis.values].filter(Number.isFinite)).size > 1);
  if (known < 3 || !axes.length) return null;
  const goal = state.goalAxis();
  return (
    <section class="dlnb-responses" role="group" aria-label="The goal over each setting">
      <h3>{goal.name.replaceAll("_", " ")} over each setting</h3>
      <div class="dlnb-grid">
        {axes.map((axis) => (
          <Response key={axis.name} state={state} axis={axis} goal={goal} />
        ))}
      </div>
    </section>
  );
}

function Response({ state, axis, goal }: { state: CompareState; axis: Axis; goal: Axis }) {
  const lines = state.lines.value;
  const selected = state.selected.value;
  const at = (i: number, width: number, height: number): [number, number] => [
    ROOM.left + share(axis, axis.values[i]!) * (width - ROOM.left - ROOM.right),
    height - ROOM.bottom - share(goal, goal.values[i]!) * (height - ROOM.top - ROOM.bottom),
  ];
  const paint: Paint = (context, width, height, host) => {
    const ink = colours(host, lines);
    context.font = "10px " + themed(host, "--jp-ui-font-family", "sans-serif");
    context.fillStyle = themed(host, "--jp-ui-font-color2", "#666");
    context.strokeStyle = themed(host, "--jp-border-color2", "#8884");
    context.strokeRect(ROOM.left, ROOM.top, width - ROOM.left - ROOM.right, height - ROOM.top - ROOM.bottom);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const value of marks(goal.low, goal.high, goal.log, 2))
      context.fillText(number(value), ROOM.left - 4, height - ROOM.bottom - share(goal, value) * (height - ROOM.top - ROOM.bottom));
    context.textBaseline = "top";
    const ticks: [string, number][] = axis.choices
      ? axis.choices.map((choice, i) => [choice.slice(0, 9), share(axis, i)])
      : marks(axis.low, axis.high, axis.log, 3).map((value) => [number(value), share(axis, value)]);
    for (const [text, place] of ticks) {
      context.textAlign = place < 0.15 ? "left" : place > 0.85 ? "right" : "center";
      context.fillText(text, ROOM.left + place * (width - ROOM.left - ROOM.right), height - ROOM.bottom + 5);
    }
    lines.forEach((_, i) => {
      const [x, y] = at(i, width, height);
      if (Number.isNaN(x) || Number.isNaN(y)) return;
      context.globalAlpha = state.isChosen(i) ? 0.9 : 0.12;
      context.fillStyle = ink[i]!;
      context.beginPath();
      context.arc(x, y, i === selected ? 5 : lines.length > 100 ? 2 : 3, 0, 2 * Math.PI);
      context.fill();
    });
    context.globalAlpha = 1;
  };
  const choose = (event: MouseEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const away = lines.map((_, i) => Math.hypot(...at(i, box.width, HEIGHT).map((p, k) => p - [event.clientX - box.left, event.clientY - box.top][k]!)));
    const nearest = away.reduce((best, distance, i) => (distance < (away[best] ?? Infinity) ? i : best), -1);
    if (nearest >= 0 && away[nearest]! < 12) state.selected.value = nearest;
  };
  return (
    <figure>
      <figcaption>{axis.name.replaceAll("_", " ")}</figcaption>
      <div role="img" aria-label={`${goal.name} over ${axis.name}. ${trend(axis, goal)} The table has the numbers.`} onClick={choose}>
        <Canvas paint={paint} height={HEIGHT} />
      </div>
    </figure>
  );
}

/** How the goal follows a setting, in words: the third of the lines with the lowest against that with the highest values. */
export function trend(axis: Axis, goal: Axis): string {
  const pairs = [...axis.values].map((value, i) => [value, goal.values[i]!] as const).filter((pair) => pair.every(Number.isFinite));
  if (pairs.length < 6) return "";
  pairs.sort((a, b) => a[0] - b[0]);
  const third = Math.floor(pairs.length / 3);
  const middle = (some: (readonly [number, number])[]) => some.map((pair) => pair[1]).sort((a, b) => a - b)[Math.floor(some.length / 2)]!;
  return `At low ${axis.name} the middle one has ${number(middle(pairs.slice(0, third)))}, at high ${number(middle(pairs.slice(-third)))}.`;
}
