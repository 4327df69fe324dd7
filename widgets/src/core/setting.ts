// A setting on its way from the hand to the kernel: shown as set until the kernel has answered, and sent when the hand rests.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const PAUSE = 60; // milliseconds between two settings while the hand moves
const CONFIRM = 3000; // milliseconds in which the kernel confirms a setting, or what it says is shown again

export interface Setting<T> {
  /** What the hand has set, or else what the kernel says. */
  shown: T;
  /** The kernel has not answered for it yet. */
  underWay: boolean;
  /** A move of the hand, one of many. */
  move: (value: T) => void;
  /** A setting that stands at once. */
  put: (value: T) => void;
  /** Send what waits. What is done next (undo, a step) must find it in the kernel, so it goes out when the hand lets go. */
  flush: () => void;
}

const same = (a: number | null, b: number | null): boolean =>
  a === b || (a !== null && b !== null && Math.abs(a - b) <= 1e-6 * Math.abs(a)); // the kernel may keep it in single precision

/** `eager`: the first of many moves is sent at once; else only the last, where the kernel writes each one down. */
export function useSetting<T extends number | null>(told: T, send: (value: T) => void, eager = false): Setting<T> {
  const held = useSignal<T | undefined>(undefined);
  const late = useRef(0);
  const sent = useRef(-PAUSE);
  const waiting = useRef<T | undefined>(undefined);
  useEffect(() => {
    if (held.value !== undefined && same(told, held.value)) held.value = undefined;
  }, [told, held]);
  useEffect(() => () => clearTimeout(late.current), []);

  const flush = () => {
    const wanted = waiting.current;
    if (wanted === undefined) return;
    clearTimeout(late.current);
    waiting.current = undefined;
    sent.current = performance.now();
    send(wanted);
    late.current = window.setTimeout(() => (held.value = undefined), CONFIRM);
  };
  const move = (wanted: T) => {
    held.value = waiting.current = wanted;
    clearTimeout(late.current);
    const wait = eager ? sent.current + PAUSE - performance.now() : PAUSE;
    if (wait > 0) late.current = window.setTimeout(flush, wait);
    else flush();
  };
  const put = (wanted: T) => {
    move(wanted);
    flush();
  };
  return { shown: held.value === undefined ? told : held.value, underWay: held.value !== undefined, move, put, flush };
}
