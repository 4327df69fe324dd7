import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Column } from "../src/core/frame";
import { Pieces } from "../src/core/pieces";
import { type Answer, type Ask, Questions } from "../src/watch/ask";
import { csv } from "../src/watch/export";
import { Zoom } from "../src/watch/zoom";

type Hear = (message: Partial<Answer>, buffers: DataView[]) => void;

class Kernel {
  listeners = new Set<Hear>();
  sent: { about: string; id: string }[] = [];
  on(_: string, hear: Hear) { this.listeners.add(hear); }
  off(_: string, hear: Hear) { this.listeners.delete(hear); }
  say(message: Partial<Answer>, ...values: number[]) {
    const buffers = values.length ? [new DataView(Float32Array.from(values).buffer)] : [];
    this.listeners.forEach((hear) => hear({ kind: "answer", ...message }, buffers));
  }
} // prettier-ignore

let kernel: Kernel;
let questions: Questions;
beforeEach(() => {
  vi.useFakeTimers();
  kernel = new Kernel();
  questions = new Questions(kernel as unknown as AnyModel, (_, content) => kernel.sent.push(content as { about: string; id: string }));
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a question", () => {
  it("gets its own answer, whatever comes first", async () => {
    const [a, b] = [questions.ask("script"), questions.ask("window", { first: 1 })];
    const [first, second] = [kernel.sent[0]!, kernel.sent[1]!];
    expect(kernel.sent[1]).toMatchObject({ about: "window", first: 1 });
    kernel.say({ id: second.id, columns: [{ name: "x", kind: "float32", offset: 0, length: 2 }] }, 3, 4);
    kernel.say({ id: first.id, text: "import" });
    expect((await a).answer["text"]).toBe("import");
    expect([...(await b).columns.get("x")!]).toEqual([3, 4]);
  });

  it("is refused in words", async () => {
    const asked = questions.ask("nonsense");
    kernel.say({ id: kernel.sent[0]!.id, refused: "nothing is known about it" });
    await expect(asked).rejects.toThrow("nothing is known about it");
  });

  it("does not wait for ever, and does not mind a late or a foreign answer", async () => {
    const asked = questions.ask("script");
    kernel.say({ id: "another page's" });
    vi.advanceTimersByTime(30_000);
    await expect(asked).rejects.toThrow("did not answer");
    kernel.say({ id: kernel.sent[0]!.id, text: "late" });
  });

  it("leaves nothing behind", () => {
    questions.close();
    expect(kernel.listeners.size).toBe(0);
  });
});

describe("the table of all numbers", () => {
  it("is put together from the parts of the kernel, of one moment", async () => {
    const text = ["step,loss\r\n1,2\r\n", "2,1\r\n"].map((part) => new TextEncoder().encode(part));
    const asked: object[] = [];
    const ask: Ask = (_, content = {}) => {
      asked.push(content);
      const last = asked.length === 2;
      return Promise.resolve({ answer: { kind: "answer", id: "", rows: 2, version: 7, next: last ? null : 1 }, columns: new Map([["text", text[asked.length - 1]!]]) });
    };
    const told: number[] = [];
    expect(await (await csv(ask, (share) => told.push(share))).text()).toBe("step,loss\r\n1,2\r\n2,1\r\n");
    expect(asked).toEqual([{ from: 0, rows: null, version: null }, { from: 1, rows: 2, version: 7 }]);
    expect(told).toEqual([0.5, 1]);
  });
});

describe("the zoom", () => {
  const coarse = new Pieces();
  coarse.append([100, 200, 300, 400], [1, 2, 3, 4]);
  const fine = (value: number) => new Map<string, Column>([["loss/steps", Int32Array.of(199, 200, 201)], ["loss/mean", Float32Array.of(value, value, value)]]);

  it("puts in what the kernel has stored there, and keeps what was recorded behind it", async () => {
    const ask = vi.fn(() => Promise.resolve({ answer: {} as Answer, columns: fine(9) }));
    const zoom = new Zoom(ask, () => 16, () => {});
    zoom.to([150.7, 350.2]);
    expect(zoom.detailed("loss", coarse)).toBe(coarse);
    await Promise.resolve();
    await Promise.resolve();
    expect(ask).toHaveBeenCalledWith("window", { first: 150, last: 351, count: 1024, half_life: 16 });
    expect(zoom.detailed("loss", coarse).steps).toEqual([100, 199, 200, 201, 300, 400]);
    expect(zoom.detailed("other", coarse)).toBe(coarse);
    zoom.to(null);
    expect(zoom.detailed("loss", coarse)).toBe(coarse);
  });

  it("takes the answer to the last window, not the last answer", async () => {
    const answers: ((columns: Map<string, Column>) => void)[] = [];
    const ask: Ask = () => new Promise((resolve) => answers.push((columns) => resolve({ answer: {} as Answer, columns })));
    const zoom = new Zoom(ask, () => 0, () => {});
    zoom.to([0, 300]);
    zoom.to([100, 300]);
    answers[1]!(fine(2));
    await vi.advanceTimersByTimeAsync(1);
    answers[0]!(fine(1));
    await vi.advanceTimersByTimeAsync(1);
    expect(zoom.detailed("loss", coarse).mean).toContain(2);
    expect(zoom.detailed("loss", coarse).mean.filter((value) => value === 1)).toEqual([]);
  });

  it("shows the coarse curve where the kernel refuses", async () => {
    const zoom = new Zoom(() => Promise.reject(new Error("no")), () => 0, () => {});
    zoom.to([0, 300]);
    await vi.advanceTimersByTimeAsync(1);
    expect(zoom.detailed("loss", coarse)).toBe(coarse);
  });
});
