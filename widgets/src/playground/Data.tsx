// The data: made by a recipe, drawn by hand, or read from a table.
import { type Signal, useSignal } from "@preact/signals";
import { Icon } from "../core/Icon";
import { css, inks, LETTERS } from "./colours";
import type { Tool } from "./Output";
import { Slider } from "./Slider";
import type { PlaygroundState, Recipe, Send } from "./state";

const PLAIN: Recipe = { shape: "circle", points: 500, classes: 2, noise: 0, flipped: 0, imbalance: 0, share: 0.5, seed: 0 };

export function Data({ state, theme, tool, send }: { state: PlaygroundState; theme: Signal<number>; tool: Signal<Tool>; send: Send }) {
  const { shapes, limits } = state.fixed.value!;
  const { data } = state.structure.value!;
  const recipe = data.drawn ? null : data.recipe;
  const shown = recipe ?? PLAIN;
  const surface = shapes.find(({ name }) => name === recipe?.shape)?.surface ?? false;
  const set = (name: string, value: string | number) => send("recipe", { name, value });
  return (
    <section class="dlnb-data" role="group" aria-label="The data">
      <h3>
        Data <span class="dlnb-quiet">{data.trains} train, {data.tests} test</span>
      </h3>
      <div class="dlnb-shapes" role="group" aria-label="Data sets">
        {shapes.map(({ name }) => (
          <button key={name} type="button" data-shape={name} aria-pressed={recipe?.shape === name} onClick={() => set("shape", name)}>
            {name}
          </button>
        ))}
      </div>
      <div class="dlnb-knobs">
        {recipe && (
          <>
            <Slider name="noise" label="noise" value={shown.noise} low={0} high={1} step={0.05} set={(value) => set("noise", value)} />
            <Slider name="flipped" label="wrong labels" value={shown.flipped} low={0} high={0.5} step={0.01} set={(value) => set("flipped", value)} />
            {!surface && <Slider name="classes" label="classes" value={shown.classes} low={2} high={limits.classes} step={1} set={(value) => set("classes", Math.round(value))} />}
            {!surface && <Slider name="imbalance" label="imbalance" value={shown.imbalance} low={0} high={0.9} step={0.05} set={(value) => set("imbalance", value)} />}
            <Slider name="points" label="points" value={shown.points} low={20} high={1000} step={10} set={(value) => set("points", Math.round(value))} />
          </>
        )}
        <Slider name="share" label="share that trains" value={data.share} low={0.1} high={0.9} step={0.05} set={(value) => send("share", { value })} />
      </div>
      {recipe && (
        <button type="button" data-action="new-points" onClick={() => set("seed", shown.seed + 1)}>
          Other points of this kind
        </button>
      )}
      <Drawing theme={theme} tool={tool} classes={limits.classes} send={send} />
      <Table state={state} send={send} />
    </section>
  );
}

/** What the pointer does on the plane. */
function Drawing({ theme, tool, classes, send }: { theme: Signal<number>; tool: Signal<Tool>; classes: number; send: Send }) {
  theme.value; // the hues are other ones in the dark
  const { hues } = inks(document.body);
  const choose = (wanted: Tool) => (tool.value = tool.value === wanted ? "look" : wanted);
  return (
    <div class="dlnb-tools" role="group" aria-label="Draw points on the plane">
      <span class="dlnb-quiet">draw</span>
      {Array.from({ length: classes }, (_, k) => (
        <button key={k} type="button" data-tool={LETTERS[k]} aria-pressed={tool.value === k} aria-label={`Points of class ${LETTERS[k]}`} title={`Click or paint points of class ${LETTERS[k]} on the plane`} onClick={() => choose(k)}>
          <i style={{ background: css(hues[k]!) }} aria-hidden="true" />
          {LETTERS[k]}
        </button>
      ))}
      <button type="button" data-tool="wipe" aria-pressed={tool.value === "wipe"} onClick={() => choose("wipe")}>
        wipe
      </button>
      <button type="button" data-action="clear" onClick={() => send("clear")}>
        <Icon name="clear" /> clear
      </button>
    </div>
  );
}

/** A table of the learner's own, from a file or pasted, and which of its columns are learned. */
function Table({ state, send }: { state: PlaygroundState; send: Send }) {
  const text = useSignal("");
  const { columns, chosen } = state.structure.value!.data;
  const picked = useSignal<[string, string, string] | null>(null);
  const open = (bytes: ArrayBuffer) => send("table", {}, [bytes]);
  const now = picked.value ?? chosen ?? (columns && ([columns[0] ?? "", columns[1] ?? "", columns[columns.length - 1] ?? ""] as [string, string, string]));
  return (
    <details class="dlnb-tablein">
      <summary>your own table</summary>
      <label class="dlnb-choice">
        a CSV file{" "}
        <input
          type="file"
          accept=".csv,.tsv,.txt,text/csv"
          onChange={(event) => {
            const file = event.currentTarget.files?.[0];
            picked.value = null;
            if (file) void file.arrayBuffer().then(open);
            event.currentTarget.value = ""; // so that the same file can be opened again
          }}
        />
      </label>
      <label class="dlnb-choice dlnb-paste">
        or paste it here, with a line of names
        <textarea rows={3} value={text.value} placeholder={"age,weight,ill\n30,70,no\n61,93,yes"} onInput={(event) => (text.value = event.currentTarget.value)} />
      </label>
      <button
        type="button"
        data-action="table"
        disabled={!text.value.trim()}
        onClick={() => {
          picked.value = null;
          open(new TextEncoder().encode(text.value).buffer as ArrayBuffer);
        }}
      >
        Learn this table
      </button>
      {columns && now && (
        <div class="dlnb-row">
          {(["x", "y", "learned"] as const).map((role, k) => (
            <label key={role} class="dlnb-choice">
              {role}{" "}
              <select
                data-column={role}
                value={now[k]}
                onChange={(event) => {
                  const wanted: [string, string, string] = [...now];
                  wanted[k] = event.currentTarget.value;
                  picked.value = wanted;
                }}
              >
                {columns.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
          ))}
          <button type="button" data-action="columns" onClick={() => send("columns", { x: now[0], y: now[1], target: now[2] })}>
            Use these columns
          </button>
        </div>
      )}
    </details>
  );
}
