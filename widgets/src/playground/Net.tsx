// The network: every neuron with its picture, every weight as a line that can be dragged, layers that grow and shrink.
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { number } from "../core/format";
import { onEachResize } from "../core/theme";
import { Painter, type Peek } from "./paint";
import { HEAD, type Line, lines, nearest, type Plan, planned } from "./places";
import type { PlaygroundState, Send, Structure } from "./state";

const PER_PIXEL = 0.03; // how far a weight moves with the hand
const PAUSE = 40; // milliseconds between two settings while a line is dragged

/** What is open below the network: a neuron (level from 0, the outputs last), or a hidden layer. */
export type Open = { layer: number; unit: number } | { layer: number } | null;

interface Props {
  state: PlaygroundState;
  theme: Signal<number>;
  open: Signal<Open>;
  peek: Signal<Peek | null>;
  send: Send;
}

export function Net({ state, theme, open, peek, send }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const structure = state.structure.value!;
  const fixed = state.fixed.value!;
  useEffect(() => onEachResize(host.current!, (now) => (width.value = now)), []);
  useEffect(() => {
    const now = peek.value; // the button of a neuron that is gone tells nobody that the pointer left it
    if (now && "unit" in now && now.unit >= (structure.network.layers[now.layer]?.units ?? 0)) peek.value = null;
  }, [structure]);
  const plan = planned(structure, fixed.inputs, width.value || 480);
  const { network } = structure;
  return (
    <section class="dlnb-net" role="group" aria-label="The network">
      <div class="dlnb-row dlnb-layers">
        <b>
          {network.layers.length} hidden {network.layers.length === 1 ? "layer" : "layers"}
        </b>
        <button type="button" data-action="less-layers" aria-label="Remove the last hidden layer" disabled={network.layers.length === 0} onClick={() => send("remove_layer", { layer: network.layers.length - 1 })}>
          −
        </button>
        <button type="button" data-action="more-layers" aria-label="Add a hidden layer" title={network.layers.length >= fixed.limits.layers ? `More than ${fixed.limits.layers} layers are too many to draw` : "Add a hidden layer"} disabled={network.layers.length >= fixed.limits.layers} onClick={() => send("add_layer", { at: network.layers.length })}>
          +
        </button>
        <Held state={state} />
      </div>
      <div class="dlnb-scroll" ref={host}>
        <div class="dlnb-stage" style={{ width: plan.width, height: plan.height }}>
          <Drawing state={state} theme={theme} open={open} plan={plan} structure={structure} send={send} />
          <Inputs state={state} plan={plan} structure={structure} peek={peek} send={send} />
          {network.layers.map((layer, k) => (
            <LayerHead key={k} number={k} layer={layer} state={state} plan={plan} open={open} send={send} />
          ))}
          {plan.levels.slice(1).map((nodes, layer) =>
            nodes.map(({ x, y }, unit) => {
              const last = layer === network.layers.length;
              const name = last ? outputName(structure, unit) : `Layer ${layer + 1}, neuron ${unit + 1}`;
              const now = open.value;
              const isOpen = now !== null && "unit" in now && now.layer === layer && now.unit === unit;
              return (
                <button
                  key={`${layer}/${unit}`}
                  type="button"
                  class="dlnb-node"
                  data-node={`${layer}/${unit}`}
                  style={{ left: x, top: y, width: plan.size, height: plan.size }}
                  aria-label={`${name}: show its weights`}
                  aria-pressed={isOpen}
                  title={`${name}: click to see its weights`}
                  {...(last ? {} : peeking(peek, { layer, unit }))}
                  onClick={() => (open.value = isOpen ? null : { layer, unit })}
                />
              );
            }),
          )}
          {plan.levels[plan.levels.length - 1]!.map(({ x, y }, unit) => (
            <span key={unit} class="dlnb-name" style={{ left: x + plan.size + 6, top: y + plan.size / 2 - 9 }} aria-hidden="true">
              {outputName(structure, unit)}
            </span>
          ))}
        </div>
      </div>
    </section>
  );
}

/** Shows a picture large while the pointer or the focus is on its button. */
const peeking = (peek: Signal<Peek | null>, wanted: Peek) => ({
  onPointerEnter: () => (peek.value = wanted),
  onPointerLeave: () => (peek.value = null),
  onFocus: () => (peek.value = wanted),
  onBlur: () => (peek.value = null),
});

/** What an output stands for. */
export function outputName({ data }: Structure, unit: number): string {
  if (data.classes === 0) return "value";
  return data.classes === 2 ? `${data.names[1] ?? "B"}?` : (data.names[unit] ?? String(unit + 1));
}

/** Says how to hold a weight. */
function Held({ state }: { state: PlaygroundState }) {
  const fits = state.structure.value!.network.layers.length > 0;
  return <span class="dlnb-quiet">{fits ? "drag a line to change a weight, click a neuron for its numbers" : "no hidden layer: the inputs go straight to the output"}</span>;
}

interface DrawingProps extends Omit<Props, "peek"> {
  plan: Plan;
  structure: Structure;
}

/** The canvas under the buttons, and the hand on its lines. */
function Drawing({ state, theme, open, plan, structure, send }: DrawingProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<Painter | null>(null);
  const held = useSignal<{ line: Line; value: number; x: number; y: number; dragged: boolean } | null>(null);
  const drag = useRef<{ line: Line; from: number; y: number; last: number } | null>(null);
  const asked = useRef(0);
  const all = lines(structure);
  const draw = () => {
    const place = canvas.current;
    const context = place?.getContext("2d");
    if (!place || !context) return;
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(plan.width * ratio), Math.round(plan.height * ratio)];
    if (place.width !== across) place.width = across;
    if (place.height !== down) place.height = down;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const now = open.value;
    const chosen = now !== null && "unit" in now ? ([now.layer, now.unit] as [number, number]) : null;
    painter.current ??= new Painter();
    painter.current.network(context, place.parentElement!, plan, state, held.value?.line ?? null, chosen);
  };
  const latest = useRef(draw); // what is drawn in the next frame is the plan of then
  latest.current = draw;
  const paint = () => {
    asked.current ||= requestAnimationFrame(() => {
      asked.current = 0;
      latest.current();
    });
  };
  useEffect(() => {
    const stops = [state.frames, theme, open, held].map((one) => (one as Signal<unknown>).subscribe(paint));
    return () => {
      stops.forEach((stop) => stop());
      cancelAnimationFrame(asked.current);
    };
  }, []);
  useEffect(paint);

  const at = (event: PointerEvent): [number, number] => {
    const box = canvas.current!.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const weight = (line: Line) => state.weights[state.placeOf(line.layer, line.unit, line.source)] ?? 0;
  const set = (line: Line, value: number) => {
    state.weights[state.placeOf(line.layer, line.unit, line.source)] = value; // seen at once; the kernel's answer follows
    send("weight", { ...line, value });
  };
  const onPointerDown = (event: PointerEvent) => {
    const line = event.button === 0 ? nearest(plan, all, at(event), event.pointerType === "touch" ? 14 : 7) : null;
    if (!line) return;
    canvas.current!.setPointerCapture(event.pointerId);
    drag.current = { line, from: weight(line), y: event.clientY, last: 0 };
    held.value = { line, value: weight(line), x: at(event)[0], y: at(event)[1], dragged: false };
    event.preventDefault();
  };
  const onPointerMove = (event: PointerEvent) => {
    const [x, y] = at(event);
    const now = drag.current;
    if (now) {
      const value = Math.round((now.from + (now.y - event.clientY) * PER_PIXEL) * 100) / 100;
      held.value = { line: now.line, value, x, y, dragged: true };
      if (performance.now() - now.last < PAUSE) return;
      now.last = performance.now();
      set(now.line, value);
      return;
    }
    const line = nearest(plan, all, [x, y]);
    held.value = line && { line, value: weight(line), x, y, dragged: false };
  };
  const onPointerUp = () => {
    const now = held.value;
    if (drag.current && now?.dragged) set(now.line, now.value);
    drag.current = null;
  };
  const shown = held.value;
  return (
    <>
      <canvas
        ref={canvas}
        style={{ width: plan.width, height: plan.height, cursor: shown ? "ns-resize" : "default", touchAction: shown ? "none" : "pan-x pan-y" }}
        role="img"
        aria-label={`${all.length} weights as lines: blue above zero, orange below, the thicker the larger. Open a neuron for its numbers.`}
        onPointerDown={onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={onPointerUp}
        onPointerCancel={onPointerUp}
        onPointerLeave={() => !drag.current && (held.value = null)}
      />
      {shown && (
        <span class="dlnb-bubble" style={{ left: Math.min(plan.width - 110, shown.x + 12), top: shown.y - 30 }} aria-hidden="true">
          weight {number(shown.dragged ? shown.value : weight(shown.line))}
        </span>
      )}
    </>
  );
}

/** The inputs: each can be switched on and off. */
function Inputs({ state, plan, structure, peek, send }: { state: PlaygroundState; plan: Plan; structure: Structure; peek: Signal<Peek | null>; send: Send }) {
  const { inputs } = state.fixed.value!;
  const on = structure.network.inputs;
  const { axes, columns } = structure.data;
  const shown = (name: string) => (columns && (name === "x" || name === "y") ? axes[name === "x" ? 0 : 1] : name);
  return (
    <>
      <b class="dlnb-level" style={{ left: 0, top: HEAD - 24 }}>
        inputs
      </b>
      {inputs.map((name, k) => {
        const { x, y } = plan.levels[0]![k]!;
        const is = on.includes(name);
        return (
          <button
            key={name}
            type="button"
            class="dlnb-input"
            data-input={name}
            style={{ left: 0, top: y, width: x + plan.size, height: plan.size }}
            role="switch"
            aria-checked={is}
            aria-label={`input ${shown(name)}`}
            {...peeking(peek, { input: name })}
            onClick={() => send("inputs", { names: inputs.filter((other) => (other === name ? !is : on.includes(other))) })}
          >
            <span>{shown(name)}</span>
          </button>
        );
      })}
    </>
  );
}

interface HeadProps {
  number: number;
  layer: Structure["network"]["layers"][number];
  state: PlaygroundState;
  plan: Plan;
  open: Signal<Open>;
  send: Send;
}

/** Above a hidden layer: fewer and more neurons, and what opens its settings. */
function LayerHead({ number: at, layer, state, plan, open, send }: HeadProps) {
  const { units } = state.fixed.value!.limits;
  const { x } = plan.levels[at + 1]![0]!;
  const now = open.value;
  const isOpen = now !== null && !("unit" in now) && now.layer === at;
  return (
    <div class="dlnb-layerhead" style={{ left: x + plan.size / 2, top: 0 }} role="group" aria-label={`Layer ${at + 1}`}>
      <span class="dlnb-row">
        <button type="button" data-action={`less-${at}`} aria-label={`A neuron less in layer ${at + 1}`} disabled={layer.units === 1} onClick={() => send("remove_unit", { layer: at, unit: layer.units - 1 })}>
          −
        </button>
        <button type="button" data-action={`more-${at}`} aria-label={`A neuron more in layer ${at + 1}`} title={layer.units >= units ? `More than ${units} neurons are too many to draw` : "A neuron more"} disabled={layer.units >= units} onClick={() => send("add_unit", { layer: at })}>
          +
        </button>
      </span>
      <button type="button" class="dlnb-kind" style={{ maxWidth: plan.pitch - 4 }} data-layer={at} aria-expanded={isOpen} aria-label={`Settings of layer ${at + 1}: ${kind(layer)}`} title="activation, dropout, norm" onClick={() => (open.value = isOpen ? null : { layer: at })}>
        {kind(layer)}
      </button>
    </div>
  );
}

/** A layer in few words. */
export function kind(layer: Structure["network"]["layers"][number]): string {
  return [layer.activation, layer.norm === "none" ? "" : "norm", layer.dropout ? "drop" : ""].filter(Boolean).join(" ");
}
