// Texts in a table: what was read, what is true, what the model says. Each cell runs in the direction of its own letters.
import { percent } from "../core/format";
import { Sign } from "./GalleryImages";
import type { Texts } from "./texts";

export function TextsList({ shown, indices }: { shown: Texts; indices: number[] }) {
  const { read, truth, said, right, scores } = shown;
  return (
    <div class="dlnb-texts">
      <table>
        <thead>
          <tr>
            {right && <th aria-label="right or wrong" />}
            <th>read</th>
            {truth && <th>true</th>}
            {said && <th>the model says</th>}
            {scores && <th class="dlnb-score">sure</th>}
          </tr>
        </thead>
        <tbody>
          {indices.map((i) => (
            <tr key={i} class={!right ? "" : right[i] ? "dlnb-right" : "dlnb-wrong"}>
              {right && (
                <td>
                  <Sign right={right[i] === 1} />
                </td>
              )}
              <td dir="auto">{read[i]}</td>
              {truth && <td dir="auto">{truth[i]}</td>}
              {said && <td dir="auto">{said[i]}</td>}
              {scores && <td class="dlnb-score">{percent(scores[i]!)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
