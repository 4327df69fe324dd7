import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Slider } from "../src/playground/Slider";

let host: HTMLElement;
const send = vi.fn();
const move = (value: string, kind = "input") =>
  act(() => {
    const range = host.querySelector<HTMLInputElement>("input[type=range]")!;
    range.value = value;
    range.dispatchEvent(new Event(kind, { bubbles: true }));
  });

beforeEach(async () => {
  vi.useFakeTimers();
  send.mockReset();
  host = document.body.appendChild(document.createElement("div"));
  await act(() => render(<Slider name="bias" label="bias" value={0} low={-6} high={6} step={0.05} set={send} />, host));
});
afterEach(() => {
  act(() => render(null, host));
  host.remove();
  vi.useRealTimers();
});

describe("the slider", () => {
  it("sends the first setting at once, so that nothing done next overtakes it", async () => {
    await move("1");
    expect(send.mock.calls).toEqual([[1]]);
  });

  it("sends seldom while it moves, and the last setting when it is let go", async () => {
    for (const value of ["1", "2", "3"]) await move(value);
    expect(send.mock.calls).toEqual([[1]]);
    await move("3", "change");
    expect(send.mock.calls).toEqual([[1], [3]]);
    vi.advanceTimersByTime(5000);
    expect(send).toHaveBeenCalledTimes(2);
  });

  it("sends the last setting soon where it is held still", async () => {
    for (const value of ["1", "2"]) await move(value);
    vi.advanceTimersByTime(60);
    expect(send.mock.calls).toEqual([[1], [2]]);
  });
});
