import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Batch, Refused } from "../lab/batch";

const PACE = { wait: 300, retry: 2000, most: 3 };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("cells that ran", () => {
  it("are sent together, each once, a chapter at a time", async () => {
    const send = vi.fn(async () => {});
    const batch = new Batch(send, PACE);
    for (const cell of ["a", "b", "a"]) batch.add("10.ipynb", cell);
    batch.add("11.ipynb", "c");
    expect(send).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(300);
    expect(send.mock.calls).toEqual([
      ["10.ipynb", ["a", "b"]],
      ["11.ipynb", ["c"]],
    ]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("are sent soon although more keep coming", async () => {
    const send = vi.fn(async () => {});
    const batch = new Batch(send, { ...PACE, most: 100 });
    for (let i = 0; i < 10; i++) {
      batch.add("10.ipynb", `cell-${i}`);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(send.mock.calls.length).toBeGreaterThanOrEqual(2);
  });

  it("make requests of a limited size", async () => {
    const send = vi.fn(async (_path: string, _cells: string[]) => {});
    const batch = new Batch(send, PACE);
    for (const cell of ["a", "b", "c", "d"]) batch.add("10.ipynb", cell);
    await vi.advanceTimersByTimeAsync(1000);
    expect(send.mock.calls.map(([, cells]) => cells)).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("that come during a request are sent after it, and one request runs at a time", async () => {
    let running = 0;
    let most = 0;
    const send = vi.fn(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 1000));
      running--;
    });
    const batch = new Batch(send, PACE);
    batch.add("10.ipynb", "a");
    await vi.advanceTimersByTimeAsync(500);
    batch.add("10.ipynb", "b");
    await batch.flush();
    await vi.advanceTimersByTimeAsync(5000);
    expect(send.mock.calls).toEqual([
      ["10.ipynb", ["a"]],
      ["10.ipynb", ["b"]],
    ]);
    expect(most).toBe(1);
  });

  it("are kept while the server is away, and asked less and less often", async () => {
    let up = false;
    const send = vi.fn(async () => {
      if (!up) throw new Error("away");
    });
    const batch = new Batch(send, PACE);
    batch.add("10.ipynb", "a");
    await vi.advanceTimersByTimeAsync(300);
    await vi.advanceTimersByTimeAsync(1999);
    expect(send).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(send).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(3999);
    expect(send).toHaveBeenCalledTimes(2);
    up = true;
    await vi.advanceTimersByTimeAsync(1);
    expect(send).toHaveBeenLastCalledWith("10.ipynb", ["a"]);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(send).toHaveBeenCalledTimes(3);
  });

  it("that the server refuses are dropped, and the others still go", async () => {
    const send = vi.fn(async (path: string) => {
      if (path === "gone.ipynb") throw new Refused("no such chapter");
    });
    const batch = new Batch(send, PACE);
    batch.add("gone.ipynb", "a");
    batch.add("10.ipynb", "b");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(send.mock.calls.map(([path]) => path)).toEqual(["gone.ipynb", "10.ipynb"]);
  });
});
