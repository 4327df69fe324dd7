// A road from above, and the numbers of what is on it: a row and its place belong together.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { aloud, inCell } from "./read";
import type { Scene } from "./state";

export function SceneView({ shown }: { shown: Scene }) {
  const chosen = useSignal<number | null>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { height, width, pixels, names, rows, count } = shown;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    for (let p = 0; p < height * width; p++) image.data.set([pixels[3 * p]!, pixels[3 * p + 1]!, pixels[3 * p + 2]!, 255], 4 * p);
    context.putImageData(image, 0, 0);
  }, [pixels, height, width]);
  const press = (event: KeyboardEvent, row: number) => {
    const to = row + (event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0);
    if (to === row) return;
    event.preventDefault();
    event.stopPropagation();
    const rows_ = (event.currentTarget as HTMLElement).parentElement!.children;
    (rows_[Math.max(0, Math.min(count - 1, to))] as HTMLElement).focus();
  };
  const bodies = Array.from({ length: count }, (_, row) => row);
  return (
    <div class="dlnb-scene">
      <div class="dlnb-road">
        <canvas ref={canvas} width={width} height={height} role="img" aria-label={`The road from above, with ${count} bodies. Their numbers stand in the table.`} />
        <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {bodies.map((row) => (
            <Mark key={row} shown={shown} row={row} chosen={chosen.value === row} onPoint={() => (chosen.value = row)} />
          ))}
        </svg>
      </div>
      <div class="dlnb-scroll" role="group" aria-label="What is on the road, in numbers">
        <table>
          <thead>
            <tr>
              <th scope="col">body</th>
              {names.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bodies.map((row) => (
              <tr
                key={row}
                tabIndex={row === (chosen.value ?? 0) ? 0 : -1}
                class={chosen.value === row ? "dlnb-chosen" : ""}
                onFocus={() => (chosen.value = row)}
                onPointerEnter={() => (chosen.value = row)}
                onKeyDown={(event) => press(event, row)}
              >
                <th scope="row">{row === 0 ? "0, own car" : row}</th>
                {names.map((name, column) => {
                  const value = rows[row * names.length + column]!;
                  return (
                    <td key={name} title={aloud(value, false)}>
                      {inCell(value, false)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function Mark({ shown, row, chosen, onPoint }: { shown: Scene; row: number; chosen: boolean; onPoint: () => void }) {
  const [x1, y1, x2, y2] = shown.boxes.subarray(4 * row, 4 * row + 4) as unknown as [number, number, number, number];
  if (!Number.isFinite(x1)) return null;
  return (
    <g class={chosen ? "dlnb-chosen" : ""} onPointerEnter={onPoint}>
      <rect x={x1 - 1} y={y1 - 1} width={x2 - x1 + 2} height={y2 - y1 + 2} />
      <text x={x2 + 1.5} y={(y1 + y2) / 2}>
        {row}
      </text>
    </g>
  );
}
