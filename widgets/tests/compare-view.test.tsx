import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Selected } from "../src/compare/Side";
import { CompareState, type Line } from "../src/compare/state";
import { Table } from "../src/compare/Table";

const LINE: Line = { label: "trial 0", kind: "trial", state: "running", step: 10, total: 100, value: 0.5, promoted: false, rank: 1 };

let host: HTMLElement;
let state: CompareState;
const send = vi.fn();

async function show(lines: Partial<Line>[], selected: number | null = null): Promise<void> {
  state.lines.value = lines.map((line, i) => ({ ...LINE, label: `trial ${i}`, ...line }));
  state.axes.value = [{ name: "lr", choices: null, log: true, low: 1e-4, high: 1e-1, values: Float32Array.from(lines, (_, i) => 10 ** -(i + 1)) }];
  state.selected.value = selected;
  await act(() =>
    render(
      <>
        <Selected state={state} send={send} />
        <Table state={state} />
      </>,
      host,
    ),
  );
}
const button = (action: string) => host.querySelector<HTMLButtonElement>(`[data-action=${action}]`)!;
const rows = () => [...host.querySelectorAll("tbody tr")].map((row) => row.textContent);
async function click(element: HTMLElement): Promise<void> {
  await act(() => element.click());
}

beforeEach(() => {
  send.mockClear();
  state = new CompareState();
  host = document.createElement("div");
  document.body.append(host);
});
afterEach(() => {
  render(null, host);
  host.remove();
});

describe("the chosen line", () => {
  it("is stopped, promoted and forked, with another learning rate if one likes", async () => {
    await show([{}, {}], 1);
    await click(button("stop-line"));
    await click(button("promote"));
    const rate = host.querySelector("select")!;
    rate.value = String(3);
    await act(() => void rate.dispatchEvent(new Event("change", { bubbles: true })));
    await click(button("fork"));
    expect(send.mock.calls).toEqual([["stop", { line: 1 }], ["promote", { line: 1 }], ["fork", { line: 1, scale: 3 }]]);
  });

  it("cannot be stopped when it is over, nor promoted where all end together", async () => {
    await show([{ state: "done" }], 0);
    expect([button("stop-line").disabled, button("promote").disabled]).toEqual([true, false]);
    await show([{ kind: "setting" }], 0);
    expect([button("stop-line").disabled, button("promote").disabled]).toEqual([false, true]);
  });

  it("is chosen by a click on its row or, with keys, on its name", async () => {
    await show([{}, {}]);
    await click(host.querySelectorAll<HTMLElement>("tbody button")[1]!);
    expect(state.selected.value).toBe(1);
    expect(host.querySelector(".dlnb-selected h3")!.textContent).toContain("trial 1");
    expect(host.querySelectorAll("[aria-pressed=true]").length).toBe(1);
  });
});

describe("the table", () => {
  it("is sorted by the goal first, and by any column that is clicked, both ways", async () => {
    await show([{ value: 0.5 }, { value: 0.1 }, { value: NaN }]);
    expect(rows().map((row) => row!.slice(0, 7))).toEqual(["trial 1", "trial 0", "trial 2"]);
    const headings = [...host.querySelectorAll<HTMLElement>("thead button")];
    const lr = headings.find((heading) => heading.textContent!.startsWith("lr"))!;
    await click(lr);
    expect(rows().map((row) => row!.slice(0, 7))).toEqual(["trial 2", "trial 1", "trial 0"]);
    await click(lr);
    expect(rows().map((row) => row!.slice(0, 7))).toEqual(["trial 0", "trial 1", "trial 2"]);
    expect(host.querySelectorAll("[aria-sort=descending]").length).toBe(1);
  });

  it("leaves out what no brush has chosen", async () => {
    await show([{}, {}, {}]);
    await act(() => void (state.brushes.value = new Map([["lr", [0.9, 1]]])));
    expect(rows().length).toBe(1);
  });
});
