// The course panel: a search field over the course; the runs, the chapters and the glossary; or what was found.
import { ReactWidget, refreshIcon } from "@jupyterlab/ui-components";
import { Poll } from "@lumino/polling";
import { type KeyboardEvent, type ReactElement, useSyncExternalStore } from "react";
import { Chapters, type Doing } from "./chapters";
import { type Course, type View } from "./course";
import { Findings, Glossary, type OpenPlace } from "./findings";
import { courseIcon } from "./icons";
import { type Running } from "./live";
import { type Lookup } from "./lookup";
import { Runs, type KernelNames } from "./runs";

const LIST = 2000; // ms between two looks whether the list has changed
const LIVELY = 1000; // ms between two looks at the runs while there are any
const QUIET = 4000; // while there are none
const SOON = [350, 700]; // ms from a command to the looks at what came of it
const SLOWEST = 60_000; // while the server does not answer

/** What the panel shows and has done. */
export interface Parts extends Doing {
  course: Course;
  lookup: Lookup;
  running: Running;
  openPlace: OpenPlace;
  kernels: KernelNames;
}

export class CoursePanel extends ReactWidget {
  private readonly list: Poll;
  private readonly runs: Poll;

  constructor(private readonly parts: Parts) {
    super();
    this.id = "dlnb-course-panel";
    this.addClass("dlnb-panel");
    this.title.icon = courseIcon;
    this.title.caption = "Deep learning course";
    this.node.setAttribute("role", "region");
    this.node.setAttribute("aria-label", "Deep learning course");
    const { course, lookup, running } = parts;
    this.list = this.poll("dlnb:chapters", LIST, () => course.look());
    this.runs = this.poll("dlnb:live", QUIET, async () => {
      await running.look();
      const interval = running.lively ? LIVELY : QUIET;
      if (interval !== this.runs.frequency.interval) this.runs.frequency = { ...this.runs.frequency, interval };
    });
    let paths = "";
    course.subscribe(() => {
      const now = JSON.stringify(course.snapshot().chapters.map((chapter) => [chapter.path, chapter.title]));
      if (paths && now !== paths) void lookup.again();
      paths = now;
    });
  }

  /** Put the keyboard on what the learner most likely wants. */
  focusFirst(): void {
    const wanted = [".dlnb-continue", "[aria-current]", ".dlnb-chapter", "button"];
    const found = wanted.map((selector) => this.node.querySelector<HTMLElement>(selector)).find(Boolean);
    found?.focus();
  }

  /** Put the keyboard into the search field. */
  focusSearch(): void {
    this.node.querySelector<HTMLElement>(".dlnb-search")?.focus();
  }

  /** See soon what came of a command, which a kernel takes within a quarter of a second. */
  lookAtRuns(): void {
    for (const wait of SOON) setTimeout(() => void this.runs.refresh(), wait);
  }

  override dispose(): void {
    this.list.dispose();
    this.runs.dispose();
    super.dispose();
  }

  protected override onAfterShow(): void {
    void this.parts.course.refresh();
    void this.list.start();
    void this.runs.refresh();
  }

  protected override render(): ReactElement {
    return <Panel parts={this.parts} />;
  }

  /** Does something again and again, but not while nobody sees the panel, and ever less often while it fails. */
  private poll(name: string, interval: number, factory: () => Promise<void>): Poll {
    const standby = () => !this.isVisible || document.hidden;
    return new Poll({ name, factory, standby, auto: false, frequency: { interval, backoff: true, max: SLOWEST } });
  }
}

function Panel({ parts }: { parts: Parts }): ReactElement {
  const { course, lookup, running } = parts;
  const view = useSyncExternalStore(course.subscribe, course.snapshot);
  const { query } = useSyncExternalStore(lookup.subscribe, lookup.snapshot);
  const { said } = useSyncExternalStore(running.subscribe, running.snapshot);
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
      {view.kept && <Kept view={view} parts={parts} />}
      {view.status === "ready" ? <Ready view={view} parts={parts} searching={query.trim() !== ""} /> : <Trouble view={view} />}
      <p className="dlnb-said" role="status">
        {view.said}
      </p>
      <p className="dlnb-said" role="status">
        {said}
      </p>
    </>
  );
}

function Ready({ view, parts, searching }: { view: View; parts: Parts; searching: boolean }): ReactElement {
  const { lookup } = parts;
  const { query } = useSyncExternalStore(lookup.subscribe, lookup.snapshot);
  const keys = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key === "Escape" && query) {
      event.preventDefault();
      event.stopPropagation();
      lookup.type("");
    }
  };
  return (
    <>
      <input
        type="search"
        className="dlnb-search"
        aria-label="Search in the course"
        placeholder="Search in the course"
        maxLength={200}
        value={query}
        onChange={(event) => lookup.type(event.target.value)}
        onKeyDown={keys}
      />
      {searching ? (
        <Findings lookup={lookup} open={parts.openPlace} />
      ) : (
        <Chapters view={view} doing={parts}>
          <Runs running={parts.running} kernels={parts.kernels} />
        </Chapters>
      )}
      {!searching && view.chapters.length > 0 && <Glossary lookup={lookup} open={parts.openPlace} />}
    </>
  );
}

/** What became of the learner's version of a chapter that was reset. */
function Kept({ view, parts }: { view: View; parts: Parts }): ReactElement | null {
  if (!view.kept) return null;
  const { chapter, path } = view.kept;
  return (
    <div className="dlnb-notice" role="status">
      <p>
        {chapter} is as it came.{path && " Your version was kept:"}
      </p>
      {path && (
        <button type="button" className="dlnb-link" onClick={() => parts.open(path)}>
          <span>{path.split("/").pop()}</span>
        </button>
      )}
      <button type="button" className="dlnb-action" onClick={() => parts.course.dismiss()}>
        Close<span className="dlnb-said"> this message</span>
      </button>
    </div>
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
