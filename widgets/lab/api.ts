// The panel's requests to the server extension, and what can go wrong with them, in words.
import { URLExt } from "@jupyterlab/coreutils";
import { ServerConnection } from "@jupyterlab/services";
import { Refused } from "./batch";
import { type Chapter } from "./words";

/** The list: chapters and labs in reading order, and messages for the learner. */
export interface Listing {
  chapters: Chapter[];
  notices: string[];
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
  list(): Promise<Listing>;
  record(path: string, cells: string[]): Promise<Chapter>;
  reset(path: string): Promise<Chapter>;
}

/** The server extension of this JupyterLab. */
export function serverApi(settings: ServerConnection.ISettings): Api {
  const url = (...parts: string[]) => URLExt.join(settings.baseUrl, "dlnb", "chapters", ...parts);

  async function post(route: string, body: object): Promise<Chapter> {
    // keepalive: the last cells of a page that is being closed still arrive
    const init = { method: "POST", body: JSON.stringify(body), keepalive: true };
    const response = await ServerConnection.makeRequest(url(route), init, settings);
    if (response.ok) return (await response.json()) as Chapter;
    const message = (await answerOf(response)).message ?? `The server answered ${response.status}.`;
    throw response.status < 500 ? new Refused(message) : new Error(message);
  }

  return {
    async list() {
      let response: Response;
      try {
        response = await ServerConnection.makeRequest(url(), { cache: "no-store" }, settings);
      } catch {
        throw new NoListing("unreachable", "The Jupyter server cannot be reached. Is it still running?");
      }
      if (!response.ok) throw await problem(response);
      const entries = (await response.json()) as ({ kind: string; title: string } | Chapter)[];
      const none = entries.find((entry) => entry.kind === "no course");
      if (none) throw new NoListing("no course", none.title);
      return {
        chapters: entries.filter((entry): entry is Chapter => entry.kind === "chapter" || entry.kind === "lab"),
        notices: entries.filter((entry) => entry.kind === "notice").map((entry) => entry.title),
      };
    },
    record: (path, cells) => post("progress", { path, cells }),
    reset: (path) => post("reset", { path }),
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
