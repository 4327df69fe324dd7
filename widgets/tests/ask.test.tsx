import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Ask } from "../src/core/Ask";

const open = signal(false);
const yes = vi.fn();
const no = vi.fn(() => void (open.value = false));
let root: HTMLElement;

function Widget() {
  const asking = open.value;
  return (
    <>
      <button id="asks" onClick={() => (open.value = true)}>
        Away with it …
      </button>
      <input id="elsewhere" onKeyDown={(event) => event.stopPropagation()} />
      {asking && (
        <Ask label="Away?" yes="Away" no={{ action: "keep", words: "Keep it" }} onYes={yes} onNo={no}>
          Throw it away?
        </Ask>
      )}
    </>
  );
}

const find = (selector: string) => root.querySelector<HTMLElement>(selector)!;
const dialog = () => root.querySelector("[role=alertdialog]");
const key = (on: Element, name: string, part: KeyboardEventInit = {}) => {
  const event = new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true, ...part });
  on.dispatchEvent(event);
  return event;
};
/** No frame is painted in between: what waits for one is not ready. */
const rendered = () => new Promise<void>((done) => queueMicrotask(() => queueMicrotask(done)));

beforeEach(async () => {
  open.value = false;
  vi.clearAllMocks();
  vi.stubGlobal("requestAnimationFrame", () => 0); // a machine so slow that nothing is ever painted
  root = document.createElement("div");
  root.className = "dlnb-root";
  document.body.append(root);
  render(<Widget />, root);
  find("#asks").focus();
  find("#asks").click();
  await rendered();
});
afterEach(() => {
  render(null, root);
  root.remove();
  vi.unstubAllGlobals();
});

describe("a question", () => {
  it("has the focus before anything is painted", () => {
    expect(dialog()!.getAttribute("aria-label")).toBe("Away?");
    expect(document.activeElement).toBe(find("[data-action=sure]"));
    expect(dialog()!.textContent).toContain("Throw it away?");
  });

  it("is answered by its buttons", () => {
    find("[data-action=keep]").click();
    expect(no).toHaveBeenCalledOnce();
    find("[data-action=sure]").click();
    expect(yes).toHaveBeenCalledOnce();
  });

  it.each(["[data-action=sure]", "#asks", "#elsewhere"])("is refused by Escape on %s", async (place) => {
    find(place).focus();
    expect(key(find(place), "Escape").defaultPrevented).toBe(true);
    await rendered();
    expect(no).toHaveBeenCalledOnce();
    expect(dialog()).toBeNull();
  });

  it("gives the focus back to where it was", async () => {
    key(document.activeElement!, "Escape");
    await rendered();
    expect(document.activeElement).toBe(find("#asks"));
  });

  it("leaves the focus where a hand has put it meanwhile", async () => {
    find("#elsewhere").focus();
    key(find("#elsewhere"), "Escape");
    await rendered();
    expect(document.activeElement).toBe(find("#elsewhere"));
  });

  it("hears nothing any more once it is closed", async () => {
    key(document.activeElement!, "Escape");
    await rendered();
    key(find("#asks"), "Escape");
    expect(no).toHaveBeenCalledOnce();
  });

  it("is not answered by the key that asked it, still held down", () => {
    expect(key(document.activeElement!, "Enter", { repeat: true }).defaultPrevented).toBe(true);
    expect(key(document.activeElement!, "Enter").defaultPrevented).toBe(false);
  });
});
