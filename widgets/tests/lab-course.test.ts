import { describe, expect, it, vi } from "vitest";
import { type Api, NoListing } from "../lab/api";
import { Refused } from "../lab/batch";
import { Course } from "../lab/course";
import { type Chapter } from "../lab/words";

const PACE = { wait: 1, retry: 5, most: 100 };
const TEN: Chapter = {
  kind: "chapter", number: "10", title: "Images", minutes: 45, path: "10.ipynb", error: null,
  state: "new", cells: 2, run: 0, next: "a", last: null,
}; // prettier-ignore

/** A server that remembers which cells ran. */
function server(): Api & { list: ReturnType<typeof vi.fn>; record: ReturnType<typeof vi.fn> } {
  let chapter = TEN;
  return {
    list: vi.fn(async () => ({ chapters: [chapter], notices: [] })),
    record: vi.fn(async (_path: string, cells: string[]) => {
      const run = chapter.run + cells.length;
      return (chapter = { ...chapter, run, state: run >= chapter.cells ? "done" : "started" });
    }),
    reset: vi.fn(async () => (chapter = TEN)),
  };
}

describe("the course", () => {
  it("shows the state of a chapter as its cells run", async () => {
    const api = server();
    const course = new Course(api, PACE);
    const seen: string[] = [];
    course.subscribe(() => seen.push(course.snapshot().chapters[0]?.state ?? "none"));
    await course.refresh();
    course.ran("10.ipynb", "a");
    await course.flush();
    course.ran("10.ipynb", "b");
    await course.flush();
    expect([...new Set(seen)]).toEqual(["new", "started", "done"]);
    expect(course.snapshot().said).toBe("10 Images: done.");
  });

  it("does not report notebooks that are not of the course", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    course.ran("my_own.ipynb", "a");
    await course.flush();
    expect(api.record).not.toHaveBeenCalled();
  });

  it("says so while progress cannot be kept, and stops saying it when it was", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    api.record.mockRejectedValueOnce(new Error("disk full"));
    course.ran("10.ipynb", "a");
    await course.flush();
    expect(course.snapshot().unsaved).toContain("disk full");
    await vi.waitFor(() => expect(course.snapshot().chapters[0]?.run).toBe(1));
    expect(course.snapshot().unsaved).toBe("");
  });

  it("does not bother the learner with cells that the server refused", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    api.record.mockRejectedValueOnce(new Refused("no such chapter"));
    course.ran("10.ipynb", "a");
    await course.flush();
    expect(course.snapshot().unsaved).toBe("");
  });

  it("says why there is no list, and recovers", async () => {
    const api = server();
    const course = new Course(api, PACE);
    api.list.mockRejectedValueOnce(new NoListing("missing", "no server extension"));
    await course.refresh();
    expect(course.snapshot()).toMatchObject({ status: "missing", message: "no server extension", chapters: [] });
    await course.refresh();
    expect(course.snapshot()).toMatchObject({ status: "ready", message: "" });
  });

  it("never shows an older list over a newer state", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    let answer = (_: unknown) => {};
    api.list.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const slow = course.refresh();
    course.ran("10.ipynb", "a");
    await course.flush();
    answer({ chapters: [TEN], notices: [] });
    await slow;
    expect(course.snapshot().chapters[0]?.state).toBe("started");
  });

  it("lists the chapters although a cell ran before the list was there", async () => {
    const api = server();
    const course = new Course(api, PACE);
    const first = course.refresh();
    course.ran("10.ipynb", "a");
    await course.flush();
    await first;
    expect(course.snapshot()).toMatchObject({ status: "ready", chapters: [{ state: "started" }] });
  });
});
