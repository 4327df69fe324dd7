import { describe, expect, it, vi } from "vitest";
import { Strokes } from "../src/pad/strokes";

/** The calls that paint, in order. */
function painted(strokes: Strokes, side = 100, pen = 0.1): string[] {
  const calls: string[] = [];
  const note = (name: string) => vi.fn((...at: number[]) => void calls.push([name, ...at].join(" ")));
  const context = { canvas: { width: side } } as Record<string, unknown>;
  for (const name of ["fillRect", "drawImage", "beginPath", "moveTo", "lineTo", "stroke"]) context[name] = note(name);
  strokes.paint(context as unknown as CanvasRenderingContext2D, pen);
  expect(context["lineWidth"]).toBe(pen * side);
  return calls;
}

describe("strokes", () => {
  it("are drawn at any size on a clean sheet", () => {
    const strokes = new Strokes();
    strokes.begin([0.1, 0.2]);
    strokes.extend([0.5, 0.5]);
    expect(painted(strokes, 100)).toEqual(["fillRect 0 0 100 100", "beginPath", "moveTo 10 20", "lineTo 50 50", "stroke"]);
    expect(painted(strokes, 200)).toContain("lineTo 100 100");
  });

  it("of a single point are a dot", () => {
    const strokes = new Strokes();
    strokes.begin([0.5, 0.5]);
    expect(painted(strokes)).toContain("lineTo 50 50");
  });

  it("stay inside the sheet", () => {
    const strokes = new Strokes();
    strokes.begin([-3, 0.5]);
    strokes.extend([7, 2]);
    expect(painted(strokes)).toEqual(expect.arrayContaining(["moveTo 0 50", "lineTo 100 100"]));
  });

  it("are taken back one by one, and all at once", () => {
    const strokes = new Strokes();
    for (const x of [0.1, 0.2, 0.3]) strokes.begin([x, 0]);
    strokes.undo();
    expect(painted(strokes).filter((call) => call === "stroke").length).toBe(2);
    strokes.clear();
    expect(strokes.empty).toBe(true);
    strokes.undo();
    strokes.extend([0.5, 0.5]); // as when the pen is still down
    expect(painted(strokes)).toEqual(["fillRect 0 0 100 100"]);
  });

  it("go on from a picture that was there before, until that is taken back too", () => {
    const strokes = new Strokes();
    strokes.goOnFrom({} as CanvasImageSource);
    strokes.begin([0.5, 0.5]);
    expect(painted(strokes).slice(0, 3)).toEqual(["fillRect 0 0 100 100", "drawImage [object Object] 0 0 100 100", "beginPath"]);
    strokes.undo();
    expect(strokes.empty).toBe(false);
    strokes.undo();
    expect(strokes.empty).toBe(true);
    expect(painted(strokes)).toEqual(["fillRect 0 0 100 100"]);
  });
});
