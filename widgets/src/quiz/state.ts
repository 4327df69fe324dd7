// What is known of a quiz here: the questions as they came, what is chosen, and what the kernel said of it.
import { signal } from "@preact/signals";
import type { Frame } from "../core/channel";

/** A question as it is shown; texts are HTML that the kernel made of the chapter's file. */
export interface Question {
  id: string;
  text: string;
  more: string;
  several: boolean;
  choices: string[];
}
export interface Answer {
  chosen: number[];
  given: boolean;
  /** Of an answer that is given: the right places, and of each choice why it is right or wrong. */
  right?: number[];
  whys?: string[];
}
export interface Score {
  questions: number;
  answered: number;
  right: number;
  first: number;
}
export interface QuizFrame extends Frame {
  chapter: string;
  questions?: Question[];
  answers: Record<string, Answer>;
  score: Score;
  notice: string;
}

const NOTHING: Answer = { chosen: [], given: false };

export class QuizState {
  readonly chapter = signal("");
  readonly questions = signal<Question[] | null>(null);
  readonly answers = signal<Record<string, Answer>>({});
  readonly score = signal<Score>({ questions: 0, answered: 0, right: 0, first: 0 });
  readonly notice = signal("");
  readonly silent = signal(false);
  /** Questions whose answer is on its way. */
  readonly waiting = signal<ReadonlySet<string>>(new Set());

  receive(frame: QuizFrame): void {
    this.chapter.value = frame.chapter;
    if (frame.questions) this.questions.value = frame.questions;
    this.answers.value = { ...(frame.full ? {} : this.answers.value), ...frame.answers };
    this.score.value = frame.score;
    this.notice.value = frame.notice;
    this.waiting.value = frame.full ? new Set() : new Set([...this.waiting.value].filter((id) => !(id in frame.answers)));
  }

  answer(id: string): Answer {
    return this.answers.value[id] ?? NOTHING;
  }

  /** Take or leave a choice; returns what is chosen then. */
  choose(question: Question, place: number, taken: boolean): number[] {
    const others = question.several ? this.answer(question.id).chosen.filter((one) => one !== place) : [];
    const chosen = taken ? [...others, place].sort((a, b) => a - b) : others;
    this.answers.value = { ...this.answers.value, [question.id]: { chosen, given: false } };
    return chosen;
  }

  await(id: string): void {
    this.waiting.value = new Set([...this.waiting.value, id]);
  }
}

/** What is said of a choice once the question is answered. */
export function judged(isRight: boolean, isChosen: boolean): string {
  if (isRight) return isChosen ? "Right" : "Right, but not chosen";
  return isChosen ? "Chosen, but not right" : "Not right";
}

/** The verdict on an answer, as a sentence or two. */
export function verdict(answer: Answer): { right: boolean; words: string } {
  const right = new Set(answer.right);
  const hits = answer.chosen.filter((place) => right.has(place)).length;
  const wrong = answer.chosen.length - hits;
  if (hits === right.size && wrong === 0) return { right: true, words: "Right." };
  if (right.size === 1 && answer.chosen.length === 1) return { right: false, words: "Not right." };
  const found = `You found ${hits} of ${right.size} right ${right.size === 1 ? "answer" : "answers"}`;
  return { right: false, words: `Not right yet. ${found}${wrong ? `, and chose ${wrong} that ${wrong === 1 ? "is" : "are"} not right` : ""}.` };
}

/** The score as a sentence. */
export function summary({ questions, answered, right, first }: Score): string {
  if (answered === 0) return first ? `${first} of ${questions} were right at the first try.` : `${questions} questions.`;
  const done = answered === questions ? `All ${questions} answered` : `${answered} of ${questions} answered`;
  return `${done}, ${right} right. At the first try: ${first}.`;
}
