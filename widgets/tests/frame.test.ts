import { describe, expect, it } from "vitest";
import { type Entry, unpack } from "../src/core/frame";

// What `pack({"loss": [2.0, 1.5], "seen": uint8 [7, 8, 9], "step": int32 [-1, 70000]})` of frames.py gives.
const DIRECTORY: Entry[] = [
  { name: "loss", kind: "float32", offset: 0, length: 2 },
  { name: "seen", kind: "uint8", offset: 8, length: 3 },
  { name: "step", kind: "int32", offset: 12, length: 2 },
];
const BYTES = "000000400000c03f07080900ffffffff70110100".match(/../g)!.map((byte) => Number.parseInt(byte, 16));

function placed(at: number): DataView {
  const buffer = new ArrayBuffer(BYTES.length + at + 5);
  new Uint8Array(buffer).fill(0xee);
  new Uint8Array(buffer, at).set(BYTES);
  return new DataView(buffer, at, BYTES.length);
}

describe("a frame", () => {
  it.each([0, 1, 2, 3, 8])("is read wherever its bytes lie in memory (offset %i)", (at) => {
    const columns = unpack(DIRECTORY, placed(at));
    expect([...columns.keys()]).toEqual(["loss", "seen", "step"]);
    expect([...columns.get("loss")!]).toEqual([2, 1.5]);
    expect([...columns.get("seen")!]).toEqual([7, 8, 9]);
    expect([...columns.get("step")!]).toEqual([-1, 70000]);
  });

  it("owns what it holds, so that the message may be thrown away", () => {
    const view = placed(0);
    const loss = unpack(DIRECTORY, view).get("loss")!;
    view.setUint32(0, 0);
    expect(loss[0]).toBe(2);
  });

  it("without a buffer or without columns is empty", () => {
    expect(unpack([], placed(0)).size).toBe(0);
    expect(unpack(DIRECTORY, undefined).size).toBe(0);
  });

  it.each([
    { offset: 0, length: 1000 },
    { offset: 4000, length: 1 },
    { offset: -4, length: 1 },
    { offset: 2, length: 1 },
  ])("whose directory points elsewhere is refused (%o)", (wrong) => {
    expect(() => unpack([{ name: "loss", kind: "float32", ...wrong }], placed(0))).toThrow(RangeError);
  });

  it("of an unknown kind is refused", () => {
    expect(() => unpack([{ name: "x", kind: "text" as "uint8", offset: 0, length: 1 }], placed(0))).toThrow();
  });
});
