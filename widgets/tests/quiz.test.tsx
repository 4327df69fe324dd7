import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Quiz } from "../src/quiz/index";
import { judged, type Question, type QuizFrame, QuizState, summary, verdict } from "../src/quiz/state";

const QUESTIONS: Question[] = [
  { id: "one", text: "What is <code>1 + 1</code>?", more: "", several: false, choices: ["2", "11", "<math><mi>x</mi></math>"] },
  { id: "two", text: "Which are even?", more: "<pre>x</pre>", several: true, choices: ["two", "three", "four"] },
];

function frame(part: Partial<QuizFrame> = {}): QuizFrame {
  const score = { questions: 2, answered: 0, right: 0, first: 0 };
  return { kind: "frame", view: "v", number: 1, full: true, columns: [], chapter: "10", questions: QUESTIONS, answers: {}, score, notice: "", ...part };
}
const given = (chosen: number[], right: number[]) => ({ chosen, given: true, right, whys: ["<p>why 0</p>", "<p>why 1</p>", "<p>why 2</p>"] });
const news = (answers: QuizFrame["answers"], part: Partial<QuizFrame> = {}) => frame({ full: false, questions: undefined, answers, ...part });

describe("what is said", () => {
  it.each([
    [[0], [0], true, "Right."],
    [[1], [0], false, "Not right."],
    [[0, 2], [0, 2], true, "Right."],
    [[0], [0, 2], false, "Not right yet. You found 1 of 2 right answers."],
    [[0, 1, 2], [0, 2], false, "Not right yet. You found 2 of 2 right answers, and chose 1 that is not right."],
    [[1, 2], [0], false, "Not right yet. You found 0 of 1 right answer, and chose 2 that are not right."],
  ])("of %j where %j is right", (chosen, right, is, words) => {
    expect(verdict(given(chosen, right))).toEqual({ right: is, words });
  });

  it("of a choice differs in words, not in colour alone", () => {
    const all = [judged(true, true), judged(true, false), judged(false, true), judged(false, false)];
    expect(new Set(all).size).toBe(4);
  });

  it("of the score", () => {
    expect(summary({ questions: 2, answered: 0, right: 0, first: 0 })).toBe("2 questions.");
    expect(summary({ questions: 2, answered: 0, right: 0, first: 1 })).toBe("1 of 2 were right at the first try.");
    expect(summary({ questions: 2, answered: 1, right: 1, first: 0 })).toBe("1 of 2 answered, 1 right. At the first try: 0.");
    expect(summary({ questions: 2, answered: 2, right: 2, first: 1 })).toBe("All 2 answered, 2 right. At the first try: 1.");
  });
});

describe("the state", () => {
  it("takes and leaves choices, one of them for radio buttons", () => {
    const state = new QuizState();
    state.receive(frame());
    expect(state.choose(QUESTIONS[0]!, 1, true)).toEqual([1]);
    expect(state.choose(QUESTIONS[0]!, 0, true)).toEqual([0]);
    expect(state.choose(QUESTIONS[1]!, 2, true)).toEqual([2]);
    expect(state.choose(QUESTIONS[1]!, 0, true)).toEqual([0, 2]);
    expect(state.choose(QUESTIONS[1]!, 2, false)).toEqual([0]);
  });

  it("waits until the answer of a question comes, not that of another", () => {
    const state = new QuizState();
    state.receive(frame());
    state.await("one");
    state.receive(news({ two: { chosen: [1], given: false } }));
    expect([...state.waiting.value]).toEqual(["one"]);
    state.receive(news({ one: given([1], [0]) }));
    expect(state.waiting.value.size).toBe(0);
    expect(state.answer("two").chosen).toEqual([1]);
  });

  it("forgets what it waited for when everything is told anew", () => {
    const state = new QuizState();
    state.await("one");
    state.receive(frame());
    expect(state.waiting.value.size).toBe(0);
  });
});

describe("the view", () => {
  let host: HTMLElement;
  let state: QuizState;
  const send = vi.fn();
  beforeEach(() => {
    vi.clearAllMocks();
    document.body.append((host = document.createElement("div")));
    state = new QuizState();
    state.receive(frame());
    act(() => render(<Quiz state={state} send={send} name="q" />, host));
  });
  afterEach(() => {
    render(null, host);
    host.remove();
  });
  const all = <T extends Element>(selector: string) => [...host.querySelectorAll<T>(selector)];
  const form = (id: string) => host.querySelector<HTMLFormElement>(`[data-question=${id}]`)!;
  const choose = (id: string, place: number) => act(() => form(id).querySelectorAll("input")[place]!.click());
  const press = (id: string) => act(() => form(id).querySelector("button")!.click());

  it("is made of fieldsets with a legend, radio buttons where one is right and check boxes else", () => {
    expect(all("fieldset > legend").map((legend) => legend.textContent)).toEqual([
      "Question 1 of 2. What is 1 + 1?",
      "Question 2 of 2. Which are even? Choose all that are right.",
    ]);
    expect(all<HTMLInputElement>("input").map((input) => input.type)).toEqual([...Array(3).fill("radio"), ...Array(3).fill("checkbox")]);
    expect(new Set(all<HTMLInputElement>("input").map((input) => input.name)).size).toBe(2);
    expect(all("label").every((label) => label.querySelector("input") && label.textContent)).toBe(true);
    expect(form("two").querySelector("fieldset")!.getAttribute("aria-describedby")).toBe(form("two").querySelector(".dlnb-more")!.id);
  });

  it("tells the kernel what is chosen, and asks it only when it is told to", () => {
    choose("one", 1);
    expect(send.mock.calls).toEqual([["choose", { question: "one", chosen: [1] }]]);
    press("one");
    expect(send.mock.lastCall).toEqual(["answer", { question: "one", chosen: [1] }]);
    press("one"); // while it waits
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("says that nothing is chosen, and sends nothing", () => {
    press("two");
    expect(form("two").querySelector("[role=status]")!.textContent).toBe("Choose at least one.");
    expect(send).not.toHaveBeenCalled();
    choose("two", 0);
    expect(form("two").querySelector("[role=status]")!.textContent).toBe("");
  });

  it("shows an explanation of every choice, tied to it, once it is answered", () => {
    expect(all(".dlnb-why").length).toBe(0);
    act(() => state.receive(news({ one: given([1], [0]) }, { score: { questions: 2, answered: 1, right: 0, first: 0 } })));
    const whys = all(".dlnb-why");
    expect(whys.map((why) => why.textContent)).toEqual(["✓ Right, but not chosenwhy 0", "✗ Chosen, but not rightwhy 1", "✗ Not rightwhy 2"]);
    expect([...form("one").querySelectorAll("input")].map((input) => input.getAttribute("aria-describedby"))).toEqual(whys.map((why) => why.id));
    expect([...form("one").querySelectorAll("input")].every((input) => input.disabled)).toBe(true);
    expect(form("one").querySelector("[role=status]")!.textContent).toContain("Not right.");
    expect(host.querySelector(".dlnb-score")!.textContent).toContain("1 of 2 answered, 0 right.");
    expect(form("two").querySelector("input")!.disabled).toBe(false);
  });

  it("keeps its one button, and with it the focus, from the answer to the next try", () => {
    const button = form("one").querySelector("button")!;
    button.focus();
    act(() => state.receive(news({ one: given([1], [0]) })));
    expect(document.activeElement).toBe(button);
    expect(button.textContent).toBe("Try again");
    press("one");
    expect(send.mock.lastCall).toEqual(["again", { question: "one" }]);
    act(() => state.receive(news({ one: { chosen: [], given: false } })));
    expect(document.activeElement).toBe(button);
    expect(button.textContent).toBe("Check");
    expect(all(".dlnb-why").length).toBe(0);
    expect([...form("one").querySelectorAll("input")].some((input) => input.checked)).toBe(false);
  });

  it("is not sent again and again by a key that is held down", () => {
    const held = new KeyboardEvent("keydown", { key: "Enter", repeat: true, bubbles: true, cancelable: true });
    form("one").querySelector("button")!.dispatchEvent(held);
    expect(held.defaultPrevented).toBe(true);
  });

  it("says that the kernel is silent, and what could not be kept", () => {
    act(() => void (state.silent.value = true));
    act(() => state.receive(frame({ notice: "The disk is full." })));
    expect(all(".dlnb-notice").map((notice) => notice.getAttribute("role"))).toEqual(["status", "status"]);
    expect(host.textContent).toContain("run this cell again");
    expect(host.textContent).toContain("The disk is full.");
  });
});
