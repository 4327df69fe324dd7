// The last step of one optimiser as a calculation that can be done with a pocket calculator.
import { number } from "../core/format";
import type { DescendState, Line } from "./state";

export function Arithmetic({ state }: { state: DescendState }) {
  const racer = state.chosen;
  const { lines, apart } = state.status.value!;
  const { weights } = state.surface.value!;
  if (!racer) return null;
  return (
    <section class="dlnb-arithmetic" role="group" aria-label={`The arithmetic of ${racer.label}`}>
      <h3>
        {racer.label}, step {racer.steps} <span class="dlnb-quiet">how the new weights are computed</span>
      </h3>
      {lines.length === 0 ? (
        <p class="dlnb-quiet">{racer.on ? "Make a step to see how it is computed." : "It does not take part: tick its box."}</p>
      ) : (
        <div class="dlnb-scroll" tabIndex={0} role="group" aria-label="The calculation, line by line">
          <table>
            <thead>
              <tr>
                <th scope="col"></th>
                <th scope="col">how</th>
                {weights.map((weight) => (
                  <th scope="col" key={weight}>
                    for {weight}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {lines.map((line) => (
                <tr key={line.name} data-line={line.name}>
                  <th scope="row">{line.name}</th>
                  <td>
                    <span class="dlnb-formula">{line.formula}</span>
                    <span class="dlnb-quiet">{line.words}</span>
                  </td>
                  <Worked line={line} which={0} weight={weights[0]} />
                  <Worked line={line} which={1} weight={weights[1]} />
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {apart !== null && (
        <p class="dlnb-quiet" data-apart={apart}>
          {apart < 1e-6
            ? `PyTorch's own step came to the same new weights, ${apart === 0 ? "to the last bit" : `to within ${number(apart)}`}.`
            : `PyTorch's own step came to weights that are ${number(apart)} away.`}
        </p>
      )}
    </section>
  );
}

/** What stands for the letters, and what comes out: blue above, orange below zero. */
function Worked({ line, which, weight }: { line: Line; which: 0 | 1; weight: string }) {
  const value = line.values[which];
  const sign = value === null || value === 0 ? "" : value > 0 ? "dlnb-positive" : "dlnb-negative";
  return (
    <td class="dlnb-worked" data-weight={weight}>
      {line.numbers[which] && <span>{line.numbers[which]} = </span>}
      <b class={sign}>{value === null ? "no number" : fine(value)}</b>
    </td>
  );
}

/** Four digits, as in the numbers of the line. */
export function fine(value: number): string {
  const size = Math.abs(value);
  const text = size !== 0 && (size < 1e-4 || size >= 1e5) ? value.toExponential(3).replace("e+", "e") : String(Number(value.toPrecision(4)));
  return text.replaceAll("-", "−");
}
