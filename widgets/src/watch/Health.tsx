// What is wrong with the training, in words, with what shows it and what may help, tried in a fork first.
import { useSignal } from "@preact/signals";
import { number } from "../core/format";
import type { Ask } from "./ask";
import type { Send } from "./Controls";
import { type Evidence, evidence, Shown } from "./Evidence";
import type { Finding, WatchState } from "./state";

const SIGNS: Record<Finding["severity"], [string, string]> = {
  stop: ["⛔", "stopped:"],
  warn: ["⚠", "warning:"],
  note: ["ℹ", "note:"],
};

export function Health({ state, send, ask }: { state: WatchState; send: Send; ask: Ask }) {
  const health = state.health.value;
  const all = useSignal(false);
  if (!health) return <p class="dlnb-quiet">Nothing has been looked at yet.</p>;
  return (
    <div class="dlnb-health">
      {health.findings.length === 0 && <p class="dlnb-well">✓ All is well.</p>}
      <ul aria-label="Findings">
        {health.findings.map((finding) => (
          <Found key={finding.id} finding={finding} send={send} ask={ask} />
        ))}
      </ul>
      {health.checked.length > 0 && (
        <p class="dlnb-quiet">
          <button type="button" class="dlnb-small" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
            {health.checked.length} things {health.findings.length ? "are well" : "were looked at"}
          </button>
          {all.value && ` ${health.checked.join(" · ")}`}
        </p>
      )}
    </div>
  );
}

function Found({ finding, send, ask }: { finding: Finding; send: Send; ask: Ask }) {
  const shown = useSignal<Evidence | string | null>(null);
  const [sign, said] = SIGNS[finding.severity];
  const why = async () => {
    if (shown.value !== null) return void (shown.value = null);
    shown.value = "…";
    try {
      const { answer, columns } = await ask("evidence", { finding: finding.id });
      shown.value = evidence(answer, columns);
    } catch (error) {
      shown.value = (error as Error).message;
    }
  };
  return (
    <li class={`dlnb-finding dlnb-${finding.severity}`} data-rule={finding.rule}>
      <p>
        <span role="img" aria-label={said}>
          {sign}
        </span>{" "}
        {finding.sentence.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))} <span class="dlnb-quiet">step {finding.step.toLocaleString("en")}</span>
      </p>
      {finding.remedy && <p class="dlnb-remedy">→ {finding.remedy.words}</p>}
      <div class="dlnb-row">
        <button type="button" class="dlnb-small" data-action="why" aria-expanded={shown.value !== null} onClick={() => void why()}>
          show why
        </button>
        <Trial finding={finding} send={send} />
      </div>
      {typeof shown.value === "string" && <p class="dlnb-quiet">{shown.value}</p>}
      {shown.value !== null && typeof shown.value === "object" && <Shown evidence={shown.value} />}
    </li>
  );
}

/** The remedy, tried beside the run; the run itself is not touched until it is adopted. */
function Trial({ finding, send }: { finding: Finding; send: Send }) {
  const { remedy, trial, id } = finding;
  const tell = (kind: string) => () => send(kind, { finding: id });
  if (trial?.state === "running") return <span role="status">trying it in a fork …</span>;
  return (
    <>
      {trial && <span role="status">{trial.words}</span>}
      {trial?.state === "tested" ? (
        <>
          <button type="button" class="dlnb-small" data-action="adopt-remedy" onClick={tell("adopt_remedy")}>
            adopt
          </button>
          <button type="button" class="dlnb-small" data-action="discard-remedy" onClick={tell("discard_remedy")}>
            discard
          </button>
        </>
      ) : (
        remedy &&
        Object.keys(remedy.knobs).length > 0 &&
        trial?.state !== "adopted" && (
          <button type="button" class="dlnb-small" data-action="try-remedy" onClick={tell("try_remedy")} title={`In a fork: ${settings(remedy.knobs)}`}>
            try {settings(remedy.knobs)} in a fork
          </button>
        )
      )}
    </>
  );
}

function settings(knobs: Record<string, number | string | null>): string {
  return Object.entries(knobs)
    .map(([name, value]) => `${name} ${typeof value === "number" ? number(value) : (value ?? "off")}`)
    .join(", ");
}
