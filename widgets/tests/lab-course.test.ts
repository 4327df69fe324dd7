import { describe, expect, it, vi } from "vitest";
import { type Api, type Listing, NoListing } from "../lab/api";
import { Refused } from "../lab/batch";
import { Course } from "../lab/course";
import { type Chapter, type Exercise } from "../lab/words";

const PACE = { wait: 1, retry: 5, most: 100 };
const TEN: Chapter = {
  kind: "chapter", number: "10", title: "Images", minutes: 45, path: "10.ipynb", error: null,
  state: "new", cells: 2, run: 0, next: "a", last: null, exercises: [],
}; // prettier-ignore
const TRIED: Exercise = { number: "10.2", title: "How small?", cell: "b", state: "tried", tries: 1, hints: 0 };

/** A server that remembers which cells ran. */
function server() {
  let chapter = TEN;
  return {
    list: vi.fn<Api["list"]>(async () => ({ chapters: [chapter], notices: [], tag: '"1"' })),
    record: vi.fn(async (_path: string, cells: string[]) => {
      const run = chapter.run + cells.length;
      return (chapter = { ...chapter, run, state: run >= chapter.cells ? "done" : "started" });
    }),
    reset: vi.fn(async () => ({ ...(chapter = TEN), backup: "10.backup-1.ipynb" })),
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
    let answer = (_: Listing) => {};
    api.list.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    const slow = course.refresh();
    course.ran("10.ipynb", "a");
    await course.flush();
    answer({ chapters: [TEN], notices: [], tag: '"0"' });
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

  it("asks only for what is newer than the list that is shown, and keeps that", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    api.list.mockResolvedValueOnce(null);
    await course.look();
    expect(api.list.mock.calls.map(([tag]) => tag)).toEqual(["", '"1"']);
    expect(course.snapshot().chapters).toEqual([TEN]);
  });

  it("says an exercise that a kernel found solved", async () => {
    const api = server();
    const course = new Course(api, PACE);
    const listed = (exercise: Exercise, tag: string) =>
      api.list.mockResolvedValueOnce({ chapters: [{ ...TEN, exercises: [exercise] }], notices: [], tag });
    listed(TRIED, '"1"');
    await course.refresh();
    expect(course.snapshot().said).toBe("");
    listed({ ...TRIED, state: "solved", tries: 2 }, '"2"');
    await course.look();
    expect(course.snapshot().said).toBe("Exercise 10.2: solved.");
  });

  it("keeps the list while the server does not answer a look", async () => {
    const api = server();
    const course = new Course(api, PACE);
    await course.refresh();
    api.list.mockRejectedValueOnce(new NoListing("unreachable", "away"));
    await expect(course.look()).rejects.toThrow("away");
    expect(course.snapshot()).toMatchObject({ status: "ready", chapters: [TEN] });
  });

  it("says where the learner's version is after a reset, until that is read", async () => {
    const course = new Course(server(), PACE);
    await course.refresh();
    await course.reset("10.ipynb");
    expect(course.snapshot().kept).toEqual({ chapter: "10 Images", path: "10.backup-1.ipynb" });
    expect(course.snapshot().chapters).toEqual([TEN]);
    course.dismiss();
    expect(course.snapshot().kept).toBeNull();
  });
});
