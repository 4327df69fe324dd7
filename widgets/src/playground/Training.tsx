// How it learns: the optimiser of torch.optim with its settings, the learning rate, the batch, the penalties.
import { Slider } from "./Slider";
import type { PlaygroundState, Send } from "./state";

const WORDS: Record<string, string> = { weight_decay: "weight decay" };

export function Training({ state, send }: { state: PlaygroundState; send: Send }) {
  const { plan, data } = state.structure.value!;
  const { optimizers } = state.fixed.value!;
  const set = (name: string, value: string | number) => send("plan", { name, value });
  return (
    <section class="dlnb-training" role="group" aria-label="How it learns">
      <h3>How it learns</h3>
      <label class="dlnb-choice">
        optimiser{" "}
        <select data-setting="optimizer" value={plan.optimizer} onChange={(event) => set("optimizer", event.currentTarget.value)}>
          {optimizers.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <div class="dlnb-knobs">
        <Slider name="lr" label="learning rate" value={plan.lr} low={1e-5} high={10} logarithmic set={(value) => set("lr", value)} />
        <Slider name="batch" label="batch" value={plan.batch} low={1} high={Math.max(1, Math.min(data.trains, 250))} step={1} set={(value) => set("batch", Math.max(1, Math.round(value)))} />
        <Slider name="l2" label="L2" value={plan.l2} low={0} high={0.1} step={0.001} set={(value) => set("l2", value)} />
        <Slider name="l1" label="L1" value={plan.l1} low={0} high={0.1} step={0.001} set={(value) => set("l1", value)} />
      </div>
      {plan.options.length > 0 && (
        <details>
          <summary>more of {plan.optimizer}</summary>
          <div class="dlnb-knobs">
            {plan.options.map(({ name, value }) =>
              typeof value === "boolean" ? (
                <label key={name} class="dlnb-choice">
                  <input type="checkbox" checked={value} onChange={(event) => send("option", { name, value: event.currentTarget.checked })} /> {WORDS[name] ?? name.replaceAll("_", " ")}
                </label>
              ) : (
                <Slider key={`${plan.optimizer}/${name}`} name={name} label={WORDS[name] ?? name.replaceAll("_", " ")} value={value} low={0} high={Math.max(1, 2 * value)} set={(wanted) => send("option", { name, value: Number.isInteger(value) && value > 1 ? Math.round(wanted) : wanted })} />
              ),
            )}
          </div>
        </details>
      )}
    </section>
  );
}
