// Any data, as what it stands for and as the numbers that it is; `dlnb/widgets/show.py` is its half in the kernel.
// All that is shown comes in one frame: zooming and reading need the kernel no more.
import type { RenderProps } from "@anywidget/types";
import { type Signal, signal } from "@preact/signals";
import { Channel } from "../core/channel";
import coreStyle from "../core/core.css";
import { number } from "../core/format";
import { mount } from "../core/mount";
import { onThemeChange } from "../core/theme";
import watchStyle from "../watch/watch.css";
import { PicturesView } from "./Pictures";
import { PreviewView } from "./Preview";
import { SceneView } from "./Scene";
import { SoundsView } from "./Sounds";
import showStyle from "./show.css";
import { mostLie, type ShowFrame, type Shown, ShowState, type Sight } from "./state";
import { TableView } from "./Table";
import { TokensView } from "./Tokens";

export function Show({ state, theme }: { state: ShowState; theme: Signal<number> }) {
  const shown = state.shown.value;
  if (!shown) {
    return (
      <p class="dlnb-show" role="status">
        {state.silent.value ? "The kernel does not answer: it is busy, restarting or gone. Wait, or run this cell again." : "Waiting for the data …"}
      </p>
    );
  }
  return (
    <section class="dlnb-show" data-sight={shown.sight.kind} aria-label={shown.title}>
      <header class="dlnb-about">
        <div>
          <h3>{shown.title}</h3>
          <dl>
            {shown.facts.map(([name, words]) => (
              <Fact key={name} name={name} words={words} />
            ))}
          </dl>
        </div>
        <Histogram shown={shown} />
      </header>
      {shown.strange.length > 0 && (
        <ul class="dlnb-strange" aria-label="What is strange">
          {shown.strange.map(([what, remedy], i) => (
            <li key={i}>
              <strong>{what}</strong> <Prose words={remedy} />
            </li>
          ))}
        </ul>
      )}
      <Picture sight={shown.sight} theme={theme} />
    </section>
  );
}

function Fact({ name, words }: { name: string; words: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{words}</dd>
    </>
  );
}

/** Words with `code` in them. */
function Prose({ words }: { words: string }) {
  return <>{words.split("`").map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

/** How often each number occurs, from the least to the largest. */
function Histogram({ shown: { counts, low, high } }: { shown: Shown }) {
  if (!counts || low === null || high === null || low === high) return null;
  const most = Math.max(1, ...counts);
  return (
    <figure class="dlnb-histogram">
      <svg viewBox={`0 0 ${counts.length} 40`} preserveAspectRatio="none" role="img" aria-label={`How often each number occurs. ${mostLie(counts, low, high, number)}`}>
        {Array.from(counts, (count, i) => {
          const tall = count ? Math.max(1, (38 * count) / most) : 0; // one number in a million is still to be seen
          return <rect key={i} x={i + 0.05} width="0.9" y={40 - tall} height={tall} />;
        })}
      </svg>
      <figcaption class="dlnb-quiet">
        <span>{number(low)}</span>
        <span>{number(high)}</span>
      </figcaption>
    </figure>
  );
}

function Picture({ sight, theme }: { sight: Sight; theme: Signal<number> }) {
  switch (sight.kind) {
    case "pictures":
      return <PicturesView shown={sight} theme={theme} />;
    case "sounds":
      return <SoundsView shown={sight} theme={theme} />;
    case "tokens":
      return <TokensView shown={sight} />;
    case "table":
      return <TableView shown={sight} />;
    case "scene":
      return <SceneView shown={sight} />;
    case "preview":
      return sight.gallery && <PreviewView shown={sight.gallery} />;
    case "nothing":
      return null;
  }
}

function render({ model, el }: RenderProps): () => void {
  return mount(el, [coreStyle, watchStyle, showStyle], (root) => {
    const state = new ShowState();
    const theme = signal(0);
    const endTheme = onThemeChange(() => (theme.value += 1));
    const channel = new Channel<ShowFrame>(
      model,
      root,
      (frame, columns) => state.receive(frame, columns),
      () => state.shown.value === null,
      (silent) => (state.silent.value = silent),
    );
    return [
      <Show state={state} theme={theme} />,
      () => {
        endTheme();
        channel.close();
      },
    ];
  });
}

export default { render };
