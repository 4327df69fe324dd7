// The course panel: the chapters with their labs, how far the learner is, and the button that goes on.
import { ReactWidget, refreshIcon } from "@jupyterlab/ui-components";
import { type KeyboardEvent, type ReactElement, useSyncExternalStore } from "react";
import { type Course, type View } from "./course";
import { courseIcon } from "./icons";
import { type Chapter, grouped, minutesText, nameOf, nextUp, type State, stateText, summary } from "./words";

/** Opens a notebook; `cell` is the id of the cell to show. */
export type Open = (path: string, cell?: string | null) => void;

export class CoursePanel extends ReactWidget {
  constructor(
    private readonly course: Course,
    private readonly openChapter: Open,
  ) {
    super();
    this.id = "dlnb-course-panel";
    this.addClass("dlnb-panel");
    this.title.icon = courseIcon;
    this.title.caption = "Deep learning course";
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Deep learning course");
  }

  /** Put the keyboard on what the learner most likely wants. */
  focusFirst(): void {
    const wanted = [".dlnb-continue", "[aria-current]", ".dlnb-chapter", "button"];
    const found = wanted.map((selector) => this.node.querySelector<HTMLElement>(selector)).find(Boolean);
    found?.focus();
  }

  protected override onAfterShow(): void {
    void this.course.refresh();
  }

  protected override render(): ReactElement {
    return <Panel course={this.course} open={this.openChapter} />;
  }
}

function Panel({ course, open }: { course: Course; open: Open }): ReactElement {
  const view = useSyncExternalStore(course.subscribe, course.snapshot);
  return (
    <>
      <div className="dlnb-head">
        <h2>Deep learning course</h2>
        <button
          type="button"
          className="dlnb-refresh"
          title="Read the chapters again"
          aria-label="Read the chapters again"
          onClick={() => void course.refresh()}
        >
          <refreshIcon.react tag="span" aria-hidden="true" />
        </button>
      </div>
      {view.notices.concat(view.unsaved || []).map((notice) => (
        <p className="dlnb-notice" role="alert" key={notice}>
          {notice}
        </p>
      ))}
      {view.status === "ready" ? <Chapters view={view} open={open} /> : <Trouble view={view} />}
      <p className="dlnb-said" role="status">
        {view.said}
      </p>
    </>
  );
}

function Trouble({ view }: { view: View }): ReactElement {
  if (view.status === "loading") return <p className="dlnb-message">Reading the chapters …</p>;
  return (
    <div className="dlnb-message" role="alert">
      <p>{view.message}</p>
      {view.status === "missing" && (
        <p>
          Stop JupyterLab, type <code>jupyter server extension enable dlnb.server</code> in a terminal, and start it
          again.
        </p>
      )}
    </div>
  );
}

function Chapters({ view, open }: { view: View; open: Open }): ReactElement {
  const next = nextUp(view.chapters);
  const item = (chapter: Chapter): ReactElement => (
    <Entry chapter={chapter} current={chapter.path === view.current} open={open} />
  );
  if (!view.chapters.length) return <p className="dlnb-message">There are no chapters in the course folder.</p>;
  return (
    <>
      {next ? (
        <button type="button" className="dlnb-continue" onClick={() => open(next.chapter.path, next.chapter.next)}>
          <span>{next.how === "Continue" ? "Continue where you left off" : next.how}</span>
          <strong>{nameOf(next.chapter)}</strong>
        </button>
      ) : (
        view.chapters.some((chapter) => !chapter.error) && <p className="dlnb-message">You have done every chapter.</p>
      )}
      <h3 id="dlnb-chapters">
        Chapters <small>{summary(view.chapters)}</small>
      </h3>
      <ul role="list" aria-labelledby="dlnb-chapters" onKeyDown={moveFocus}>
        {grouped(view.chapters).map(({ head, labs }) => (
          <li key={head.path}>
            {item(head)}
            {labs.length > 0 && (
              <ul role="list" aria-label={`Labs of chapter ${head.number}`}>
                {labs.map((lab) => (
                  <li key={lab.path}>{item(lab)}</li>
                ))}
              </ul>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Entry({ chapter, current, open }: { chapter: Chapter; current: boolean; open: Open }): ReactElement {
  const heading = (
    <span className="dlnb-title">
      <span className="dlnb-number">{chapter.kind === "lab" ? "Lab " : chapter.number + " "}</span>
      {chapter.title}
    </span>
  );
  if (chapter.error)
    return (
      <div className="dlnb-broken">
        {heading}
        <span className="dlnb-meta">
          Cannot be read: {chapter.path}. {chapter.error}
        </span>
      </div>
    );
  return (
    <button
      type="button"
      className="dlnb-chapter"
      data-state={chapter.state}
      aria-current={current ? "page" : undefined}
      onClick={() => open(chapter.path)}
    >
      {heading}
      <span className="dlnb-meta">
        <StateIcon state={chapter.state} />
        <span className="dlnb-state">{stateText(chapter)}</span>
        {chapter.minutes !== null && <span className="dlnb-minutes"> {minutesText(chapter.minutes)}</span>}
      </span>
    </button>
  );
}

/** An empty, a half and a full circle with a tick: told apart by shape. */
function StateIcon({ state }: { state: State }): ReactElement {
  const inside = state === "done" ? "currentColor" : "none";
  return (
    <svg className="dlnb-state-icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
      <circle cx="8" cy="8" r="6.2" fill={inside} stroke="currentColor" strokeWidth="1.6" />
      {state === "started" && <path d="M8 1.8a6.2 6.2 0 0 1 0 12.4z" fill="currentColor" />}
      {state === "done" && <path className="dlnb-tick" d="M4.8 8.2l2.3 2.3 4.2-4.6" fill="none" strokeWidth="1.8" />}
    </svg>
  );
}

/** The arrow keys, Home and End go from chapter to chapter. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const buttons = [...event.currentTarget.querySelectorAll<HTMLElement>(".dlnb-chapter")];
  const at = buttons.indexOf(event.target as HTMLElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (at < 0 || to === undefined) return;
  event.preventDefault();
  buttons[Math.max(0, Math.min(to, buttons.length - 1))]?.focus();
}
