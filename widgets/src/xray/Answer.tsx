// What the model says now, and what it said before something was switched off.
import { number, percent } from "../core/format";
import { type Answer as Said, words, type XrayState } from "./state";
import type { Send } from "./Tree";

const BARS = 12;

export function Answer({ state, send }: { state: XrayState; send: Send }) {
  const status = state.status.value!;
  const answer = state.answer.value;
  if (!answer) return null;
  const measured = Object.entries(answer.measures);
  return (
    <section class="dlnb-answer" role="group" aria-label="What the model says">
      {measured.length > 0 && (
        <div class="dlnb-measures">
          {measured.map(([name, value]) => (
            <span key={name} data-measure={name}>
              <span class="dlnb-quiet">{name}</span>{" "}
              {answer.before ? (
                <>
                  {apart(answer.before[name], value)[0]} → <b>{apart(answer.before[name], value)[1]}</b>
                </>
              ) : (
                <b>{apart(value, value)[0]}</b>
              )}
            </span>
          ))}
        </div>
      )}
      {status.off.length > 0 && (
        <div class="dlnb-row dlnb-off" role="group" aria-label="Switched off">
          {status.off.map((part) => (
            <button type="button" key={words(part)} onClick={() => send("off", { ...part, value: false })} title="Switch on again">
              {words(part)} <span aria-hidden="true">×</span>
            </button>
          ))}
          <button type="button" data-action="restore" onClick={() => send("restore")}>
            Switch all on
          </button>
        </div>
      )}
      {answer.before && <Effect answer={answer} />}
      {answer.now && <Bars answer={answer} classes={status.classes} />}
      {answer.problems.map((problem) => (
        <p key={problem} class="dlnb-notice">
          {problem}
        </p>
      ))}
    </section>
  );
}

/** Two numbers with as many digits as tell them apart, six at most; null is one that JSON does not have. */
export function apart(before: number | null | undefined, after: number | null | undefined): [string, string] {
  const said = (value: number | null | undefined) => (value === null ? "NaN" : number(value));
  const short: [string, string] = [said(before), said(after)];
  if (short[0] !== short[1] || before === after || typeof before !== "number" || typeof after !== "number") return short;
  for (let digits = 4; digits <= 6; digits++) {
    const longer: [string, string] = [before.toPrecision(digits), after.toPrecision(digits)];
    if (longer[0] !== longer[1]) return longer;
  }
  return short;
}

function Effect({ answer }: { answer: Said }) {
  const parts: string[] = [];
  if (answer.changed !== null) parts.push(`${answer.changed} of ${answer.examples} answers are others now`);
  if (answer.difference !== null) parts.push(`the output moved by ${percent(answer.difference)} of its size`);
  return parts.length ? <p>{parts.join("; ")}.</p> : null;
}

/** The output for the example shown: blue above, orange below zero; a tick where it was before. */
function Bars({ answer, classes }: { answer: Said; classes: string[] }) {
  const now = answer.now!;
  const then = answer.then;
  const count = Math.min(now.length, BARS);
  const largest = Math.max(1e-30, ...[...now, ...(then ?? [])].filter(Number.isFinite).map(Math.abs));
  const negative = [...now, ...(then ?? [])].some((value) => value < 0);
  const place = (value: number) => (negative ? 50 + (50 * value) / largest : (100 * value) / largest);
  return (
    <figure class="dlnb-bars">
      <figcaption class="dlnb-quiet">
        output for example {answer.example}
        {answer.truth !== null && `, truly ${classes[answer.truth] ?? answer.truth}`}
        {now.length > BARS && ` (the first ${BARS} of ${now.length})`}
      </figcaption>
      <ul>
        {Array.from({ length: count }, (_, k) => {
          const [from, to] = [place(0), place(Number.isFinite(now[k]!) ? now[k]! : 0)];
          const name = classes.length === now.length ? classes[k]! : String(k);
          return (
            <li key={k} class={k === answer.truth ? "dlnb-truth" : ""}>
              <span class="dlnb-class">{name}</span>
              <span class="dlnb-bar">
                <i class={now[k]! < 0 ? "dlnb-below" : ""} style={{ left: `${Math.min(from, to)}%`, width: `${Math.abs(to - from)}%` }} />
                {then && Number.isFinite(then[k]!) && <b style={{ left: `${place(then[k]!)}%` }} title={`before: ${number(then[k])}`} />}
              </span>
              <span class="dlnb-value">{Number.isNaN(now[k]!) ? "NaN" : number(now[k])}</span>
            </li>
          );
        })}
      </ul>
    </figure>
  );
}
