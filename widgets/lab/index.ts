// The JupyterLab plugin: the course panel, its commands, launcher tile and palette entries.
import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { Dialog, ICommandPalette, showDialog, showErrorMessage } from "@jupyterlab/apputils";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { serverApi } from "./api";
import { Course } from "./course";
import { follow } from "./follow";
import { courseIcon } from "./icons";
import { CoursePanel } from "./panel";
import { nameOf, nextUp } from "./words";

const PLUGIN = "dlnb:course-panel";
const CATEGORY = "Deep learning course";
const SHOWN = "dlnb:shown"; // in the tab's session storage

const commandIds = {
  show: "dlnb:show-course",
  next: "dlnb:continue-course",
  open: "dlnb:open-chapter",
  reset: "dlnb:reset-progress",
};

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: "The course panel: chapters, labs, and how far the learner is.",
  autoStart: true,
  // All optional: Notebook 7 has no launcher, and some of its pages have no notebooks.
  optional: [INotebookTracker, ICommandPalette, ILauncher, ILayoutRestorer, ILabShell, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    labShell: ILabShell | null,
    settings: ISettingRegistry | null,
  ) => {
    const course = new Course(serverApi(app.serviceManager.serverSettings));
    const panel = new CoursePanel(course, (path, cell) => void openChapter(app, path, cell));
    app.shell.add(panel, "left", { rank: 150 });
    restorer?.add(panel, panel.id);
    if (notebooks) follow(course, notebooks, app.serviceManager.contents);
    addCommands(app, course, panel);
    launcher?.add({ command: commandIds.show, category: CATEGORY, rank: 0 });
    if (palette) fillPalette(palette, course);

    const wish = settings?.load(PLUGIN).then((loaded) => loaded.get("showAtStart").composite !== false);
    void Promise.all([wish ?? true, course.refresh(), app.restored])
      .then(([wished]) => {
        if (labShell && wished && course.snapshot().status === "ready") showOnce(labShell, panel);
      })
      .catch((error: unknown) => console.error("dlnb: the settings of the course panel", error));
  },
};

function addCommands(app: JupyterFrontEnd, course: Course, panel: CoursePanel): void {
  const { commands } = app;
  commands.addCommand(commandIds.show, {
    label: (args) => (args["isPalette"] ? "Open the Course Panel" : "Course Panel"),
    caption: "The chapters of the deep learning course, and how far you are",
    icon: (args) => (args["isPalette"] ? undefined : courseIcon),
    isVisible: () => panel.isAttached,
    execute: () => {
      if (!panel.isVisible) app.shell.activateById(panel.id); // in Notebook 7.4 it would close an open panel
      requestAnimationFrame(() => panel.focusFirst());
    },
  });
  commands.addCommand(commandIds.next, {
    label: "Continue Where You Left Off",
    isEnabled: () => nextUp(course.snapshot().chapters) !== null,
    execute: () => {
      const next = nextUp(course.snapshot().chapters);
      return next && openChapter(app, next.chapter.path, next.chapter.next);
    },
  });
  commands.addCommand(commandIds.open, {
    label: (args) => `Open a Chapter: ${String(args["name"] ?? "")}`,
    isVisible: (args) => typeof args["path"] === "string",
    execute: (args) => openChapter(app, String(args["path"])),
  });
  const opened = () => course.find(course.snapshot().current);
  commands.addCommand(commandIds.reset, {
    label: "Reset the Progress of This Chapter …",
    isEnabled: () => (opened()?.state ?? "new") !== "new",
    execute: async () => {
      const chapter = opened();
      if (!chapter) return;
      const answer = await showDialog({
        title: "Reset the progress of this chapter?",
        body: `“${nameOf(chapter)}” will count as new. The notebook stays as it is.`,
        buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: "Reset" })],
      });
      if (!answer.button.accept) return;
      await course.reset(chapter.path).catch((error: unknown) => showErrorMessage("Not reset", String(error)));
    },
  });
  course.subscribe(() => commands.notifyCommandChanged());
}

/** The commands, and one entry for each chapter, made anew when the list has changed. */
function fillPalette(palette: ICommandPalette, course: Course): void {
  palette.addItem({ command: commandIds.show, category: CATEGORY, args: { isPalette: true } });
  palette.addItem({ command: commandIds.next, category: CATEGORY });
  palette.addItem({ command: commandIds.reset, category: CATEGORY });
  let entries: { dispose(): void }[] = [];
  let listed = "";
  course.subscribe(() => {
    const chapters = course.snapshot().chapters.filter((chapter) => !chapter.error);
    const now = JSON.stringify(chapters.map((chapter) => [chapter.path, nameOf(chapter)]));
    if (now === listed) return;
    listed = now;
    for (const entry of entries) entry.dispose();
    entries = chapters.map((chapter, rank) => {
      const args = { path: chapter.path, name: nameOf(chapter) };
      return palette.addItem({ command: commandIds.open, category: CATEGORY, args, rank: 1000 + rank });
    });
  });
}

/** Open a notebook of the course, and go to a cell of it. */
async function openChapter(app: JupyterFrontEnd, path: string, cell?: string | null): Promise<void> {
  const opened = (await app.commands.execute("docmanager:open", { path })) as NotebookPanel | undefined;
  if (!cell || !opened?.content?.widgets) return; // Notebook 7 opens a page of its own
  await opened.revealed;
  const at = opened.content.widgets.findIndex((widget) => widget.model.id === cell);
  if (at < 0) return; // deleted from the learner's copy
  opened.content.activeCellIndex = at;
  await opened.content.scrollToItem(at, "center");
}

/** Bring the panel to the front when a tab first opens on the course; after that the learner decides. */
function showOnce(labShell: ILabShell, panel: CoursePanel): void {
  if (sessionStorage.getItem(SHOWN)) return;
  sessionStorage.setItem(SHOWN, "yes");
  labShell.activateById(panel.id);
}

export default plugin;
