// Looking something up: words in the chapters, and terms in the glossary.
import { type Api } from "./api";
import { messageOf, Store } from "./store";

/** A place in a chapter: the cell by its id or, in a file of an old format, by its place. */
export interface Place {
  path: string;
  number: string;
  title: string; // of the chapter
  of: "chapter" | "lab";
  cell: string | null;
  at: number | null;
  heading: string;
}

export interface Hit extends Place {
  kind: "markdown" | "code" | "raw";
  snippet: string;
  marks: [number, number][]; // where in the snippet the words are
}

export interface Found {
  hits: Hit[];
  count: number; // of all cells that have the words
}

export interface Term {
  name: string;
  also: string[];
  words: string; // one line of Markdown a paragraph
  taught: (Place & { words: string })[];
}

export interface Glossary {
  terms: Term[];
  message: string; // why there are none
}

export interface LookupView {
  query: string;
  found: Found | null; // of the query, once it is there
  glossary: Glossary | null;
  trouble: string;
}

const PAUSE = 200; // ms without a key before the server is asked

/** Asks when the learner pauses, and only the answer to the latest question counts. */
export class Lookup extends Store<LookupView> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asked = 0;

  constructor(
    private readonly api: Pick<Api, "search" | "glossary">,
    private readonly pause = PAUSE,
  ) {
    super({ query: "", found: null, glossary: null, trouble: "" });
  }

  /** What is typed now. */
  type(query: string): void {
    clearTimeout(this.timer);
    const asked = ++this.asked;
    const empty = !query.trim();
    this.change(empty ? { query, found: null, trouble: "" } : { query });
    if (!empty) this.timer = setTimeout(() => void this.search(query, asked), this.pause);
  }

  /** Read the glossary, if it has not been. */
  async open(): Promise<void> {
    if (!this.snapshot().glossary) await this.read();
  }

  /** The course has changed: read again what has been read. */
  async again(): Promise<void> {
    if (this.snapshot().glossary) await this.read();
  }

  private async search(query: string, asked: number): Promise<void> {
    void this.open();
    try {
      const found = await this.api.search(query);
      if (asked === this.asked) this.change({ found, trouble: "" });
    } catch (error) {
      if (asked === this.asked) this.change({ found: null, trouble: `The search failed: ${messageOf(error)}` });
    }
  }

  private async read(): Promise<void> {
    try {
      this.change({ glossary: await this.api.glossary() });
    } catch (error) {
      this.change({ glossary: { terms: [], message: `The glossary cannot be read: ${messageOf(error)}` } });
    }
  }
}

/** The terms that have every word in their name, in another name or in what they mean; those with it in a name first. */
export function termsWith(query: string, terms: Term[]): Term[] {
  const words = folded(query).split(/\s+/).filter(Boolean);
  const named = (term: Term) => folded([term.name, ...term.also].join(" "));
  const has = (text: string) => words.every((word) => text.includes(word));
  const found = terms.filter((term) => has(`${named(term)} ${folded(term.words)}`));
  return [...found.filter((term) => has(named(term))), ...found.filter((term) => !has(named(term)))];
}

/** Lower case without accents. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** A text in pieces, those between marks marked. */
export function marked(text: string, marks: [number, number][]): { text: string; mark: boolean }[] {
  const letters = [...text]; // the server counts characters, not halves of them
  const pieces: { text: string; mark: boolean }[] = [];
  let at = 0;
  for (const [begin, end] of marks) {
    pieces.push({ text: letters.slice(at, begin).join(""), mark: false });
    pieces.push({ text: letters.slice(begin, end).join(""), mark: true });
    at = end;
  }
  pieces.push({ text: letters.slice(at).join(""), mark: false });
  return pieces.filter((piece) => piece.text);
}

/** One line of Markdown in pieces: code, strong and emphasised words, and the rest. */
export function inline(text: string): { text: string; as: "code" | "strong" | "em" | "" }[] {
  const pieces: ReturnType<typeof inline> = [];
  let at = 0;
  for (const match of text.matchAll(/`([^`]+)`|\*\*([^*]+)\*\*|\*([^*\s][^*]*)\*/g)) {
    pieces.push({ text: text.slice(at, match.index), as: "" });
    pieces.push({ text: match[1] ?? match[2] ?? match[3] ?? "", as: match[1] ? "code" : match[2] ? "strong" : "em" });
    at = match.index + match[0].length;
  }
  pieces.push({ text: text.slice(at), as: "" });
  return pieces.filter((piece) => piece.text);
}
