// The chapters with their labs and exercises: how far the learner is, and the button that goes on.
import { type KeyboardEvent, type ReactElement, type ReactNode } from "react";
import { type View } from "./course";
import {
  type Chapter,
  exerciseName,
  exercisesText,
  grouped,
  minutesText,
  nameOf,
  nextUp,
  type State,
  stateText,
  summary,
  type Went,
  wentText,
} from "./words";

/** What the list can have done. `cell` is the id of the cell to show. */
export interface Doing {
  open(path: string, cell?: string | null): void;
  reset(chapter: Chapter): void;
}

/** The button that goes on, what is given to stand below it, and the list. */
export function Chapters({ view, doing, children }: { view: View; doing: Doing; children?: ReactNode }): ReactElement {
  const next = nextUp(view.chapters);
  const item = (chapter: Chapter): ReactElement => (
    <>
      <Entry chapter={chapter} current={chapter.path === view.current} doing={doing} />
      <More chapter={chapter} doing={doing} />
    </>
  );
  if (!view.chapters.length) return <p className="dlnb-message">There are no chapters in the course folder.</p>;
  return (
    <>
      {next ? (
        <button type="button" className="dlnb-continue" onClick={() => doing.open(next.chapter.path, next.chapter.next)}>
          <span>{next.how === "Continue" ? "Continue where you left off" : next.how}</span>
          <strong>{nameOf(next.chapter)}</strong>
        </button>
      ) : (
        view.chapters.some((chapter) => !chapter.error) && <p className="dlnb-message">You have done every chapter.</p>
      )}
      {children}
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

function Entry({ chapter, current, doing }: { chapter: Chapter; current: boolean; doing: Doing }): ReactElement {
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
      onClick={() => doing.open(chapter.path)}
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

/** Below a chapter: its exercises, and the way back to how it came. */
function More({ chapter, doing }: { chapter: Chapter; doing: Doing }): ReactElement | null {
  const { exercises } = chapter;
  if (!exercises.length && chapter.state === "new" && !chapter.error) return null; // the palette has the way back too
  return (
    <details className="dlnb-more">
      <summary>
        {exercises.length ? `Exercises: ${exercisesText(exercises)}` : "More"}
        <span className="dlnb-said"> in {nameOf(chapter)}</span>
      </summary>
      {exercises.length > 0 && (
        <ul role="list" aria-label={`Exercises of ${nameOf(chapter)}`}>
          {exercises.map((exercise) => (
            <li key={exercise.number}>
              <button
                type="button"
                className="dlnb-exercise"
                data-state={exercise.state}
                onClick={() => doing.open(chapter.path, exercise.cell)}
              >
                <span className="dlnb-title">{exerciseName(exercise)}</span>
                <span className="dlnb-meta">
                  <StateIcon state={PICTURES[exercise.state]} />
                  <span>{wentText(exercise)}</span>
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <button type="button" className="dlnb-action" onClick={() => doing.reset(chapter)}>
        Reset to how it came …<span className="dlnb-said"> ({nameOf(chapter)})</span>
      </button>
    </details>
  );
}

const PICTURES: Record<Went, State> = { new: "new", tried: "started", shown: "started", helped: "done", solved: "done" };

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
