// What can be taken away: the charts as a picture, and every recorded number as a table.
import { themed } from "../core/theme";
import type { Ask } from "./ask";

export function download(data: Blob, name: string, page: Document): void {
  const link = page.createElement("a");
  link.href = URL.createObjectURL(data);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Whole history as CSV, in parts that the kernel makes one after the other. `told` hears how far it is. */
export async function csv(ask: Ask, told: (share: number) => void): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (let from: number | null = 0, rows: number | null = null, version: unknown = null; from !== null; ) {
    const { answer, columns }: Awaited<ReturnType<Ask>> = await ask("csv", { from, rows, version });
    parts.push(columns.get("text") as Uint8Array<ArrayBuffer>);
    ({ rows, version } = answer as unknown as { rows: number; version: number });
    from = answer["next"] as number | null;
    told(from === null ? 1 : from / Math.max(1, rows));
  }
  return new Blob(parts, { type: "text/csv" });
}

const GAP = 8; // pixels of the screen

/** The charts under each other, with their titles, as a PNG. */
export async function png(root: Element, title: string): Promise<Blob> {
  const ratio = devicePixelRatio;
  const charts = [...root.querySelectorAll<HTMLElement>(".dlnb-chart")].flatMap((figure) => {
    const canvas = figure.querySelector("canvas");
    return canvas?.width ? [{ canvas, words: captions(figure) }] : [];
  });
  const width = Math.max(...charts.map(({ canvas }) => canvas.width));
  const line = 18 * ratio;
  const picture = root.ownerDocument.createElement("canvas");
  picture.width = width + 2 * GAP * ratio;
  picture.height = charts.reduce((sum, { canvas }) => sum + canvas.height + line + GAP * ratio, line + 2 * GAP * ratio);
  const context = picture.getContext("2d")!;
  context.fillStyle = themed(root, "--jp-layout-color1", "#fff");
  context.fillRect(0, 0, picture.width, picture.height);
  context.font = `${12 * ratio}px ${themed(root, "--jp-ui-font-family", "sans-serif")}`;
  const ink = themed(root, "--jp-ui-font-color1", "#000");
  let y = GAP * ratio + line;
  context.fillStyle = ink;
  context.fillText(title, GAP * ratio, y - 4 * ratio);
  for (const { canvas, words } of charts) {
    let x = GAP * ratio;
    y += line;
    for (const { text, colour } of words) {
      context.fillStyle = colour ?? ink;
      context.fillText(text, x, y - 4 * ratio);
      x += context.measureText(`${text}   `).width;
    }
    context.drawImage(canvas, GAP * ratio, y);
    y += canvas.height + GAP * ratio;
  }
  return new Promise((resolve, reject) =>
    picture.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("this browser made no picture")))),
  );
}

/** What stands over a chart: its name, and each line in its colour. */
function captions(figure: HTMLElement): { text: string; colour: string | null }[] {
  return [...figure.querySelectorAll<HTMLElement>("figcaption > *")].map((part) => {
    const swatch = part.querySelector("i");
    return { text: part.textContent!.trim().replace(/\s+/g, " "), colour: swatch && getComputedStyle(swatch).backgroundColor };
  });
}
