// Pictures twice: covered by the colours of what each pixel truly is, and of what the model says it is.
import { percent } from "../core/format";
import { Canvas } from "./Canvas";
import { classesSeen, colour, type Masks, meanIou } from "./masks";

export function MasksList({ shown, indices }: { shown: Masks; indices: number[] }) {
  return (
    <>
      <p class="dlnb-legend dlnb-quiet">
        {classesSeen(shown).map((label) => (
          <span key={label}>
            <i class="dlnb-swatch" style={{ background: `rgb(${colour(label).join(",")})` }} /> {shown.classes[label]}
          </span>
        ))}
      </p>
      <ul class="dlnb-pairs">
        {indices.map((i) => (
          <Pair key={i} shown={shown} index={i} />
        ))}
      </ul>
    </>
  );
}

function Pair({ shown, index }: { shown: Masks; index: number }) {
  const covered = meanIou(shown, index);
  return (
    <li title={covered === null ? "" : `intersection over union ${percent(covered)}, the mean over the classes of this picture`}>
      <div class="dlnb-pair">
        {shown.truth && <Half shown={shown} index={index} mask={shown.truth} words="truth" />}
        {shown.said && <Half shown={shown} index={index} mask={shown.said} words="model" />}
        {!shown.truth && !shown.said && <Canvas pictures={shown} index={index} />}
      </div>
      {covered !== null && <span class="dlnb-quiet">IoU {percent(covered)}</span>}
    </li>
  );
}

function Half({ shown, index, mask, words }: { shown: Masks; index: number; mask: Uint8Array; words: string }) {
  return (
    <figure>
      <Canvas pictures={shown} index={index} mask={mask} />
      <figcaption class="dlnb-quiet">{words}</figcaption>
    </figure>
  );
}
