// Pictures with texts below them: what is true, and what the model says.
import { Canvas } from "./Canvas";
import { type Captioned, shownWidth } from "./captioned";
import { Sign } from "./GalleryImages";

export function CaptionedList({ shown, indices }: { shown: Captioned; indices: number[] }) {
  return (
    <ul class={`dlnb-captioned dlnb-${shownWidth(shown)}`}>
      {indices.map((i) => (
        <Picture key={i} shown={shown} index={i} />
      ))}
    </ul>
  );
}

function Picture({ shown, index }: { shown: Captioned; index: number }) {
  const [truth, said] = [shown.truth?.[index], shown.said?.[index]];
  const right = shown.right ? shown.right[index] === 1 : null;
  return (
    <li class={right === null ? "" : right ? "dlnb-right" : "dlnb-wrong"}>
      <Canvas pictures={shown} index={index} />
      {truth !== undefined && (
        <span class={said === undefined ? "" : "dlnb-quiet"} dir="auto">
          {truth}
        </span>
      )}
      {said !== undefined && (
        <span class="dlnb-said">
          {right !== null && <Sign right={right} />}{" "}
          <span dir="auto">{said || <em>nothing</em>}</span>
        </span>
      )}
    </li>
  );
}
