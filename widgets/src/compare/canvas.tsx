// A canvas that fills its place, is drawn once an animation frame at most, and again when its size or the theme changes.
import { useEffect, useRef } from "preact/hooks";
import { onEachResize, onThemeChange } from "../core/theme";
import { begin } from "./paint";

export type Paint = (context: CanvasRenderingContext2D, width: number, height: number, host: HTMLElement) => void;

/** `paint` is called after each render of the component. */
export function Canvas({ paint, height }: { paint: Paint; height: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const soon = useRef<() => void>(() => {});
  const newest = useRef(paint);
  newest.current = paint;
  const size = useRef(height);
  size.current = height;
  useEffect(() => {
    let asked = 0;
    let width = 0;
    soon.current = () => {
      asked ||= requestAnimationFrame(() => {
        asked = 0;
        const place = canvas.current;
        if (!place || !width) return;
        newest.current(begin(place, width, size.current), width, size.current, place.parentElement!);
      });
    };
    const stops = [
      onEachResize(canvas.current!.parentElement!, (now) => {
        width = now;
        soon.current();
      }),
      onThemeChange(() => soon.current()),
    ];
    return () => {
      cancelAnimationFrame(asked);
      stops.forEach((stop) => stop());
    };
  }, []);
  useEffect(() => soon.current());
  return <canvas ref={canvas} style={{ width: "100%", height, display: "block" }} aria-hidden="true" />;
}
