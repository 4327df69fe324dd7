import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { inline, Lookup, marked, type Term, termsWith } from "../lab/lookup";

const TERMS: Term[] = [
  { name: "Convolution", also: ["filter"], words: "One small window of weights.", taught: [] },
  { name: "Weight", also: [], words: "A number that is learned.", taught: [] },
  { name: "Épreuve", also: [], words: "A window.", taught: [] },
];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function server() {
  return {
    search: vi.fn(async (query: string) => ({ hits: [], count: query.length })),
    glossary: vi.fn(async () => ({ terms: TERMS, message: "" })),
  };
}

describe("searching", () => {
  it("asks once the learner pauses", async () => {
    const api = server();
    const lookup = new Lookup(api, 200);
    for (const query of ["k", "ke", "ker"]) {
      lookup.type(query);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(api.search).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(200);
    expect(api.search.mock.calls).toEqual([["ker"]]);
    expect(lookup.snapshot().found?.count).toBe(3);
  });

  it("shows only the answer to the latest question", async () => {
    const api = server();
    const lookup = new Lookup(api, 0);
    let answer = (_: { hits: []; count: number }) => {};
    api.search.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    lookup.type("slow");
    await vi.advanceTimersByTimeAsync(1);
    lookup.type("quick");
    await vi.advanceTimersByTimeAsync(1);
    answer({ hits: [], count: 99 });
    await vi.advanceTimersByTimeAsync(1);
    expect(lookup.snapshot()).toMatchObject({ query: "quick", found: { count: 5 } });
  });

  it("forgets what was found when the field is emptied, also while an answer is under way", async () => {
    const api = server();
    const lookup = new Lookup(api, 0);
    let answer = (_: { hits: []; count: number }) => {};
    api.search.mockReturnValueOnce(new Promise((resolve) => (answer = resolve)));
    lookup.type("x");
    await vi.advanceTimersByTimeAsync(1);
    lookup.type("");
    answer({ hits: [], count: 1 });
    await vi.advanceTimersByTimeAsync(1);
    expect(lookup.snapshot().found).toBeNull();
  });

  it("says so when the server does not answer", async () => {
    const api = server();
    api.search.mockRejectedValueOnce(new Error("away"));
    const lookup = new Lookup(api, 0);
    lookup.type("x");
    await vi.advanceTimersByTimeAsync(1);
    expect(lookup.snapshot().trouble).toBe("The search failed: away");
  });
});

describe("the glossary", () => {
  it("is read once, and again when the course has changed", async () => {
    const api = server();
    const lookup = new Lookup(api);
    await lookup.again();
    expect(api.glossary).not.toHaveBeenCalled();
    await lookup.open();
    await lookup.open();
    expect(api.glossary).toHaveBeenCalledTimes(1);
    await lookup.again();
    expect(api.glossary).toHaveBeenCalledTimes(2);
  });

  it("gives terms by name, by another name, by what they mean, names first, and without accents", () => {
    expect(termsWith("weight", TERMS).map((term) => term.name)).toEqual(["Weight", "Convolution"]);
    expect(termsWith("FILTER", TERMS).map((term) => term.name)).toEqual(["Convolution"]);
    expect(termsWith("epreuve", TERMS).map((term) => term.name)).toEqual(["Épreuve"]);
    expect(termsWith("window number", TERMS)).toEqual([]);
  });
});

describe("texts", () => {
  it("are cut at the marks, by characters", () => {
    expect(marked("the 🙂 kernel", [[6, 12]])).toEqual([
      { text: "the 🙂 ", mark: false },
      { text: "kernel", mark: true },
    ]);
    expect(marked("plain", [])).toEqual([{ text: "plain", mark: false }]);
  });

  it("show code, strong and emphasised words, and leave HTML as text", () => {
    expect(inline("A `dl.fit` is *not* **that** <b>2 * 3</b>")).toEqual([
      { text: "A ", as: "" },
      { text: "dl.fit", as: "code" },
      { text: " is ", as: "" },
      { text: "not", as: "em" },
      { text: " ", as: "" },
      { text: "that", as: "strong" },
      { text: " <b>2 * 3</b>", as: "" },
    ]);
  });
});
