// A sentence for a screen reader, said seldom enough to be heard to its end.
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export const SPOKEN = 10_000; // milliseconds between two sentences

interface Props {
  /** Makes the sentence when it is time to say one; "" says nothing. */
  words: () => string;
  /** When this changes, it is said at once. */
  occasion?: string;
  /** So it is where nothing moves by itself: then every change is the reader's own. */
  resting?: boolean;
}

export function Spoken({ words, occasion = "", resting = false }: Props) {
  const said = useSignal("");
  const last = useRef({ occasion: "", at: -SPOKEN });
  useEffect(() => {
    const at = performance.now();
    if (!resting && occasion === last.current.occasion && at - last.current.at < SPOKEN) return;
    const sentence = words();
    if (!sentence) return;
    last.current = { occasion, at };
    said.value = sentence;
  });
  return (
    <div class="dlnb-spoken" aria-live="polite">
      {said.value}
    </div>
  );
}
