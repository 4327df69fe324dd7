import { describe, expect, it } from "vitest";
import {
  announcement,
  type Chapter,
  type Exercise,
  exerciseName,
  exercisesText,
  grouped,
  minutesText,
  nameOf,
  nextUp,
  stateText,
  summary,
  wentText,
} from "../lab/words";

function chapter(part: Partial<Chapter> & { number: string }): Chapter {
  const base = { title: "Images", minutes: 45, error: null, cells: 4, run: 0, next: "a", last: null, exercises: [] };
  return { kind: "chapter", path: `${part.kind ?? "chapter"}/${part.number}.ipynb`, state: "new", ...base, ...part };
}

const done = { state: "done", run: 4, next: null } as const;
const started = { state: "started", run: 1 } as const;

describe("what the panel says of a chapter", () => {
  it("gives the state in words", () => {
    expect(stateText(chapter({ number: "10" }))).toBe("New");
    expect(stateText(chapter({ number: "10", ...started }))).toBe("Started, 1 of 4 cells run");
    expect(stateText(chapter({ number: "10", ...done }))).toBe("Done");
  });

  it("names a lab as one", () => {
    expect(nameOf(chapter({ number: "10" }))).toBe("10 Images");
    expect(nameOf(chapter({ number: "10", kind: "lab" }))).toBe("Lab 10 Images");
  });

  it("says no minutes where the notebook does not", () => {
    expect(minutesText(45)).toBe("45 min");
    expect(minutesText(null)).toBe("");
  });

  it("counts what is done among what can be read", () => {
    const chapters = [chapter({ number: "10", ...done }), chapter({ number: "11" }), chapter({ number: "12", error: "x" })];
    expect(summary(chapters)).toBe("1 of 2 done");
  });

  it("announces a change of state, and nothing else", () => {
    const before = chapter({ number: "10", ...started });
    expect(announcement(before, { ...before, run: 2 })).toBe("");
    expect(announcement(undefined, before)).toBe("");
    expect(announcement(before, { ...before, ...done })).toBe("10 Images: done.");
  });
});

describe("labs", () => {
  it("stand under the chapter of their number, or alone", () => {
    const chapters = [
      chapter({ number: "10" }),
      chapter({ number: "10", kind: "lab", path: "a" }),
      chapter({ number: "10", kind: "lab", path: "b" }),
      chapter({ number: "20", kind: "lab", path: "c" }),
      chapter({ number: "20", kind: "lab", path: "d" }),
    ];
    expect(grouped(chapters).map(({ head, labs }) => [head.path, labs.map((lab) => lab.path)])).toEqual([
      ["chapter/10.ipynb", ["a", "b"]],
      ["c", []],
      ["d", []],
    ]);
  });
});

describe("continue where you left off", () => {
  const pick = (...chapters: Chapter[]) => {
    const next = nextUp(chapters);
    return next && `${next.how} ${next.chapter.number}`;
  };

  it("starts at the first chapter that can be read", () => {
    expect(pick(chapter({ number: "00", error: "broken" }), chapter({ number: "10" }))).toBe("Start 10");
  });

  it("goes on in the chapter that ran last, not in the first one begun", () => {
    const older = chapter({ number: "00", ...started, last: 5 });
    expect(pick(older, chapter({ number: "10", ...started, last: 9 }), chapter({ number: "20" }))).toBe("Continue 10");
  });

  it("goes to the next one when that is done", () => {
    expect(pick(chapter({ number: "00" }), chapter({ number: "10", ...done, last: 9 }), chapter({ number: "20" }))).toBe(
      "Go on with 20",
    );
  });

  it("comes back to what was passed over", () => {
    expect(pick(chapter({ number: "00", ...started, last: 1 }), chapter({ number: "10", ...done, last: 9 }))).toBe(
      "Continue 00",
    );
  });

  it("ends when all are done, and without a course", () => {
    expect(pick(chapter({ number: "00", ...done, last: 9 }))).toBeNull();
    expect(pick()).toBeNull();
  });
});

describe("what the panel says of an exercise", () => {
  const exercise = (part: Partial<Exercise>): Exercise => ({
    number: "10.2", title: "How small?", cell: "a", state: "new", tries: 0, hints: 0, ...part,
  }); // prettier-ignore

  it.each([
    [{}, "Not tried"],
    [{ state: "tried", hints: 1 }, "Tried, 1 hint"],
    [{ state: "tried", tries: 3, hints: 2 }, "Tried, 3 tries, 2 hints"],
    [{ state: "shown", tries: 1 }, "Solution seen, 1 try"],
    [{ state: "solved", tries: 1 }, "Solved"],
    [{ state: "solved", tries: 2 }, "Solved, 2 tries"],
    [{ state: "helped", tries: 2 }, "Solved after the solution, 2 tries"],
  ] as [Partial<Exercise>, string][])("says how it went: %o", (part, words) => {
    expect(wentText(exercise(part))).toBe(words);
  });

  it("names it with or without words, and counts what was solved alone", () => {
    expect(exerciseName(exercise({}))).toBe("Exercise 10.2 How small?");
    expect(exerciseName(exercise({ title: "" }))).toBe("Exercise 10.2");
    expect(exercisesText([exercise({ state: "solved" }), exercise({ state: "helped" }), exercise({})])).toBe("1 of 3 solved");
  });
});
