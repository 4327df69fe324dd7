// The panel's requests to the server extension, and what can go wrong with them, in words.
import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection } from "@jupyterlab/services";
import { Refused } from "./batch";
import { type Command, type Live } from "./live";
import { type Found, type Glossary } from "./lookup";
import { type Chapter } from "./words";

/** The list: chapters and labs in reading order, and messages for the learner. tag: changes when the list does. */
export interface Listing {
  chapters: Chapter[];
  notices: string[];
  tag: string;
}

/** Why there is no list: `why` chooses the remedy that the panel shows. */
export class NoListing extends Error {
  constructor(
    readonly why: "missing" | "no course" | "unreachable",
    message: string,
  ) {
    super(message);
  }
}

export interface Api {
  /** The list, or null while it is still the one with the tag. */
  list(tag: string): Promise<Listing | null>;
  record(path: string, cells: string[]): Promise<Chapter>;
  /** The chapter as it came; `backup` is the path of the learner's version, or null if it was no other. */
  reset(path: string): Promise<Chapter & { backup: string | null }>;
  search(query: string): Promise<Found>;
  glossary(): Promise<Glossary>;
  live(): Promise<Live>;
  command(kernel: string, run: string, command: Command): Promise<void>;
}

/** The server extension of this JupyterLab. */
export function serverApi(settings: ServerConnection.ISettings): Api {
  const url = (...parts: string[]) => URLExt.join(settings.baseUrl, "dlnb", ...parts);

  async function post<T>(body: object, ...route: string[]): Promise<T> {
    // keepalive: the last cells of a page that is being closed still arrive
    const init = { method: "POST", body: JSON.stringify(body), keepalive: true };
    const response = await ServerConnection.makeRequest(url(...route), init, settings);
    if (response.ok) return (await response.json()) as T;
    const message = (await answerOf(response)).message ?? `The server answered ${response.status}.`;
    throw response.status < 500 ? new Refused(message) : new Error(message);
  }

  async function get<T>(route: string): Promise<T> {
    const response = await ServerConnection.makeRequest(url(route), { cache: "no-store" }, settings);
    if (response.ok) return (await response.json()) as T;
    throw new Error((await answerOf(response)).message ?? `The server answered ${response.status}.`);
  }

  return {
    async list(tag) {
      let response: Response;
      try {
        const init = { cache: "no-store" as const, headers: { "If-None-Match": tag } };
        response = await ServerConnection.makeRequest(url("chapters"), init, settings);
      } catch {
        throw new NoListing("unreachable", "The Jupyter server cannot be reached. Is it still running?");
      }
      if (response.status === 304) return null;
      if (!response.ok) throw await problem(response);
      const entries = (await response.json()) as ({ kind: string; title: string } | Chapter)[];
      const none = entries.find((entry) => entry.kind === "no course");
      if (none) throw new NoListing("no course", none.title);
      return {
        chapters: entries.filter((entry): entry is Chapter => entry.kind === "chapter" || entry.kind === "lab"),
        notices: entries.filter((entry) => entry.kind === "notice").map((entry) => entry.title),
        tag: response.headers.get("Etag") ?? "",
      };
    },
    record: (path, cells) => post({ path, cells }, "chapters", "progress"),
    reset: (path) => post({ path }, "chapters", "reset"),
    search: (query) => get(`search?q=${encodeURIComponent(query)}`),
    glossary: () => get("glossary"),
    live: () => get("live"),
    command: (kernel, run, command) => post({ kernel, run, do: command }, "live"),
  };
}

async function problem(response: Response): Promise<NoListing> {
  if (response.status === 404) {
    return new NoListing("missing", "The course’s server extension is not running, so the chapters cannot be listed.");
  }
  const { message } = await answerOf(response);
  return new NoListing("unreachable", message ?? `The server answered ${response.status}. Reload the page.`);
}

/** The JSON of an answer; an HTML page gives nothing. */
async function answerOf(response: Response): Promise<{ message?: string }> {
  try {
    return ((await response.json()) ?? {}) as { message?: string };
  } catch {
    return {};
  }
}
