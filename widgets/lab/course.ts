// The course as the panel knows it: the one owner of the list, of the open chapter and of what waits to be sent.
import { NoListing, type Api } from "./api";
import { Batch, Refused, type Pace } from "./batch";
import { announcement, type Chapter } from "./words";

/** One picture of everything the panel shows. Never changed, only replaced. */
export interface View {
  status: "loading" | "ready" | NoListing["why"];
  message: string; // why there is no list
  chapters: Chapter[];
  notices: string[];
  unsaved: string; // why progress could not be kept, or empty
  current: string | null; // path of the notebook that is open in front
  said: string; // the latest change of a state, for a screen reader
}

const EMPTY: View = { status: "loading", message: "", chapters: [], notices: [], unsaved: "", current: null, said: "" };

/** Reads the list, reports the cells that ran, and tells its listeners. */
export class Course {
  private view: View = EMPTY;
  private readonly listeners = new Set<() => void>();
  private readonly batch: Batch;
  private asked = 0; // requests for the list so far: only the answer to the latest one counts
  private changes = 0; // chapters that changed by themselves: a list asked for before that is out of date

  constructor(
    private readonly api: Api,
    pace?: Pace,
  ) {
    this.batch = new Batch((path, cells) => this.send(path, cells), pace);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): View => this.view;

  find(path: string | null): Chapter | undefined {
    return this.view.chapters.find((chapter) => chapter.path === path);
  }

  /** Read the list again. */
  async refresh(): Promise<void> {
    const asked = ++this.asked;
    const { changes } = this;
    try {
      const listing = await this.api.list();
      if (asked !== this.asked) return;
      if (changes !== this.changes) return await this.refresh();
      this.change({ ...listing, status: "ready", message: "" });
    } catch (error) {
      if (asked !== this.asked) return;
      const why = error instanceof NoListing ? error.why : "unreachable";
      this.change({ status: why, message: messageOf(error), chapters: [], notices: [] });
    }
  }

  /** Another notebook came to the front, or none. */
  open(path: string | null): void {
    if (path !== this.view.current) this.change({ current: path });
  }

  /** A code cell of a notebook ran without an error. */
  ran(path: string, cell: string): void {
    if (this.view.status === "ready" && !this.find(path)) return; // not a notebook of the course
    this.batch.add(path, cell);
  }

  /** Send what waits, now: the page may be going away. */
  flush(): Promise<void> {
    return this.batch.flush();
  }

  /** Make a chapter new again. */
  async reset(path: string): Promise<void> {
    await this.batch.flush();
    this.replace(await this.api.reset(path));
  }

  private async send(path: string, cells: string[]): Promise<void> {
    try {
      this.replace(await this.api.record(path, cells));
      if (this.view.unsaved) this.change({ unsaved: "" });
    } catch (error) {
      if (!(error instanceof Refused)) this.change({ unsaved: `Your progress is not saved yet: ${messageOf(error)}` });
      throw error;
    }
  }

  private replace(chapter: Chapter): void {
    this.changes += 1;
    const said = announcement(this.find(chapter.path), chapter) || this.view.said;
    const chapters = this.view.chapters.map((other) => (other.path === chapter.path ? chapter : other));
    this.change({ chapters, said });
  }

  private change(part: Partial<View>): void {
    this.view = { ...this.view, ...part };
    for (const listener of this.listeners) listener();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
