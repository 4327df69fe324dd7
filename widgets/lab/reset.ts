// Resetting a chapter: ask, save what is not saved, have the server keep it and put the original back, and show that.
import { Dialog, showDialog, showErrorMessage } from "@jupyterlab/apputils";
import { type INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { type Contents } from "@jupyterlab/services";
import { type Course } from "./course";
import { messageOf } from "./store";
import { type Chapter, nameOf } from "./words";

/** What a reset needs of this page. Without notebooks (some pages of Notebook 7) nothing is open that could be unsaved. */
export interface Page {
  course: Course;
  notebooks: INotebookTracker | null;
  contents: Contents.IManager;
}

export async function resetChapter(page: Page, chapter: Chapter): Promise<void> {
  const answer = await showDialog({
    title: "Reset this chapter?",
    body:
      `“${nameOf(chapter)}” becomes as it came, and its cells and exercises count as new. ` +
      "Your version is kept beside it, under a new name.",
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: "Reset" })],
  });
  if (!answer.button.accept) return;
  try {
    for (const panel of open(page, chapter.path)) await save(panel);
    await page.course.reset(chapter.path);
    for (const panel of open(page, chapter.path)) await panel.context.revert();
  } catch (error) {
    await showErrorMessage("Not reset", messageOf(error));
  }
}

/** The views of this notebook in this page. */
function open({ notebooks, contents }: Page, path: string): NotebookPanel[] {
  const found: NotebookPanel[] = [];
  notebooks?.forEach((panel) => {
    if (contents.localPath(panel.context.path) === path) found.push(panel);
  });
  return found;
}

/** Changes that are not saved belong to the learner's version too. */
async function save({ context }: NotebookPanel): Promise<void> {
  if (!context.model.dirty) return;
  await context.save();
  if (context.model.dirty) throw new Error("Your latest changes could not be saved. Save the notebook, then try again.");
}
