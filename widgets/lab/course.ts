// The course as the panel knows it: the one owner of the list, of the open chapter and of what waits to be sent.
import { NoListing, type Api } from "./api";
import { Batch, Refused, type Pace } from "./batch";
import { messageOf, Store } from "./store";
import { announcement, type Chapter, nameOf } from "./words";

/** One picture of everything the panel shows. Never changed, only replaced. */
export interface View {
  status: "loading" | "ready" | NoListing["why"];
  message: string; // why there is no list
  chapters: Chapter[];
  notices: string[];
  unsaved: string; // why progress could not be kept, or empty
  current: string | null; // path of the notebook that is open in front
  said: string; // the latest change of a state, for a screen reader
  kept: { chapter: string; path: string | null } | null; // a chapter that was reset, and where the learner's version is now
}

const EMPTY: View = {
  status: "loading", message: "", chapters: [], notices: [], unsaved: "", current: null, said: "", kept: null,
}; // prettier-ignore

/** Reads the list, reports the cells that ran, and tells its listeners. */
export class Course extends Store<View> {
  private readonly batch: Batch;
  private tag = ""; // of the list that is shown
  private asked = 0; // requests for the list so far: only the answer to the latest one counts
  private changes = 0; // chapters that changed by themselves: a list asked for before that is out of date

  constructor(
    private readonly api: Pick<Api, "list" | "record" | "reset">,
    pace?: Pace,
  ) {
    super(EMPTY);
    this.batch = new Batch((path, cells) => this.send(path, cells), pace);
  }

  find(path: string | null): Chapter | undefined {
    return this.snapshot().chapters.find((chapter) => chapter.path === path);
  }

  /** Read the list again, and say what is wrong if there is none. */
  async refresh(): Promise<void> {
    this.tag = "";
    const asked = this.asked + 1;
    try {
      await this.look();
    } catch (error) {
      if (asked !== this.asked) return;
      const why = error instanceof NoListing ? error.why : "unreachable";
      this.tag = "";
      this.change({ status: why, message: messageOf(error), chapters: [], notices: [] });
    }
  }

  /** See whether the list has changed, as when a kernel has checked an answer. Throws if there is no list. */
  async look(): Promise<void> {
    const asked = ++this.asked;
    for (;;) {
      const { changes } = this;
      const listing = await this.api.list(this.tag);
      if (asked !== this.asked || !listing) return;
      if (changes !== this.changes) continue;
      this.tag = listing.tag;
      const { chapters, notices } = listing;
      const said = chapters.map((chapter) => announcement(this.find(chapter.path), chapter)).filter(Boolean).join(" ");
      return this.change({ chapters, notices, status: "ready", message: "", said: said || this.snapshot().said });
    }
  }

  /** Another notebook came to the front, or none. */
  open(path: string | null): void {
    if (path !== this.snapshot().current) this.change({ current: path });
  }

  /** A code cell of a notebook ran without an error. */
  ran(path: string, cell: string): void {
    if (this.snapshot().status === "ready" && !this.find(path)) return; // not a notebook of the course
    this.batch.add(path, cell);
  }

  /** Send what waits, now: the page may be going away. */
  flush(): Promise<void> {
    return this.batch.flush();
  }

  /** Make a chapter what it was when it came. The learner's version is kept. */
  async reset(path: string): Promise<void> {
    await this.batch.flush();
    const { backup, ...chapter } = await this.api.reset(path);
    this.replace(chapter);
    this.change({ kept: { chapter: nameOf(chapter), path: backup } });
  }

  /** The learner has read where their version is. */
  dismiss(): void {
    this.change({ kept: null });
  }

  private async send(path: string, cells: string[]): Promise<void> {
    try {
      this.replace(await this.api.record(path, cells));
      if (this.snapshot().unsaved) this.change({ unsaved: "" });
    } catch (error) {
      if (!(error instanceof Refused)) this.change({ unsaved: `Your progress is not saved yet: ${messageOf(error)}` });
      throw error;
    }
  }

  private replace(chapter: Chapter): void {
    this.changes += 1;
    const said = announcement(this.find(chapter.path), chapter) || this.snapshot().said;
    const chapters = this.snapshot().chapters.map((other) => (other.path === chapter.path ? chapter : other));
    this.change({ chapters, said });
  }
}
