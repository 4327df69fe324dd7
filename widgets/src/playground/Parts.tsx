// What is open below the network: the weights of a neuron as numbers, or the settings of a layer.
import type { Signal } from "@preact/signals";
import { Icon } from "../core/Icon";
import { type Open, outputName } from "./Net";
import { Slider } from "./Slider";
import type { PlaygroundState, Send } from "./state";

const REACH = 6; // of a slider; larger weights can be typed

export function Parts({ state, open, send }: { state: PlaygroundState; open: Signal<Open>; send: Send }) {
  const now = open.value;
  const { layers } = state.structure.value!.network;
  if (now === null) return null;
  const units = layers[now.layer]?.units ?? state.structure.value!.network.outputs;
  const gone = "unit" in now ? now.layer > layers.length || now.unit >= units : now.layer >= layers.length;
  if (gone) return null;
  const close = () => (open.value = null);
  return (
    <section class="dlnb-parts" role="group" aria-label={"unit" in now ? "Weights of a neuron" : "Settings of a layer"}>
      {"unit" in now ? <Neuron state={state} layer={now.layer} unit={now.unit} send={send} close={close} /> : <LayerSettings state={state} layer={now.layer} send={send} close={close} />}
      <button type="button" class="dlnb-small" data-action="close" onClick={close}>
        close
      </button>
    </section>
  );
}

interface NeuronProps {
  state: PlaygroundState;
  layer: number;
  unit: number;
  send: Send;
  close: () => void;
}

function Neuron({ state, layer, unit, send, close }: NeuronProps) {
  state.frames.value; // the weights change in place
  const structure = state.structure.value!;
  const { network } = structure;
  const isOutput = layer === network.layers.length;
  const sources = layer === 0 ? network.inputs : Array.from({ length: network.layers[layer - 1]!.units }, (_, k) => `neuron ${k + 1}`);
  const knob = (source: number | null, label: string) => (
    <Slider
      key={`${layer}/${unit}/${source}`}
      name={source === null ? "bias" : `weight-${source}`}
      label={label}
      value={state.weights[state.placeOf(layer, unit, source)] ?? 0}
      low={-REACH}
      high={REACH}
      step={0.05}
      set={(value) => send("weight", { layer, unit, source, value })}
    />
  );
  return (
    <>
      <h3>
        {isOutput ? `Output ${outputName(structure, unit)}` : `Layer ${layer + 1}, neuron ${unit + 1}`} <span class="dlnb-quiet">listens to</span>
      </h3>
      <div class="dlnb-knobs">
        {sources.map((name, source) => knob(source, name))}
        {knob(null, "bias")}
      </div>
      {!isOutput && (
        <button
          type="button"
          data-action="remove-neuron"
          disabled={network.layers[layer]!.units === 1}
          onClick={() => {
            close();
            send("remove_unit", { layer, unit });
          }}
        >
          <Icon name="clear" /> Remove this neuron
        </button>
      )}
    </>
  );
}

function LayerSettings({ state, layer, send, close }: Omit<NeuronProps, "unit">) {
  const { activations, norms, limits } = state.fixed.value!;
  const { layers } = state.structure.value!.network;
  const now = layers[layer];
  if (!now) return null;
  const set = (name: string, value: string | number) => send("layer", { layer, name, value });
  return (
    <>
      <h3>
        Layer {layer + 1} <span class="dlnb-quiet">{now.units === 1 ? "1 neuron" : `${now.units} neurons`}</span>
      </h3>
      <div class="dlnb-row">
        <label>
          activation{" "}
          <select data-setting="activation" value={now.activation} onChange={(event) => set("activation", event.currentTarget.value)}>
            {activations.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          norm{" "}
          <select data-setting="norm" value={now.norm} onChange={(event) => set("norm", event.currentTarget.value)}>
            {norms.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </div>
      <div class="dlnb-knobs">
        <Slider name="dropout" label="dropout" value={now.dropout} low={0} high={0.9} step={0.05} set={(value) => set("dropout", value)} />
      </div>
      <div class="dlnb-row">
        <button type="button" data-action="insert-layer" disabled={layers.length >= limits.layers} onClick={() => send("add_layer", { at: layer })}>
          Add a layer before it
        </button>
        <button
          type="button"
          data-action="remove-layer"
          onClick={() => {
            close();
            send("remove_layer", { layer });
          }}
        >
          <Icon name="clear" /> Remove this layer
        </button>
      </div>
    </>
  );
}
