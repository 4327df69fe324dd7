// Every number of the picture as a table: what each box gave, what arrived there, and what left along its roads.
import { type BackpropState, type Place, say } from "./state";

export function Table({ state }: { state: BackpropState }) {
  const scene = state.scene.value!;
  const order = [...scene.backward].reverse();
  return (
    <div class="dlnb-values" tabIndex={0} role="group" aria-label="All numbers as a table">
      <table>
        <thead>
          <tr>
            {["Node", "Name", "Autograd", "Value", "Gradient that arrives", "What leaves"].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {order.map((place) => {
            const box = scene.boxes[place]!;
            return (
              <tr key={place}>
                <th scope="row">{box.title}</th>
                <td>{box.name}</td>
                <td>{box.autograd || `${box.nodes} nodes`}</td>
                <td>{box.outputs.map(({ value, shape }, i) => all(state, value, i) || shape || "not kept").join("; ")}</td>
                <td>{box.outputs.map(({ arrived }, i) => all(state, arrived, i)).join("; ")}</td>
                <td>
                  {scene.roads
                    .filter((road) => road.to === place && road.left)
                    .map((road) => `to ${state.source(road)}: ${all(state, road.left, 0)}`)
                    .join("; ")}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** All numbers that were sent of a tensor. */
function all(state: BackpropState, place: Place | null, index: number): string {
  if (!place) return "";
  const said = Array.from(state.values(place), say).join(", ");
  const rest = place.size > place.shown ? `, … (${(place.size - place.shown).toLocaleString("en")} more)` : "";
  const shape = place.shape && `${place.shape} `;
  return place.size === 1 && !rest ? said : `${index ? `result ${index + 1} ` : ""}${shape}${said}${rest}`;
}
