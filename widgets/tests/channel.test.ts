import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Channel, type Frame } from "../src/core/channel";

type Sight = (entries: { isIntersecting: boolean }[]) => void;
type Hear = (message: unknown, buffers: DataView[]) => void;

let sight: Sight;
let watchers: number;
let hidden: boolean;
let hear: Hear | undefined;
const send = vi.fn();
const paint = vi.fn();
const silence = vi.fn();
let expecting: boolean;

const model = {
  on: (_: string, callback: Hear) => void (hear = callback),
  off: () => void (hear = undefined),
  send,
} as unknown as AnyModel;

let opened: Channel<Frame>[] = [];
function open(together = 1): Channel<Frame> {
  const channel = new Channel<Frame>(model, document.body, paint, () => expecting, silence, together);
  opened.push(channel);
  return channel;
}
/** A view whose hello was answered. */
function answered(): Channel<Frame> {
  const channel = open();
  hear!(frame(), []);
  vi.advanceTimersToNextFrame();
  return channel;
}
const said = () => send.mock.calls.map(([message]) => (message.kind === "visible" ? `visible ${message.value}` : message.kind));
const view = () => send.mock.calls[0]![0].view as string;
const frame = (part: object = {}) => ({ kind: "frame", view: view(), number: 1, full: true, columns: [], ...part });

function hide(value: boolean): void {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.useFakeTimers();
  watchers = 0;
  hidden = false;
  expecting = true;
  for (const spy of [send, paint, silence]) spy.mockReset();
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.stubGlobal("IntersectionObserver", class {
    constructor(callback: Sight) { sight = callback; watchers += 1; }
    observe() {}
    disconnect() { watchers -= 1; }
  }); // prettier-ignore
});
afterEach(() => {
  opened.forEach((channel) => channel.close());
  opened = [];
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the channel", () => {
  it("names itself, each view differently", () => {
    open();
    open();
    const names = send.mock.calls.map(([message]) => message.view);
    expect(said()).toEqual(["hello", "hello"]);
    expect(new Set(names).size).toBe(2);
  });

  it("acknowledges a frame after it was painted, not before", () => {
    open();
    hear!(frame(), []);
    expect(paint).toHaveBeenCalledTimes(1);
    expect(said()).toEqual(["hello"]);
    vi.advanceTimersToNextFrame();
    expect(said()).toEqual(["hello", "ack"]);
  });

  it("acknowledges also when painting throws, so that the kernel goes on", () => {
    open();
    paint.mockImplementation(() => {
      throw new Error("no canvas");
    });
    expect(() => hear!(frame(), [])).toThrow("no canvas");
    expect(() => hear!(frame({ columns: [{ name: "x", kind: "float32", offset: 0, length: 9 }] }), [new DataView(new ArrayBuffer(4))])).toThrow();
    vi.advanceTimersToNextFrame();
    expect(said()).toEqual(["hello", "ack", "ack"]);
  });

  it("acknowledges several frames with one word where it was told so, and does not wait long for the next", () => {
    open(2);
    for (let number = 0; number < 3; number++) {
      hear!(frame(), []);
      vi.advanceTimersToNextFrame();
    }
    const acks = () => send.mock.calls.filter(([message]) => message.kind === "ack").map(([message]) => message.frames);
    expect(acks()).toEqual([2]);
    vi.advanceTimersByTime(100);
    expect(acks()).toEqual([2, 1]);
  });

  it("does not hear what is meant for another view", () => {
    open();
    for (const other of [frame({ view: "another" }), { kind: "bundle" }, null, undefined]) hear!(other, []);
    vi.advanceTimersToNextFrame();
    expect(paint).not.toHaveBeenCalled();
    expect(said()).toEqual(["hello"]);
  });

  it("says once when it is scrolled away or its page is hidden, and when it is back", () => {
    open();
    sight([{ isIntersecting: true }]);
    sight([{ isIntersecting: false }]);
    hide(true);
    hide(false);
    sight([{ isIntersecting: false }, { isIntersecting: true }]);
    hide(true);
    expect(said()).toEqual(["hello", "visible false", "visible true", "visible false"]);
  });

  it("acknowledges at once on a hidden page, which has no animation frames", () => {
    open();
    hide(true);
    hear!(frame(), []);
    expect(said()).toEqual(["hello", "visible false", "ack"]);
  });

  it("says hello again soon where nobody answers, as the first one may be stuck behind a running cell", () => {
    open();
    vi.advanceTimersByTime(2_000);
    expect(said()).toEqual(["hello", "hello", "hello"]);
    expect(new Set(send.mock.calls.map(([message]) => message.view)).size).toBe(1);
  });

  it("says hello once where it is answered", () => {
    answered();
    vi.advanceTimersByTime(2_000);
    expect(said()).toEqual(["hello", "ack"]);
  });

  it("says hello again after a silence, and says so; the next frame ends that", () => {
    answered();
    vi.advanceTimersByTime(16_000);
    expect(said()).toEqual(["hello", "ack", "hello"]);
    expect(silence).toHaveBeenLastCalledWith(true);
    hear!(frame(), []);
    expect(silence).toHaveBeenLastCalledWith(false);
    vi.advanceTimersByTime(9_000);
    expect(said().filter((kind) => kind === "hello").length).toBe(2);
  });

  it("takes no silence for one while nothing is expected or nobody can see it", () => {
    answered();
    expecting = false;
    vi.advanceTimersByTime(60_000);
    expecting = true;
    hide(true);
    vi.advanceTimersByTime(60_000);
    expect(said()).toEqual(["hello", "ack", "visible false"]);
    expect(silence).not.toHaveBeenCalledWith(true);
  });

  it("leaves nothing behind when it is closed", () => {
    const channel = open();
    channel.close();
    expect(said()).toEqual(["hello", "visible false"]);
    expect([watchers, hear, vi.getTimerCount()]).toEqual([0, undefined, 0]);
    hide(true);
    expect(said().length).toBe(2);
  });
});
