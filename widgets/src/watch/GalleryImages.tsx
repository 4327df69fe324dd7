// Pictures with the class that the model gives each of them.
import { percent } from "../core/format";
import { Canvas } from "./Canvas";
import { answer, type Images } from "./pictures";

export function ImagesList({ shown, indices }: { shown: Images; indices: number[] }) {
  return (
    <ul>
      {indices.map((i) => (
        <Picture key={i} shown={shown} index={i} />
      ))}
    </ul>
  );
}

function Picture({ shown, index }: { shown: Images; index: number }) {
  const { classes, truth } = shown;
  const said = answer(shown, index);
  const true_ = truth && classes[truth[index]!];
  const right = said && truth ? said.best === truth[index] : null;
  const words = said ? `${classes[said.best]} ${percent(said.score)}` : "not asked yet";
  return (
    <li class={right === null ? "" : right ? "dlnb-right" : "dlnb-wrong"} title={true_ ? `truly ${true_}, the model says ${words}` : words}>
      <Canvas pictures={shown} index={index} />
      <span class="dlnb-answer">
        {right !== null && <Sign right={right} />} {right === false && true_ ? `${true_}→` : ""}
        {said ? classes[said.best] : "?"}
      </span>
      <span class="dlnb-quiet">{said ? percent(said.score) : ""}</span>
    </li>
  );
}

export function Sign({ right }: { right: boolean }) {
  return (
    <span class="dlnb-sign" role="img" aria-label={right ? "right:" : "wrong:"}>
      {right ? "✓" : "✗"}
    </span>
  );
}
