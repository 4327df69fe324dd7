// One panel of the dashboard: a heading that opens and closes it. What is closed or scrolled away is
// not asked for: the dashboard tells the kernel which panels can be seen.
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { PANELS, type PanelName } from "./state";

const REMEMBERED = "dlnb-watch-closed"; // in the browser's storage
const CLOSED: PanelName[] = ["layers"]; // at first: its statistics take training time

/** Which panels are open, and which of them are on the screen. */
export interface Panels {
  closed: Signal<ReadonlySet<PanelName>>;
  seen: Signal<ReadonlySet<PanelName>>;
}

export function rememberedPanels(): Set<PanelName> {
  try {
    const told: unknown = JSON.parse(localStorage.getItem(REMEMBERED) ?? "null");
    if (Array.isArray(told)) return new Set(PANELS.filter((name) => told.includes(name)));
  } catch {
    // No storage, or somebody else's words in it.
  }
  return new Set(CLOSED);
}

interface Props {
  name: PanelName;
  title: string;
  panels: Panels;
  children: ComponentChildren;
  /** Whether it is all there is: then it cannot be closed. */
  alone?: boolean;
  /** Words beside the title. */
  aside?: ComponentChildren;
}

export function Panel({ name, title, panels, children, alone, aside }: Props) {
  const host = useRef<HTMLElement>(null);
  const id = useId();
  const { closed, seen } = panels;
  const open = alone || !closed.value.has(name);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => {
      const now = new Set(seen.value);
      if (entries[entries.length - 1]!.isIntersecting) now.add(name);
      else now.delete(name);
      seen.value = now;
    });
    watcher.observe(host.current!);
    return () => watcher.disconnect();
  }, [name, seen]);
  const toggle = () => {
    const now = new Set(closed.value);
    if (open) now.add(name);
    else now.delete(name);
    closed.value = now;
    try {
      localStorage.setItem(REMEMBERED, JSON.stringify([...now]));
    } catch {
      // It is open or closed all the same.
    }
  };
  return (
    <section ref={host} class={`dlnb-part dlnb-panel-${name}`} role="group" aria-label={title}>
      <h3>
        {alone ? (
          title
        ) : (
          <button type="button" class="dlnb-fold" data-fold={name} aria-expanded={open} aria-controls={id} onClick={toggle}>
            <span aria-hidden="true">{open ? "▾" : "▸"}</span> {title}
          </button>
        )}
        {aside}
      </h3>
      <div id={id} class="dlnb-panel-body" hidden={!open}>
        {open && children}
      </div>
    </section>
  );
}
