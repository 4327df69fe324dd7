// One picture of a gallery, and over it the classes of its pixels, if there are any.
import { useEffect, useRef } from "preact/hooks";
import { colour } from "./masks";
import type { Pictures } from "./previews";

const COVER = 0.55; // how much of a pixel the colour of its class covers

export function Canvas({ pictures, index, mask }: { pictures: Pictures; index: number; mask?: Uint8Array | null }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { pixels, height, width, channels } = pictures;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    const start = index * height * width;
    for (let p = 0; p < height * width; p++) {
      const label = mask ? mask[start + p]! : 0;
      const paint = label ? colour(label) : null;
      for (let c = 0; c < 3; c++) {
        const seen = pixels[(start + p) * channels + (channels === 3 ? c : 0)]!;
        image.data[4 * p + c] = paint ? (1 - COVER) * seen + COVER * paint[c]! : seen;
      }
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }, [pixels, height, width, channels, index, mask]);
  return <canvas ref={canvas} width={width} height={height} aria-hidden="true" />;
}
