// The JupyterLab plugin: the course panel, its commands, launcher tile and palette entries.
import { ILabShell, ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from "@jupyterlab/application";
import { ICommandPalette } from "@jupyterlab/apputils";
import { ILauncher } from "@jupyterlab/launcher";
import { INotebookTracker } from "@jupyterlab/notebook";
import { ISettingRegistry } from "@jupyterlab/settingregistry";
import { serverApi } from "./api";
import { Course } from "./course";
import { follow } from "./follow";
import { courseIcon } from "./icons";
import { Running } from "./live";
import { Lookup } from "./lookup";
import { openChapter, openPlace } from "./opening";
import { CoursePanel } from "./panel";
import { type Page, resetChapter } from "./reset";
import { type KernelNames } from "./runs";
import { nameOf, nextUp } from "./words";

const PLUGIN = "dlnb:course-panel";
const CATEGORY = "Deep learning course";
const SHOWN = "dlnb:shown"; // in the tab's session storage

const commandIds = {
  show: "dlnb:show-course",
  next: "dlnb:continue-course",
  open: "dlnb:open-chapter",
  reset: "dlnb:reset-chapter",
  search: "dlnb:search-course",
};

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN,
  description: "The course panel: chapters, labs, how far the learner is, search, glossary, and what runs.",
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
    const api = serverApi(app.serviceManager.serverSettings);
    const course = new Course(api);
    const page = { course, notebooks, contents: app.serviceManager.contents };
    const running = new Running(api);
    const panel = new CoursePanel({
      course,
      lookup: new Lookup(api),
      running,
      open: (path, cell) => void openChapter(app, path, cell),
      openPlace: (place) => void openPlace(app, place),
      reset: (chapter) => void resetChapter(page, chapter),
      kernels: kernelsOf(app, running, () => panel.lookAtRuns()),
    });
    app.shell.add(panel, "left", { rank: 150 });
    restorer?.add(panel, panel.id);
    if (notebooks) follow(course, notebooks, app.serviceManager.contents);
    addCommands(app, page, panel);
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

function addCommands(app: JupyterFrontEnd, page: Page, panel: CoursePanel): void {
  const { commands } = app;
  const { course } = page;
  const show = () => {
    if (!panel.isVisible) app.shell.activateById(panel.id); // in Notebook 7.4 it would close an open panel
  };
  commands.addCommand(commandIds.show, {
    label: (args) => (args["isPalette"] ? "Open the Course Panel" : "Course Panel"),
    caption: "The chapters of the deep learning course, and how far you are",
    icon: (args) => (args["isPalette"] ? undefined : courseIcon),
    isVisible: () => panel.isAttached,
    execute: () => {
      show();
      requestAnimationFrame(() => panel.focusFirst());
    },
  });
  commands.addCommand(commandIds.search, {
    label: "Search in the Course",
    isVisible: () => panel.isAttached,
    execute: () => {
      show();
      requestAnimationFrame(() => panel.focusSearch());
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
    label: "Reset This Chapter to How It Came …",
    isEnabled: () => opened() !== undefined,
    execute: () => {
      const chapter = opened();
      return chapter && resetChapter(page, chapter);
    },
  });
  course.subscribe(() => commands.notifyCommandChanged());
}

/** The commands, and one entry for each chapter, made anew when the list has changed. */
function fillPalette(palette: ICommandPalette, course: Course): void {
  palette.addItem({ command: commandIds.show, category: CATEGORY, args: { isPalette: true } });
  palette.addItem({ command: commandIds.next, category: CATEGORY });
  palette.addItem({ command: commandIds.search, category: CATEGORY });
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

/** Kernels by the notebooks that they belong to. */
function kernelsOf(app: JupyterFrontEnd, running: Running, look: () => void): KernelNames {
  const session = (kernel: string) =>
    [...app.serviceManager.sessions.running()].find((model) => model.kernel?.id === kernel);
  return {
    nameOf: (kernel) => session(kernel)?.path.split("/").pop() || "A kernel without a notebook",
    open: (kernel) => {
      const model = session(kernel);
      if (model?.type === "notebook") void openChapter(app, model.path);
    },
    tell: (kernel, run, command) => void running.tell(kernel, run, command).then(look),
  };
}

/** Bring the panel to the front when a tab first opens on the course; after that the learner decides. */
function showOnce(labShell: ILabShell, panel: CoursePanel): void {
  if (sessionStorage.getItem(SHOWN)) return;
  sessionStorage.setItem(SHOWN, "yes");
  labShell.activateById(panel.id);
}

export default plugin;
