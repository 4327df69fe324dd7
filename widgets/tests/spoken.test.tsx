import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Spoken } from "../src/core/Spoken";

let host: HTMLElement;
const said = () => host.querySelector("[aria-live=polite]")!.textContent;
const show = (words: string, more: { occasion?: string; resting?: boolean } = {}) =>
  act(() => render(<Spoken words={() => words} {...more} />, host));

beforeEach(() => {
  vi.useFakeTimers();
  host = document.body.appendChild(document.createElement("div"));
});
afterEach(() => {
  act(() => render(null, host));
  host.remove();
  vi.useRealTimers();
});

describe("what a screen reader is told", () => {
  it("is said at first, and then every ten seconds at most", async () => {
    await show("epoch 1");
    expect(said()).toBe("epoch 1");
    vi.advanceTimersByTime(9_000);
    await show("epoch 90");
    expect(said()).toBe("epoch 1");
    vi.advanceTimersByTime(1_000);
    await show("epoch 100");
    expect(said()).toBe("epoch 100");
  });

  it("is said at once on another occasion, and where nothing moves by itself", async () => {
    await show("training", { occasion: "training" });
    await show("paused", { occasion: "paused" });
    expect(said()).toBe("paused");
    await show("one step on", { occasion: "paused" });
    expect(said()).toBe("paused");
    await show("two steps on", { occasion: "paused", resting: true });
    expect(said()).toBe("two steps on");
  });

  it("waits until there is a sentence", async () => {
    await show("");
    expect(said()).toBe("");
    await show("step 1");
    expect(said()).toBe("step 1");
  });
});
