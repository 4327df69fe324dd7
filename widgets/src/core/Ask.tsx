// A question before something that cannot be taken back. Its "yes" has the focus at once, Escape anywhere in the widget
// is "no", and the focus goes back to where it was.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface Props {
  /** What is asked about, for a screen reader. */
  label: string;
  /** The question. */
  children: ComponentChildren;
  yes: string;
  no: { action: string; words: string };
  onYes: () => void;
  onNo: () => void;
}

export function Ask({ label, children, yes, no, onYes, onNo }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const sure = useRef<HTMLButtonElement>(null);
  const refuse = useRef(onNo);
  refuse.current = onNo;
  // Before the page is painted: the next key may be pressed as soon as the question is seen.
  useLayoutEffect(() => {
    const here = host.current!;
    const before = here.ownerDocument.activeElement as HTMLElement | null;
    const widget = here.closest<HTMLElement>(".dlnb-root") ?? here;
    const press = (event: KeyboardEvent) => {
      if (event.key === "Enter" && event.repeat) event.preventDefault(); // the key that asked is still held down
      if (event.key !== "Escape") return;
      refuse.current();
      event.preventDefault();
      event.stopPropagation();
    };
    widget.addEventListener("keydown", press, true);
    sure.current!.focus();
    return () => {
      widget.removeEventListener("keydown", press, true);
      if (here.contains(here.ownerDocument.activeElement)) before?.focus();
    };
  }, []);
  return (
    <div ref={host} class="dlnb-ask" role="alertdialog" aria-label={label}>
      <p>{children}</p>
      <div class="dlnb-row">
        <button type="button" ref={sure} data-action="sure" onClick={onYes}>
          {yes}
        </button>
        <button type="button" data-action={no.action} onClick={onNo}>
          {no.words}
        </button>
      </div>
    </div>
  );
}
