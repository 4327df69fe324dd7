// What a widget says when it has heard nothing from the kernel for too long; `channel.ts` notices it.
import type { Signal } from "@preact/signals";

export function Silence({ silent }: { silent: Signal<boolean> }) {
  if (!silent.value) return null;
  return (
    <p class="dlnb-notice" role="status">
      No news from the kernel for a while: it is busy, restarting or gone. What you see is the last it said.
    </p>
  );
}
