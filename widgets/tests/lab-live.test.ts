import { describe, expect, it, vi } from "vitest";
import { bytesText, type Live, type LiveRun, memoryText, memoryWarning, Running, runText } from "../lab/live";

const GB = 2 ** 30;
const RUN: LiveRun = { id: "run-1", name: "LeNet on digits", state: "running", step: 1200, steps: 8000, loss: 0.41234, error: "" };

function live(part: Partial<LiveRun> = {}): Live {
  return {
    memory: { used: 0.9 * GB, limit: 2 * GB, where: "container" },
    kernels: [{ id: "k", memory: 400 * 2 ** 20, runs: [{ ...RUN, ...part }], old: false }],
  };
}

describe("what runs", () => {
  it.each([
    [{}, "Running, step 1,200 of 8,000, loss 0.412"],
    [{ state: "paused", loss: null }, "Paused, step 1,200 of 8,000"],
    [{ steps: null, loss: 0 }, "Running, step 1,200, loss 0.00"],
    [{ loss: 0.00001 }, "Running, step 1,200 of 8,000, loss 1.00e-5"],
    [{ loss: 123456 }, "Running, step 1,200 of 8,000, loss 1.23e+5"],
  ] as [Partial<LiveRun>, string][])("is said in words: %o", (part, words) => {
    expect(runText({ ...RUN, ...part })).toBe(words);
  });

  it("is told of memory in units that a person reads", () => {
    expect(bytesText(412 * 2 ** 20)).toBe("412 MB");
    expect(bytesText(1.3 * GB)).toBe("1.3 GB");
    expect(memoryText(live().memory)).toBe("0.9 of 2.0 GB");
  });

  it("warns before memory is full, and says what happens then", () => {
    expect(memoryWarning({ used: 1.6 * GB, limit: 2 * GB, where: "container" })).toBe("");
    expect(memoryWarning({ used: 1.8 * GB, limit: 2 * GB, where: "container" })).toContain("a kernel is ended");
    expect(memoryWarning({ used: 15 * GB, limit: 16 * GB, where: "machine" })).toContain("everything gets slow");
  });

  it("says what changed, and nothing of what was there from the beginning", async () => {
    const api = { live: vi.fn(async () => live()), command: vi.fn(async () => {}) };
    const running = new Running(api);
    expect(running.lively).toBe(false);
    await running.look();
    expect(running.snapshot().said).toBe("");
    expect(running.lively).toBe(true);
    api.live.mockResolvedValueOnce(live({ state: "paused" }));
    await running.look();
    expect(running.snapshot().said).toBe("LeNet on digits: paused.");
  });

  it("says why a command was not taken, until one is", async () => {
    const api = { live: vi.fn(async () => live()), command: vi.fn(async () => {}) };
    const running = new Running(api);
    api.command.mockRejectedValueOnce(new Error("There is no such run."));
    await running.tell("k", "run-1", "pause");
    expect(running.snapshot().trouble).toBe("There is no such run.");
    await running.tell("k", "run-1", "pause");
    expect(running.snapshot().trouble).toBe("");
    expect(api.command.mock.calls).toEqual([["k", "run-1", "pause"], ["k", "run-1", "pause"]]);
  });
});
