// The small things over the curves: smoothing, axis, table, what can be taken away, the list of keys.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { percent } from "../core/format";
import { Icon } from "../core/Icon";
import type { View } from "./Curves";
import { csv, download, png } from "./export";
import { float } from "./float";
import type { Desk } from "./index";

interface Props {
  desk: Desk;
  change: (part: Partial<View>) => void;
  help: Signal<boolean>;
}

export function Tools({ desk, change, help }: Props) {
  const { halfLife, logarithmic, table } = desk.view.value;
  const zoomed = desk.zoom.window.value;
  return (
    <div class="dlnb-tools">
      {zoomed && (
        <button type="button" class="dlnb-small" onClick={() => desk.zoom.to(null)} title="Show all steps">
          steps {zoomed[0].toLocaleString("en")}–{zoomed[1].toLocaleString("en")} ✕
        </button>
      )}
      <label title="Half-life of the moving average, in steps; made of every recorded step">
        smooth{" "}
        <input
          type="range"
          min={0}
          max={10}
          step={0.5}
          value={halfLife ? Math.log2(halfLife) + 1 : 0}
          aria-label="Smoothing"
          aria-valuetext={halfLife ? `half-life ${Math.round(halfLife)} steps` : "off"}
          onInput={(event) => {
            const place = Number(event.currentTarget.value);
            change({ halfLife: place ? 2 ** (place - 1) : 0 });
          }}
        />
        <span class="dlnb-half-life">{halfLife ? Math.round(halfLife) : "off"}</span>
      </label>
      <label>
        <input type="checkbox" checked={logarithmic} onChange={(event) => change({ logarithmic: event.currentTarget.checked })} /> log
      </label>
      <label>
        <input type="checkbox" checked={table} onChange={(event) => change({ table: event.currentTarget.checked })} /> table
      </label>
      <Save desk={desk} />
      <button type="button" class="dlnb-small dlnb-help" aria-expanded={help.value} aria-label="Keys" onClick={() => (help.value = !help.value)}>
        ?
      </button>
    </div>
  );
}

/** The charts as a picture and the numbers as a table, as files. */
function Save({ desk }: { desk: Desk }) {
  const said = useSignal("");
  const now = desk.state.status.value;
  const save = async (ending: "png" | "csv") => {
    said.value = "…";
    try {
      const name = `${now!.model}-${now!.task}`.replace(/[^\w.-]+/g, "-");
      const made = ending === "png" ? await png(desk.root, `${now!.model} on ${now!.task}, step ${now!.step}`) : await csv(desk.ask, (share) => (said.value = percent(share)));
      download(made, `${name}.${ending}`, desk.root.ownerDocument);
      said.value = "";
    } catch (error) {
      said.value = (error as Error).message;
    }
  };
  return (
    <span class="dlnb-save">
      <button type="button" class="dlnb-small" data-action="png" aria-label="PNG: save the charts as a picture" title="Save the charts as a picture" onClick={() => void save("png")}>
        <Icon name="save" /> PNG
      </button>
      <button type="button" class="dlnb-small" data-action="csv" aria-label="CSV: save every recorded number" title="Save every recorded number as CSV" onClick={() => void save("csv")}>
        <Icon name="save" /> CSV
      </button>
      <span role="status">{said.value}</span>
    </span>
  );
}

/** Opens the window that stays above the page; closes it with the dashboard. */
export function Float({ root }: { root: HTMLElement }) {
  const floating = useSignal(false);
  const said = useSignal("");
  const window_ = useRef<Window | null>(null);
  useEffect(() => () => window_.current?.close(), []);
  const open = async () => {
    try {
      window_.current = await float(root, () => (floating.value = false));
      floating.value = true;
    } catch (error) {
      said.value = (error as Error).message;
    }
  };
  return (
    <>
      <button type="button" data-action="float" disabled={floating.value} title="In a small window that stays above the page" onClick={() => void open()}>
        <Icon name="float" /> Float
      </button>
      <span role="status">{said.value}</span>
    </>
  );
}

export function Keys() {
  return (
    <p class="dlnb-keys">
      <kbd>Space</kbd> pause or resume, <kbd>.</kbd> one step, <kbd>,</kbd> back one snapshot, <kbd>[</kbd> <kbd>]</kbd> learning rate down and
      up, <kbd>r</kbd> rewind to the chosen step, <kbd>f</kbd> fork, <kbd>l</kbd> logarithmic axis, <kbd>t</kbd> table. On a chart: <kbd>←</kbd>{" "}
      <kbd>→</kbd> read a point, <kbd>Enter</kbd> or a click choose its step, <kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd> zoom; or drag to zoom and
      double-click to see all.
    </p>
  );
}
