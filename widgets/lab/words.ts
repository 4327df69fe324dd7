// What the panel says about the chapters: plain functions of the server's list, without a browser.

export type State = "new" | "started" | "done";

/** How it went with an exercise. "helped": solved after a look at the solution; "shown": looked at and not solved. */
export type Went = "new" | "tried" | "shown" | "helped" | "solved";

export interface Exercise {
  number: string;
  title: string; // a few words, or empty
  cell: string | null; // id of the cell that checks it
  state: Went;
  tries: number; // answers that were checked
  hints: number; // that were looked at
}

/** One chapter or lab, as the server extension lists it (`dlnb/server/course.py`). */
export interface Chapter {
  kind: "chapter" | "lab";
  number: string;
  title: string;
  minutes: number | null;
  path: string; // from the server's root directory, as JupyterLab opens it
  error: string | null;
  state: State;
  cells: number; // code cells that count
  run: number; // how many of them ran without an error
  next: string | null; // id of the one to go on with: the next that has not run
  last: number | null; // when a cell ran or an answer was checked last, in seconds since 1970
  exercises: Exercise[];
}

/** A chapter with its labs; a lab without a chapter stands alone. */
export interface Group {
  head: Chapter;
  labs: Chapter[];
}

/** What the learner's next click should do. */
export interface Next {
  chapter: Chapter;
  how: "Start" | "Continue" | "Go on with";
}

/** "10 Image classification", or "Lab 10 Real handwriting". */
export function nameOf(chapter: Pick<Chapter, "kind" | "number" | "title">): string {
  return `${chapter.kind === "lab" ? "Lab " : ""}${chapter.number} ${chapter.title}`;
}

/** The state in words: colour and icon only repeat it. */
export function stateText(chapter: Chapter): string {
  if (chapter.state === "done") return "Done";
  if (chapter.state === "started") return `Started, ${chapter.run} of ${chapter.cells} cells run`;
  return "New";
}

/** "45 min", and nothing where the notebook does not say. */
export function minutesText(minutes: number | null): string {
  return minutes === null ? "" : `${minutes} min`;
}

/** "1 of 3 done", counting what can be read. */
export function summary(chapters: Chapter[]): string {
  const readable = chapters.filter((chapter) => !chapter.error);
  return `${readable.filter((chapter) => chapter.state === "done").length} of ${readable.length} done`;
}

/** Each lab under the chapter of its number, in the order of the list. */
export function grouped(chapters: Chapter[]): Group[] {
  const groups: Group[] = [];
  for (const chapter of chapters) {
    const head = groups.find((group) => group.head.kind === "chapter" && group.head.number === chapter.number);
    if (chapter.kind === "lab" && head) head.labs.push(chapter);
    else groups.push({ head: chapter, labs: [] });
  }
  return groups;
}

/**
 * Where the learner left off: the chapter that ran last, or, if that one is done, the next in reading order
 * that is not. Nothing when all are done.
 */
export function nextUp(chapters: Chapter[]): Next | null {
  const open = chapters.filter((chapter) => !chapter.error);
  const latest = open.reduce<Chapter | null>(
    (found, chapter) => ((chapter.last ?? 0) > (found?.last ?? 0) ? chapter : found),
    null,
  );
  if (!latest) return open[0] ? { chapter: open[0], how: "Start" } : null;
  if (latest.state !== "done") return { chapter: latest, how: "Continue" };
  const at = open.indexOf(latest);
  const rest = [...open.slice(at + 1), ...open.slice(0, at)];
  const following = rest.find((chapter) => chapter.state !== "done");
  if (!following) return null;
  return { chapter: following, how: following.state === "started" ? "Continue" : "Go on with" };
}

/** "Exercise 10.2 How small?" */
export function exerciseName(exercise: Exercise): string {
  return `Exercise ${exercise.number} ${exercise.title}`.trim();
}

/** How it went with an exercise, in words. */
export function wentText({ state, tries, hints }: Exercise): string {
  const told = [
    { new: "Not tried", tried: "Tried", shown: "Solution seen", helped: "Solved after the solution", solved: "Solved" }[state],
    tries > 1 || (tries === 1 && state !== "solved") ? counted(tries, "try", "tries") : "",
    hints ? counted(hints, "hint", "hints") : "",
  ];
  return told.filter(Boolean).join(", ");
}

/** "1 of 3 solved"; what was solved after a look at the solution does not count. */
export function exercisesText(exercises: Exercise[]): string {
  return `${exercises.filter((exercise) => exercise.state === "solved").length} of ${exercises.length} solved`;
}

/** What a screen reader is told when a chapter or one of its exercises has got further; empty when nothing has. */
export function announcement(before: Chapter | undefined, after: Chapter): string {
  if (!before) return "";
  if (before.state !== after.state) return `${nameOf(after)}: ${after.state}.`;
  const solved = (exercise: Exercise) => exercise.state === "solved" || exercise.state === "helped";
  const now = after.exercises.find(
    (exercise) => solved(exercise) && before.exercises.some((other) => other.number === exercise.number && !solved(other)),
  );
  return now ? `Exercise ${now.number}: solved.` : "";
}

function counted(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
