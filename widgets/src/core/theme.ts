// Colours: Jupyter's own theme variables, and Okabe & Ito's palette for what must be told apart.

/** Names of the colours in core.css, which has a lighter set for dark themes. */
export const TRAIN = "--dlnb-blue";
export const VALID = "--dlnb-orange";
export const SERIES = [VALID, "--dlnb-green", "--dlnb-purple", "--dlnb-sky", "--dlnb-amber"];

/** For curves beside those of the run; none looks like TRAIN in either theme. */
export const GHOSTS = ["--dlnb-purple", "--dlnb-green", "--dlnb-amber"];

/** The value of a theme variable where `element` is, or `otherwise` outside Jupyter. */
export function themed(element: Element, variable: string, otherwise: string): string {
  return getComputedStyle(element).getPropertyValue(variable).trim() || otherwise;
}

/** Calls `redraw` when the reader changes the theme; returns what ends that. */
export function onThemeChange(redraw: () => void): () => void {
  const watcher = new MutationObserver(redraw);
  watcher.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "data-jp-theme-light", "class"] });
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  return () => {
    watcher.disconnect();
    scheme.removeEventListener("change", redraw);
  };
}

/** Calls `told` with the width of `element` in pixels, now and whenever it changes; returns what ends that. */
export function onEachResize(element: Element, told: (width: number) => void): () => void {
  const watcher = new ResizeObserver((entries) => {
    const width = Math.floor(entries[entries.length - 1]!.contentRect.width);
    if (width > 0) told(width);
  });
  watcher.observe(element);
  return () => watcher.disconnect();
}
