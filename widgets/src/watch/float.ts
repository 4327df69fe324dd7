// The dashboard in a small window of its own that stays above the page, where the browser can do that.

interface PictureInPicture {
  requestWindow(options: { width: number; height: number }): Promise<Window>;
}

/** What opens such a window, or nothing. */
export function pictureInPicture(): PictureInPicture | undefined {
  return (globalThis as { documentPictureInPicture?: PictureInPicture }).documentPictureInPicture;
}

/** Move a widget into a window that floats until it is closed; `ended` is called when it is back in the page. */
export async function float(root: HTMLElement, ended: () => void): Promise<Window> {
  const floating = await pictureInPicture()!.requestWindow({ width: 460, height: 640 });
  const place = document.createElement("p");
  place.textContent = "This dashboard floats in a window of its own. Close that window to bring it back.";
  const page = floating.document;
  for (const style of root.parentElement!.querySelectorAll("style")) page.head.append(style.cloneNode(true));
  for (const { name, value } of Array.from(document.body.attributes)) if (name.startsWith("data-jp-theme")) page.body.setAttribute(name, value);
  const theme = getComputedStyle(document.body);
  for (const name of themeVariables()) page.body.style.setProperty(name, theme.getPropertyValue(name));
  page.body.style.background = theme.getPropertyValue("--jp-layout-color1");
  root.replaceWith(place);
  page.body.append(root);
  floating.addEventListener("pagehide", () => {
    place.replaceWith(root);
    ended();
  });
  return floating;
}

/** The names of Jupyter's theme variables, which belong to the page and not to the floating window. */
function themeVariables(): Set<string> {
  const names = new Set<string>();
  for (const sheet of Array.from(document.styleSheets)) {
    let rules: CSSRuleList;
    try {
      rules = sheet.cssRules;
    } catch {
      continue; // a sheet from elsewhere
    }
    for (const rule of Array.from(rules))
      for (const name of Array.from((rule as CSSStyleRule).style ?? [])) if (name.startsWith("--jp-")) names.add(name);
  }
  return names;
}
