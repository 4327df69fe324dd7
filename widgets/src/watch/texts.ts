// Texts that a model reads, and what it says.

export interface Texts {
  kind: "texts";
  count: number;
  read: string[];
  truth: string[] | null;
  said: string[] | null;
  right: Uint8Array | null;
  scores: Float32Array | null;
  /** Which were right at the look before. */
  before: Uint8Array | null;
}

/** What is known of any answers: whether each is right, how sure the model is, and which were right at the look before. */
type Answers = Pick<Texts, "right" | "before"> & Partial<Pick<Texts, "scores">>;

export function countRightTexts({ right }: Answers): number | null {
  return right && right.reduce((sum, one) => sum + one, 0);
}

/** What is wrong first, and of that what the model is surest of; what is right last, and of that what it is surest of. */
export function worstTexts({ right, scores }: Answers, all: number[]): number[] {
  const wrongness = (i: number) => (right![i] ? -1 : 1) * (scores ? scores[i]! : 1);
  return all.sort((a, b) => wrongness(b) - wrongness(a));
}

/** Right at the last look and wrong now. */
export function newlyWrongTexts({ right, before }: Answers, all: number[]): number[] {
  return before ? all.filter((i) => before[i] && !right![i]) : [];
}
