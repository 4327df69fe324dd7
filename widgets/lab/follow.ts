// Follows the notebooks: which one is in front, and which of its cells the learner has run.
import { type INotebookTracker, NotebookActions } from "@jupyterlab/notebook";
import { type Contents } from "@jupyterlab/services";
import { type Course } from "./course";

/** Tell the course what happens in the notebooks of this page. */
export function follow(course: Course, notebooks: INotebookTracker, contents: Contents.IManager): void {
  const pathOf = (path: string | undefined) => (path === undefined ? null : contents.localPath(path));
  const front = () => course.open(pathOf(notebooks.currentWidget?.context.path));
  notebooks.currentChanged.connect(front);
  notebooks.widgetAdded.connect((_, panel) => void panel.context.pathChanged.connect(front));
  front();

  NotebookActions.executed.connect((_, { notebook, cell, success }) => {
    const path = pathOf(notebooks.find((panel) => panel.content === notebook)?.context.path);
    const { executionCount } = cell.model as { executionCount?: number | null };
    // Without a kernel JupyterLab reports success too, but there is no execution count then.
    if (path === null || cell.model.type !== "code" || typeof executionCount !== "number") return;
    if (success || shouldRaise(cell.model.getMetadata("tags"))) course.ran(path, cell.model.id);
  });

  addEventListener("pagehide", () => void course.flush());
}

/** Whether the error is what the cell is there to show. */
function shouldRaise(tags: unknown): boolean {
  return Array.isArray(tags) && tags.includes("raises-exception");
}
