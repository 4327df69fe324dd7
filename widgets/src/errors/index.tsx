// Where a model is wrong, while it trains; `dlnb/widgets/errors.py` is its half in the kernel.
import type { RenderProps } from "@anywidget/types";
import { useSignal } from "@preact/signals";
import { Ask } from "../core/Ask";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { number, percent } from "../core/format";
import { mount } from "../core/mount";
import { Silence } from "../core/Silence";
import { Spoken } from "../core/Spoken";
import { PrecisionRecall, Reliability, Scatter } from "./Charts";
import errorsStyle from "./errors.css";
import { type Chosen, Examples, type Send, tabs } from "./Examples";
import { Matrix, type Shades } from "./Matrix";
import { type ErrorsFrame, ErrorsState, type Found, type ListName, type Status } from "./state";

const SPLITS: Record<string, string> = { train: "training", valid: "validation", test: "test" };
const MOST = 100; // examples that can be chosen

function Errors({ state, send }: { state: ErrorsState; send: Send }) {
  const shades = useSignal<Shades>({ shares: false, mistakes: false });
  const table = useSignal(false);
  const help = useSignal(false);
  const asking = useSignal(false);
  const chosen = useSignal<Chosen[]>([]);
  const now = state.status.value;
  const found = state.found.value;
  if (!now) return <p role="status">Waiting for the run …</p>;

  const list = (name: ListName, page = 0, truth = state.list.value?.truth ?? -1, said = state.list.value?.said ?? -1) =>
    send("list", { name, truth, said, page });
  const toggle = (example: number) => {
    const same = (one: Chosen) => one.split === now.split && one.number === example;
    if (chosen.value.some(same)) chosen.value = chosen.value.filter((one) => !same(one));
    else if (chosen.value.length < MOST) chosen.value = [...chosen.value, { split: now.split, number: example }];
  };
  const change = (part: Partial<Shades>) => (shades.value = { ...shades.value, ...part });
  const press = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).matches("select, input[type=text]")) return;
    const actions: Record<string, () => void> = {
      r: () => send("again"),
      t: () => (table.value = !table.value),
      s: () => change({ shares: !shades.value.shares }),
      m: () => change({ mistakes: !shades.value.mistakes }),
      "?": () => (help.value = !help.value),
      ...(found ? Object.fromEntries(tabs(found).map(([name, , key]) => [key, () => list(name)])) : {}),
    };
    const action = actions[event.key];
    if (!action) return;
    action();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div class="dlnb-errors" data-split={now.split} data-step={found?.steps[1]} onKeyDown={press}>
      <Head now={now} found={found} asking={asking.value} send={send} onTest={(open) => (asking.value = open)} onHelp={() => (help.value = !help.value)} help={help.value} />
      <Silence silent={state.silent} />
      {now.notice && (
        <p class="dlnb-notice" role="alert">
          {now.notice}
        </p>
      )}
      {help.value && (
        <p class="dlnb-keys">
          <kbd>w</kbd> worst, <kbd>n</kbd> newly wrong, <kbd>g</kbd> newly right, <kbd>f</kbd> forgotten, <kbd>r</kbd> look again, <kbd>s</kbd> shares, <kbd>m</kbd> mistakes
          only, <kbd>t</kbd> table. On the matrix: arrows read the cells, <kbd>Enter</kbd> opens one. On a chart: <kbd>←</kbd> <kbd>→</kbd>. On the examples: arrows,{" "}
          <kbd>Space</kbd> chooses.
        </p>
      )}
      {found ? (
        <>
          <p class="dlnb-summary">{found.summary}</p>
          <div class="dlnb-body">
            {state.matrix && (
              <Matrix state={state} shades={shades.value} onShades={change} onCell={(truth, said) => list("cell", 0, truth, said)} />
            )}
            <Side state={state} found={found} send={send} />
          </div>
          {found.table && (
            <details class="dlnb-classes" open={table.value} onToggle={(event) => (table.value = event.currentTarget.open)}>
              <summary>Class by class, as a table</summary>
              {table.value && <PerClass found={found} onClass={(k) => list("class", 0, k, -1)} />}
            </details>
          )}
          <Examples state={state} chosen={chosen} onList={(name, page) => list(name, page)} onToggle={toggle} />
          <Selection chosen={chosen.value} now={now} send={send} clear={() => (chosen.value = [])} />
        </>
      ) : (
        !now.notice && <p role="status">{now.reading ? `Looking at the ${SPLITS[now.split]} split: batch ${now.reading[0]} of ${now.reading[1]} …` : "Looking …"}</p>
      )}
      <Spoken words={() => (found ? `Step ${found.steps[1]}. ${found.summary}` : "")} />
    </div>
  );
}

interface HeadProps {
  now: Status;
  found: Found | null;
  asking: boolean;
  help: boolean;
  send: Send;
  onTest: (open: boolean) => void;
  onHelp: () => void;
}

function Head({ now, found, asking, help, send, onTest, onHelp }: HeadProps) {
  const choose = (split: string) => {
    onTest(split === "test" && now.split !== "test");
    if (split !== "test" && split !== now.split) send("split", { split });
  };
  const [first, last] = found?.steps ?? [0, 0];
  const when = first === last ? `step ${last.toLocaleString("en")}` : `steps ${first.toLocaleString("en")} to ${last.toLocaleString("en")}`;
  return (
    <>
      <div class="dlnb-head">
        <strong>
          Mistakes of {now.model} <span class="dlnb-quiet">on {now.task}</span>
        </strong>
        <div class="dlnb-row" role="group" aria-label="Which split">
          {now.splits.map((split) => (
            <button key={split} type="button" data-split={split} aria-pressed={split === now.split} onClick={() => choose(split)}>
              {SPLITS[split] ?? split}
            </button>
          ))}
        </div>
        <span class="dlnb-quiet dlnb-when">{found ? when : ""}</span>
        <div class="dlnb-row">
          {found?.comparable && (
            <button type="button" data-action="compare" title="What is newly wrong and newly right is then counted from this look on" onClick={() => send("compare")}>
              Compare from here
            </button>
          )}
          <button type="button" data-action="again" aria-keyshortcuts="r" onClick={() => send("again")}>
            Look again
          </button>
          <button type="button" class="dlnb-help" aria-expanded={help} aria-label="Keys" onClick={onHelp}>
            ?
          </button>
        </div>
      </div>
      {asking && (
        <Ask
          label="The test set"
          yes="Look at the test set"
          no={{ action: "not", words: "Not now" }}
          onYes={() => {
            send("split", { split: "test" });
            onTest(false);
          }}
          onNo={() => onTest(false)}
        >
          Looking at the test set to tune is how results become too good. It is for the end, once.
        </Ask>
      )}
    </>
  );
}

/** The charts beside the matrix. */
function Side({ state, found, send }: { state: ErrorsState; found: Found; send: Send }) {
  const curve = state.curve.value;
  const choose = (k: number) => send("curve", { curve: k });
  return (
    <div class="dlnb-charts">
      {curve && found.kind === "numbers" && <Scatter found={found} curve={curve} onOutput={choose} />}
      {curve && found.table && <PrecisionRecall found={found} curve={curve} onClass={choose} />}
      {found.bins && <Reliability found={found} bins={found.bins} />}
    </div>
  );
}

function PerClass({ found, onClass }: { found: Found; onClass: (k: number) => void }) {
  const table = found.table!;
  const share = (part: number, all: number) => (all ? percent(part / all) : "–");
  return (
    <div class="dlnb-table" tabIndex={0} role="group" aria-label="Class by class">
      <table>
        <thead>
          <tr>
            {["class", "examples", "said", "precision", "recall", "F1", "average precision"].map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.classes.map((name, k) => {
            const [support, said, right] = [table.support[k]!, table.said[k]!, table.right[k]!];
            return (
              <tr key={found.shown[k]}>
                <th scope="row">
                  <button type="button" title={`Mistakes with ${name}`} onClick={() => onClass(found.shown[k]!)}>
                    {name}
                  </button>
                </th>
                <td>{support.toLocaleString("en")}</td>
                <td>{said.toLocaleString("en")}</td>
                <td>{share(right, said)}</td>
                <td>{share(right, support)}</td>
                <td>{support ? share(2 * right, support + said) : "–"}</td>
                <td>{number(table.average[k]!)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** What can be done with the examples that were chosen. */
function Selection({ chosen, now, send, clear }: { chosen: Chosen[]; now: Status; send: Send; clear: () => void }) {
  const [on, of] = chosen;
  const name = (one: Chosen) => `${one.split} ${one.number}`;
  return (
    <section class="dlnb-selection" role="group" aria-label="Chosen examples">
      {chosen.length === 0 ? (
        <p class="dlnb-quiet">Choose examples to note them on the run; choose two to ask whether training on one helps the other.</p>
      ) : (
        <>
          <p class="dlnb-chosen">
            {chosen.length} chosen: {chosen.slice(0, 6).map(name).join(", ")}
            {chosen.length > 6 ? " …" : ""}
          </p>
          <div class="dlnb-row">
            <button type="button" data-action="note" title="A mark on the curve of the run that names them" onClick={() => send("note", { examples: chosen })}>
              Note: try these again
            </button>
            {on && of && chosen.length === 2 && (
              <>
                <button type="button" data-action="help" onClick={() => send("help", { on, of })}>
                  Does training on {name(on)} help {name(of)}?
                </button>
                <button type="button" data-action="help-back" onClick={() => send("help", { on: of, of: on })}>
                  … and the other way round?
                </button>
              </>
            )}
            <button type="button" data-action="none" onClick={clear}>
              Choose none
            </button>
          </div>
        </>
      )}
      {now.influence && (
        <p class="dlnb-influence" role="status">
          <span class="dlnb-quiet">at step {now.influence.step.toLocaleString("en")}:</span> {now.influence.words}
        </p>
      )}
    </section>
  );
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, errorsStyle], (root) => {
    const state = new ErrorsState();
    let wish: [string, object][] = []; // what this view shows; the kernel forgets it with the view
    const channel = new Channel<ErrorsFrame>(
      model,
      root,
      (frame, columns) => {
        state.receive(frame, columns);
        if (frame.full) wish.forEach(([kind, content]) => channel.send(kind, content));
      },
      () => state.found.value === null && !state.status.value?.notice,
      (silent) => (state.silent.value = silent),
    );
    const send: Send = (kind, content = {}) => {
      if (kind === "list" || kind === "curve") wish = [...wish.filter(([of]) => of !== kind), [kind, content]];
      channel.send(kind, content);
    };
    return [<Errors state={state} send={send} />, () => channel.close()];
  });
}

export default { render };
