// Unpacks the columns of a frame; `dlnb/widgets/frames.py` packs them.

export interface Entry {
  name: string;
  kind: "float32" | "int32" | "uint8";
  offset: number; // bytes
  length: number; // elements
}
export type Column = Float32Array | Int32Array | Uint8Array;

const ARRAYS = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/** The columns by name. Throws a RangeError if the directory points outside the buffer. */
export function unpack(directory: Entry[], view: DataView | undefined): Map<string, Column> {
  const columns = new Map<string, Column>();
  if (!view) return columns;
  // A copy, as a front end may hand over a view that is not aligned.
  const buffer = view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) as ArrayBuffer;
  for (const { name, kind, offset, length } of directory) columns.set(name, new ARRAYS[kind](buffer, offset, length));
  return columns;
}
