// dl.show in the browser: what it makes of a frame, how one comes closer, what is read aloud, and the views without a canvas.
import { signal } from "@preact/signals";
import { render } from "preact";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Column } from "../src/core/frame";
import { Show } from "../src/show/index";
import { onColour } from "../src/show/paint";
import { nameOf, readAt } from "../src/show/Pictures";
import { aloud, inCell, visible } from "../src/show/read";
import { mostLie, type Pictures, type ShowFrame, ShowState } from "../src/show/state";
import { about } from "../src/show/Table";
import { edges, loudest } from "../src/show/wave";
import { around, CLOSEST, closer, following, further, stepped, stretched, whole } from "../src/show/zoom";

let host: HTMLElement;
beforeEach(() => document.body.append((host = document.createElement("div"))));
afterEach(() => {
  render(null, host);
  host.remove();
});

function frame(part: Partial<ShowFrame>): ShowFrame {
  return {
    kind: "frame", view: "v", number: 1, full: true, columns: [], title: "a thing", facts: [["shape", "(2,)"]], strange: [],
    low: null, high: null, sight: "nothing", ...part,
  }; // prettier-ignore
}

function shown(part: Partial<ShowFrame>, columns: Record<string, Column> = {}): HTMLElement {
  const state = new ShowState();
  state.receive(frame(part), new Map(Object.entries(columns)));
  render(<Show state={state} theme={signal(0)} />, host);
  return host;
}

const PICTURES: Pictures = {
  count: 2, height: 2, width: 3, channels: 1, labels: ["cat", "dog"], colours: "grey", dark: 0, bright: 1, whole: false, several: true, note: "",
  values: Float32Array.from({ length: 12 }, (_, i) => i / 10),
}; // prettier-ignore

describe("coming closer", () => {
  it("halves the part around a place until one is close, and stays in the picture", () => {
    let part = whole(64, 128);
    const seen = [part.wide];
    for (let i = 0; i < 6; i++) {
      part = closer(part, { row: 63, column: 0 }, 64, 128);
      seen.push(part.wide);
      expect(part.left).toBe(0);
      expect(part.top + part.tall).toBe(64);
    }
    expect(seen).toEqual([128, 64, 32, 16, CLOSEST, CLOSEST, CLOSEST]);
  });
  it("leaves a small picture as it is", () => {
    expect(closer(whole(8, 8), { row: 0, column: 0 }, 8, 8)).toEqual(whole(8, 8));
    expect(closer(whole(1, 1), { row: 0, column: 0 }, 1, 1)).toEqual(whole(1, 1));
  });
  it("never loses a side of a very long picture", () => {
    let part = whole(1, 5000);
    for (let i = 0; i < 20; i++) part = closer(part, { row: 0, column: 4999 }, 1, 5000);
    expect(part).toEqual({ top: 0, left: 4992, tall: 1, wide: 8 });
  });
  it("goes back to the whole", () => {
    let part = closer(closer(whole(40, 60), { row: 5, column: 50 }, 40, 60), { row: 5, column: 50 }, 40, 60);
    part = further(part, { row: 5, column: 50 }, 40, 60);
    expect(part.wide).toBe(30);
    expect(further(part, { row: 5, column: 50 }, 40, 60)).toEqual(whole(40, 60));
  });
  it("follows the cursor no further than it must", () => {
    const part = around({ row: 10, column: 10 }, 8, 8, 40, 40);
    expect(following(part, { row: 10, column: 14 })).toEqual({ ...part, left: 7 });
    expect(following(part, { row: 8, column: 8 })).toEqual(part);
  });
  it("walks by arrow keys up to the edge", () => {
    expect(stepped({ row: 0, column: 2 }, "ArrowUp", 2, 3)).toEqual({ row: 0, column: 2 });
    expect(stepped({ row: 0, column: 2 }, "ArrowDown", 2, 3)).toEqual({ row: 1, column: 2 });
    expect(stepped({ row: 0, column: 2 }, "x", 2, 3)).toBeNull();
  });
  it("stretches samples around one of them", () => {
    expect(stretched(0, 1000, 250, 0.5, 1000, 12)).toEqual([125, 500]);
    expect(stretched(0, 1000, 0, 0.001, 1000, 12)).toEqual([0, 12]);
    expect(stretched(900, 100, 950, 2, 1000, 12)).toEqual([800, 200]);
    expect(stretched(0, 5, 2, 0.5, 5, 12)).toEqual([0, 5]);
  });
});

describe("numbers", () => {
  it("fit into a cell", () => {
    expect([0, 16, 255].map((value) => inCell(value, true))).toEqual(["0", "16", "255"]);
    expect([0.5, -0.001, 12.345, 123.4, 123456, NaN, Infinity, -Infinity].map((value) => inCell(value, false))).toEqual([
      "0.50", "0.00", "12.3", "123", "1e5", "NaN", "∞", "−∞",
    ]); // prettier-ignore
  });
  it("are read aloud as they are", () => {
    expect(aloud(-0.123456, false)).toBe("−0.12346");
    expect(aloud(NaN, false)).toBe("NaN, not a number");
    expect(readAt(PICTURES, 1, { row: 1, column: 2 })).toBe("row 1, column 2: 1.1");
    expect(nameOf(PICTURES, 1)).toBe("Picture 1, dog");
    const colour: Pictures = { ...PICTURES, count: 1, height: 1, width: 1, channels: 3, labels: null, whole: true, values: Uint8Array.from([222, 165, 96]) };
    expect(readAt(colour, 0, { row: 0, column: 0 })).toBe("row 0, column 0: red 222, green 165, blue 96");
  });
  it("say where the most of them lie", () => {
    expect(mostLie([1, 8, 1], 0, 3, String)).toBe("The most, 80 %, lie between 1 and 2.");
    expect(mostLie([4, 0], 2, 2, String)).toBe("All are 2.");
  });
  it("stand on a colour in black or white, whichever is read", () => {
    expect([onColour([255, 255, 255]), onColour([0, 0, 0]), onColour([253, 231, 37]), onColour([68, 1, 84])]).toEqual(["#000", "#fff", "#000", "#fff"]);
  });
  it("keep every peak of a line", () => {
    const values = new Float32Array(1000);
    values[777] = 5;
    values[3] = -4;
    const found = edges(values, { begin: 0, length: 1000 }, 10);
    expect([found[15], found[0]]).toEqual([5, -4]);
  });
  it("name the loudest pitch", () => {
    const spectrum = { columns: 2, bins: 3, hop: 4, window: 8, step: 100, loud: Uint8Array.from([0, 9, 200, 0, 0, 0]) };
    expect(loudest(spectrum, 4)).toBe(200);
    expect(loudest(spectrum, 400)).toBeNull();
  });
  it("make spaces of a text visible", () => {
    expect([" the", "a\n", ""].map(visible)).toEqual(["␣the", "a⏎", "∅"]);
  });
});

describe("the views", () => {
  it("say the facts and what is strange, with the code of a remedy as code", () => {
    const root = shown({ strange: [["It is large.", "Divide: `x / 255`."]], low: 0, high: 1 }, { counts: Int32Array.from([3, 1]) });
    expect(root.querySelector("dl")!.textContent).toBe("shape(2,)");
    expect(root.querySelector(".dlnb-strange code")!.textContent).toBe("x / 255");
    expect(root.querySelector("svg")!.getAttribute("aria-label")).toContain("75 %");
  });
  it("cut texts into pieces over their ids", () => {
    const tokens = { pieces: [[" the", "⟨unknown⟩"], [" the"]], labels: ["good", "bad"], unknown: 3, note: "" };
    const root = shown({ sight: "tokens", tokens }, { ids: Int32Array.from([5, 3, 5]) });
    expect(Array.from(root.querySelectorAll("li"), (item) => item.textContent)).toEqual(["␣the5", "⟨unknown⟩3", "␣the5"]);
    expect(root.querySelector(".dlnb-unknown")!.textContent).toContain("unknown");
    expect(root.querySelector("code")!.textContent).toBe("tensor([5, 3])");
  });
  it("give a table its columns' likes, and leave a missing value empty", () => {
    const columns = [
      { name: "age", missing: 1, about: ["31", "44", "37.5", "6.5"] },
      { name: "town", missing: 0, about: ["2 words"], texts: ["Ulm", "Bonn"] },
    ];
    const root = shown({ sight: "table", table: { rows: 2, columns, labels: ["ill", "well"], note: "" } }, { "column/0": Float32Array.from([31, NaN]) });
    expect(about(columns[0]!)).toBe("31 to 44, mean 37.5 ± 6.5, 1 missing");
    expect(Array.from(root.querySelectorAll("tbody tr"), (row) => row.textContent)).toEqual(["0ill31Ulm", "1wellBonn"]);
  });
  it("tie a body on the road to its row", () => {
    const scene = { height: 4, width: 4, names: ["ahead, m"], count: 2 };
    const part = { pixels: new Uint8Array(48), rows: Float32Array.from([0, 12.5]), boxes: Float32Array.from([1, 1, 2, 2, NaN, NaN, NaN, NaN]) };
    const root = shown({ sight: "scene", scene }, part);
    expect(root.querySelectorAll(".dlnb-road g")).toHaveLength(1); // the other lies outside of the picture
    expect(root.querySelectorAll("tbody tr")[1]!.textContent).toBe("112.5");
  });
  it("show the rest while the data is on its way, and say when there is nothing", () => {
    render(<Show state={new ShowState()} theme={signal(0)} />, host);
    expect(host.textContent).toContain("Waiting for the data");
    expect(shown({ title: "nothing" }).querySelector("h3")!.textContent).toBe("nothing");
  });
});
