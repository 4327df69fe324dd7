import type { RenderProps } from "@anywidget/types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import loader from "../src/core/loader";

const CODE = "export default { render({ el }) { el.append('drawn'); return () => {}; } };";
type Hear = (message: unknown, buffers: DataView[]) => void;

/** A kernel that answers with the bundle, or with something else, or not at all. */
function instance(answer: (hear: Hear) => void) {
  const heard = new Set<Hear>();
  const send = vi.fn(() => queueMicrotask(() => [...heard].forEach((hear) => answer(hear))));
  const model = {
    get: () => "watch-1",
    on: (_: string, hear: Hear) => heard.add(hear),
    off: (_: string, hear: Hear) => heard.delete(hear),
    send,
  };
  const el = document.createElement("div");
  return { el, send, heard, shown: () => loader.render({ model, el } as unknown as RenderProps<{ _bundle: string }>) };
}

function bundle(hear: Hear, hash = "watch-1", code = CODE): void {
  const bytes = new TextEncoder().encode(`...${code}`);
  hear({ kind: "bundle", hash }, [new DataView(bytes.buffer, 3)]);
}

let made: Blob[];
const revoked = vi.fn();

beforeEach(() => {
  delete (globalThis as { __dlnb?: unknown }).__dlnb;
  made = [];
  revoked.mockClear();
  // Node imports no blob: URLs; a data: URL holds the same text.
  const texts = new WeakMap<Blob, string>();
  vi.stubGlobal("Blob", class { constructor(parts: Uint8Array[]) { texts.set(this as unknown as Blob, new TextDecoder().decode(parts[0])); } }); // prettier-ignore
  vi.spyOn(URL, "createObjectURL").mockImplementation((blob) => {
    made.push(blob as Blob);
    return `data:text/javascript,${encodeURIComponent(texts.get(blob as Blob)!)}`;
  });
  vi.spyOn(URL, "revokeObjectURL").mockImplementation(revoked);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the loader", () => {
  it("asks once a page, also for two widgets at once and one later", async () => {
    const [first, second, later] = [1, 2, 3].map(() => instance((hear) => bundle(hear)));
    await Promise.all([first!.shown(), second!.shown()]);
    await later!.shown();
    expect([first, second, later].map((one) => one!.el.textContent)).toEqual(["drawn", "drawn", "drawn"]);
    expect([first, second, later].map((one) => one!.send.mock.calls.length)).toEqual([1, 0, 0]);
    expect(made.length).toBe(1);
  });

  it("asks again where the first question is stuck behind a running cell", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let asked = 0;
    const one = instance((hear) => ++asked === 3 && bundle(hear));
    const shown = one.shown();
    await vi.advanceTimersByTimeAsync(1500);
    vi.useRealTimers();
    await shown;
    expect(one.el.textContent).toBe("drawn");
    expect(one.send).toHaveBeenCalledTimes(3);
  });

  it("leaves neither a listener nor an object URL behind", async () => {
    const one = instance((hear) => bundle(hear));
    await one.shown();
    expect(one.heard.size).toBe(0);
    expect(revoked).toHaveBeenCalledTimes(1);
  });

  it("hears only the answer that is meant", async () => {
    const one = instance((hear) => {
      hear(null, []);
      hear({ kind: "frame" }, []);
      hear({ kind: "bundle", hash: "watch-1" }, []);
      bundle(hear, "another", "throw new Error('wrong one')");
      bundle(hear);
    });
    await one.shown();
    expect(one.el.textContent).toBe("drawn");
  });

  it("says when the kernel is silent, and the next widget tries again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const silent = instance(() => {});
    const shown = silent.shown();
    expect(silent.el.textContent).toBe("Loading …");
    await vi.advanceTimersByTimeAsync(61_000);
    await shown;
    expect(silent.el.textContent).toContain("could not start: the kernel did not answer. Run this cell again");
    expect(silent.heard.size).toBe(0);
    vi.useRealTimers();
    const next = instance((hear) => bundle(hear));
    await next.shown();
    expect(next.el.textContent).toBe("drawn");
  });

  it("says when the bundle is broken, and the next widget tries again", async () => {
    const broken = instance((hear) => bundle(hear, "watch-1", "throw new Error('half a file')"));
    await broken.shown();
    expect(broken.el.textContent).toContain("could not start: half a file");
    expect(revoked).toHaveBeenCalledTimes(1);
    const next = instance((hear) => bundle(hear));
    await next.shown();
    expect(next.el.textContent).toBe("drawn");
  });
});
