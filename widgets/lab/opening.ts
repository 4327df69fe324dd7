// Opening a notebook of the course, at a cell or a heading of it.
import { type JupyterFrontEnd } from "@jupyterlab/application";
import { type NotebookPanel } from "@jupyterlab/notebook";
import { type Place } from "./lookup";

/** Open a notebook, and go to a cell of it by its id. */
export async function openChapter(app: JupyterFrontEnd, path: string, cell?: string | null): Promise<void> {
  const panel = await opened(app, path);
  if (panel && cell) await goTo(panel, indexOf(panel, cell));
}

/** Open a notebook at what was found, or where a term is taught. */
export async function openPlace(app: JupyterFrontEnd, place: Place): Promise<void> {
  const panel = await opened(app, place.path);
  if (!panel) return;
  const at = place.cell ? indexOf(panel, place.cell) : (place.at ?? -1);
  await goTo(panel, at);
  const cell = panel.content.widgets[at];
  if (cell?.model.type === "markdown") heading(cell.node, place.heading)?.scrollIntoView({ block: "center" });
}

/** The notebook in this page; none in Notebook 7, which opens a page of its own. */
async function opened(app: JupyterFrontEnd, path: string): Promise<NotebookPanel | null> {
  const panel = (await app.commands.execute("docmanager:open", { path })) as NotebookPanel | undefined;
  if (!panel?.content?.widgets) return null;
  await panel.revealed;
  return panel;
}

function indexOf(panel: NotebookPanel, cell: string): number {
  return panel.content.widgets.findIndex((widget) => widget.model.id === cell);
}

async function goTo(panel: NotebookPanel, at: number): Promise<void> {
  if (at < 0 || at >= panel.content.widgets.length) return; // deleted from the learner's copy
  panel.content.activeCellIndex = at;
  await panel.content.scrollToItem(at, "center");
}

/** The heading as it is shown, in a cell that may have several. */
function heading(cell: HTMLElement, text: string): Element | undefined {
  const wanted = text.replaceAll("-", " ");
  const all = [...cell.querySelectorAll(":is(h1, h2, h3, h4, h5, h6)")];
  return all.find((element) => element.textContent?.replace(/¶$/, "").replaceAll("-", " ").trim() === wanted);
}
