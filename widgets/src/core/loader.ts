// What every widget instance carries: it asks the kernel for the widget's bundle once a page and then
// hands over to it. `dlnb/widgets/base.py` answers.
import type { AnyModel, RenderProps } from "@anywidget/types";

interface State {
  _bundle: string;
}
interface Bundle {
  default: { render(props: RenderProps<State>): void | (() => void) };
}

const PATIENCE = 60_000; // milliseconds
// JupyterLab opens a second way to the kernel at the first message of a page, and sends that message
// the first way, which waits for the running cell. So the question is asked again.
const AGAIN = [250, 1000, 4000, 16_000]; // milliseconds after the first time
const page = globalThis as { __dlnb?: Map<string, Promise<Bundle>> };

function ask(model: AnyModel<State>, hash: string): Promise<Bundle> {
  return new Promise((resolve, reject) => {
    const hear = (message: { kind?: string; hash?: string }, buffers: DataView[]) => {
      if (message?.kind !== "bundle" || message.hash !== hash || !buffers[0]) return;
      stop();
      const { buffer, byteOffset, byteLength } = buffers[0];
      const code = new Blob([new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)], { type: "text/javascript" });
      const url = URL.createObjectURL(code);
      import(/* @vite-ignore */ url).then(resolve, reject).finally(() => URL.revokeObjectURL(url));
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error("the kernel did not answer. Run this cell again to bring the widget to life."));
    }, PATIENCE);
    const again = AGAIN.map((wait) => setTimeout(() => model.send({ kind: "bundle" }), wait));
    const stop = () => {
      [timer, ...again].forEach(clearTimeout);
      model.off("msg:custom", hear);
    };
    model.on("msg:custom", hear);
    model.send({ kind: "bundle" });
  });
}

function load(model: AnyModel<State>): Promise<Bundle> {
  const bundles = (page.__dlnb ??= new Map());
  const hash = model.get("_bundle");
  const known = bundles.get(hash);
  if (known) return known;
  const asked = ask(model, hash);
  bundles.set(hash, asked);
  asked.catch(() => bundles.delete(hash)); // so that the next view may try again
  return asked;
}

async function render(props: RenderProps<State>): Promise<void | (() => void)> {
  const note = document.createElement("p");
  note.textContent = "Loading …";
  note.setAttribute("role", "status");
  props.el.append(note);
  try {
    const bundle = await load(props.model);
    note.remove();
    return bundle.default.render(props);
  } catch (error) {
    note.textContent = `This widget could not start: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export default { render };
