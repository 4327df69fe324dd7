// Who races, how far each is, and the knobs of the one that was chosen.
import { number } from "../core/format";
import { Slider } from "../core/Slider";
import { colour, type DescendState, letter, type Racer, type Send } from "./state";

export function Racers({ state, send }: { state: DescendState; send: Send }) {
  const status = state.status.value!;
  const known = state.surface.value!.lowest !== null;
  return (
    <section class="dlnb-racers" role="group" aria-label="The optimisers">
      <table>
        <thead>
          <tr>
            <th scope="col">optimiser</th>
            <th scope="col">loss</th>
            <th scope="col" title={known ? "when only a hundredth of the way down was left" : undefined}>
              {known ? "arrived" : "steps"}
            </th>
          </tr>
        </thead>
        <tbody>
          {status.racers.map((racer, place) => (
            <tr key={racer.name} data-racer={racer.name} class={racer.name === status.chosen ? "dlnb-chosen" : ""}>
              <th scope="row">
                <input
                  type="checkbox"
                  checked={racer.on}
                  aria-label={`${racer.label} takes part`}
                  onChange={(event) => send("switch", { name: racer.name, value: event.currentTarget.checked })}
                />
                <Badge racer={racer} place={place} />
                <button type="button" aria-pressed={racer.name === status.chosen} title={racer.about} onClick={() => send("choose", { name: racer.name })}>
                  {racer.label}
                </button>
              </th>
              <td data-loss={racer.name}>{racer.on ? number(racer.loss) : ""}</td>
              <td>{racer.on && reached(racer, known)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {status.racers.map(
        (racer) =>
          racer.on &&
          racer.stuck && (
            <p key={racer.name} class="dlnb-notice" role="alert">
              {racer.stuck}
            </p>
          ),
      )}
      {state.chosen && <Knobs racer={state.chosen} send={send} />}
    </section>
  );
}

/** The letter of a racer in its colour. */
export function Badge({ racer, place }: { racer: Racer; place: number }) {
  return (
    <i class="dlnb-badge" style={{ borderColor: `var(${colour(place)})` }} aria-hidden="true">
      {letter(racer, place)}
    </i>
  );
}

function reached(racer: Racer, known: boolean): string {
  if (racer.stuck) return "stuck";
  if (!known) return String(racer.steps);
  return racer.arrived === null ? "not yet" : `after ${racer.arrived} steps`;
}

function Knobs({ racer, send }: { racer: Racer; send: Send }) {
  return (
    <div class="dlnb-knobs" role="group" aria-label={`Knobs of ${racer.label}`}>
      <h3>{racer.label}</h3>
      <p class="dlnb-quiet">{racer.about}</p>
      {racer.knobs.map((knob) => (
        <Slider
          key={`${racer.name}/${knob.name}`}
          control={{ ...knob, off: false, at: null }}
          label={knob.label}
          off={false}
          set={(value) => send("knob", { racer: racer.name, name: knob.name, value })}
        />
      ))}
    </div>
  );
}
