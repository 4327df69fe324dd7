// Pictures with two kinds of boxes: dashed ones of what is there, drawn-through ones of what the model finds.
import { percent } from "../core/format";
import { type Box, type Boxes, scene } from "./boxes";
import { Canvas } from "./Canvas";

export function BoxesList({ shown, indices }: { shown: Boxes; indices: number[] }) {
  return (
    <>
      <p class="dlnb-legend dlnb-quiet">
        {shown.truth && <Key class_="dlnb-box-true" words="truly there" />}
        {shown.found && <Key class_="dlnb-box-found" words="found by the model" />}
      </p>
      <ul class="dlnb-large">
        {indices.map((i) => (
          <Picture key={i} shown={shown} index={i} />
        ))}
      </ul>
    </>
  );
}

function Picture({ shown, index }: { shown: Boxes; index: number }) {
  const { truth, found } = scene(shown, index);
  const { width, height, classes } = shown;
  const judged = shown.truth && shown.found;
  const hits = truth.filter((box) => box.matched).length;
  const extra = found.filter((box) => !box.matched).length;
  const list = (boxes: Box[], sure: boolean) =>
    boxes.map((box) => `${classes[box.label]}${sure ? ` ${percent(box.score)}` : ""}`).join(", ") || "nothing";
  const words = [shown.truth && `truly there: ${list(truth, false)}`, shown.found && `found: ${list(found, true)}`];
  return (
    <li title={words.filter(Boolean).join("; ")}>
      <div class="dlnb-framed" role="img" aria-label={words.filter(Boolean).join("; ")}>
        <Canvas pictures={shown} index={index} />
        <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
          {truth.map((box, k) => (
            <Outline key={`t${k}`} box={box} class_="dlnb-box-true" />
          ))}
          {found.map((box, k) => (
            <Outline key={`f${k}`} box={box} class_="dlnb-box-found" />
          ))}
        </svg>
        {classes.length > 1 &&
          found.map((box, k) => (
            <span key={k} class="dlnb-box-name" style={beside(box, width, height)}>
              {classes[box.label]}
            </span>
          ))}
      </div>
      <span class="dlnb-quiet">{judged ? `${hits} of ${truth.length} found${extra ? `, ${extra} too many` : ""}` : ""}</span>
    </li>
  );
}

/** Over the box where there is room, else in it; from its left edge, or in the right half of the picture to its right one. */
function beside({ corners: [x1, y1, x2] }: Box, width: number, height: number) {
  const share = (pixels: number, side: number) => `${Math.max(0, Math.min(100, (100 * pixels) / side))}%`;
  const across = (x1 + x2) / 2 < width / 2 ? { left: share(x1, width) } : { right: share(width - x2, width) };
  return y1 > 0.1 * height ? { ...across, bottom: share(height - y1, height) } : { ...across, top: share(y1, height) };
}

/** An outline in its colour on a dark one, so that it is seen on any picture. */
function Outline({ box, class_ }: { box: Box; class_: string }) {
  const [x, y, right, bottom] = box.corners;
  const frame = { x, y, width: Math.max(0, right - x), height: Math.max(0, bottom - y) };
  return (
    <g class={class_}>
      <rect {...frame} class="dlnb-box-under" />
      <rect {...frame} />
    </g>
  );
}

function Key({ class_, words }: { class_: string; words: string }) {
  return (
    <span>
      <svg width="22" height="12" aria-hidden="true">
        <g class={class_}>
          <rect x="2" y="2" width="18" height="8" class="dlnb-box-under" />
          <rect x="2" y="2" width="18" height="8" />
        </g>
      </svg>{" "}
      {words}
    </span>
  );
}
