// A gallery of predictions: the same pictures all along, or the worst of them, or those just unlearned.
import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { percent } from "../core/format";
import { answer, countRight, type Gallery as Pictures, type Order, ordered } from "./pictures";
import type { WatchState } from "./state";

const ORDERS: [Order, string][] = [
  ["same", "the same examples at each look"],
  ["worst", "the examples to whose truth the model gives the lowest probability come first"],
  ["newly wrong", "right at the last look and wrong now, the greatest change first"],
];

export function Gallery({ state }: { state: WatchState }) {
  const order = useSignal<Order>("same");
  const group = useId(); // several dashboards may stand on a page
  const pictures = state.gallery.value;
  const trouble = state.status.value?.trouble;
  if (trouble) return <p role="status">{trouble}</p>;
  if (!pictures) return <p class="dlnb-quiet">The model was not asked yet.</p>;
  const right = countRight(pictures);
  const shown = ordered(pictures, order.value);
  return (
    <div class="dlnb-gallery">
      <div class="dlnb-row">
        <span class="dlnb-quiet">{right === null ? "" : `${right} of ${pictures.count} right`}</span>
        {right !== null && (
          <span class="dlnb-choice" role="radiogroup" aria-label="Which examples">
            {ORDERS.map(([name, words]) => (
              <label key={name} title={words}>
                <input type="radio" name={group} checked={order.value === name} onChange={() => (order.value = name)} /> {name}
              </label>
            ))}
          </span>
        )}
      </div>
      <ul>
        {shown.map((i) => (
          <Picture key={i} pictures={pictures} index={i} />
        ))}
      </ul>
      {order.value === "newly wrong" && shown.length === 0 && <p class="dlnb-quiet">None was unlearned since the last look.</p>}
      {order.value !== "same" && (
        <p class="dlnb-quiet">
          Of these {pictures.count}. Those of the whole validation split: <code>dl.errors(run)</code>
        </p>
      )}
    </div>
  );
}

function Picture({ pictures, index }: { pictures: Pictures; index: number }) {
  const { classes, truth } = pictures;
  const said = answer(pictures, index);
  const true_ = truth && classes[truth[index]!];
  const right = said && truth ? said.best === truth[index] : null;
  const words = said ? `${classes[said.best]} ${percent(said.score)}` : "not asked yet";
  return (
    <li class={right === null ? "" : right ? "dlnb-right" : "dlnb-wrong"} title={true_ ? `truly ${true_}, the model says ${words}` : words}>
      <Thumbnail pictures={pictures} index={index} />
      <span class="dlnb-answer">
        {right !== null && (
          <span class="dlnb-sign" role="img" aria-label={right ? "right:" : "wrong:"}>
            {right ? "✓" : "✗"}
          </span>
        )}{" "}
        {right === false && true_ ? `${true_}→` : ""}
        {said ? classes[said.best] : "?"}
      </span>
      <span class="dlnb-quiet">{said ? percent(said.score) : ""}</span>
    </li>
  );
}

function Thumbnail({ pictures, index }: { pictures: Pictures; index: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const { pixels, height, width, channels } = pictures;
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const image = context.createImageData(width, height);
    const start = index * height * width * channels;
    for (let p = 0; p < height * width; p++)
      for (let c = 0; c < 4; c++)
        image.data[4 * p + c] = c === 3 ? 255 : pixels[start + p * channels + (channels === 3 ? c : 0)]!;
    context.putImageData(image, 0, 0);
  }, [pixels, height, width, channels, index]);
  return <canvas ref={canvas} width={width} height={height} aria-hidden="true" />;
}
