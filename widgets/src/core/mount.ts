// The root of a widget in the page: its style, its keys, its end.
import { type ComponentChild, render } from "preact";

/** Put a component under `el` with its styles; returns what takes it away. */
export function mount(el: HTMLElement, styles: string[], make: (root: HTMLElement) => [ComponentChild, () => void]): () => void {
  const root = document.createElement("div");
  root.className = "dlnb-root";
  const style = document.createElement("style");
  style.textContent = styles.join("\n");
  el.append(style, root);
  // In command mode JupyterLab takes letters and arrows, unless the focused element itself says no.
  root.addEventListener("focusin", (event) => (event.target as Element).setAttribute("data-lm-suppress-shortcuts", "true"));
  const [component, close] = make(root);
  render(component, root);
  return () => {
    close();
    render(null, root);
    root.remove();
    style.remove();
  };
}
