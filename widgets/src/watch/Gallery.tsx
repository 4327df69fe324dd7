// A gallery of predictions: the same examples all along, or the worst of them, or those just unlearned.
import { useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { BoxesList } from "./GalleryBoxes";
import { CaptionedList } from "./GalleryCaptioned";
import { ForecastsList } from "./GalleryForecasts";
import { ImagesList } from "./GalleryImages";
import { MasksList } from "./GalleryMasks";
import { TextsList } from "./GalleryTexts";
import { type Gallery as Shown, type Order, ordered, orders, summary } from "./previews";
import type { WatchState } from "./state";

const WORDS: Record<Order, string> = {
  same: "the same examples at each look",
  worst: "what the model does worst comes first",
  "newly wrong": "right at the last look and wrong now, the greatest change first",
};

export function Gallery({ state }: { state: WatchState }) {
  const chosen = useSignal<Order>("same");
  const group = useId(); // several dashboards may stand on a page
  const shown = state.gallery.value;
  const trouble = state.status.value?.trouble;
  if (trouble) return <p role="status">{trouble}</p>;
  if (!shown) return <p class="dlnb-quiet">The model was not asked yet.</p>;
  const possible = orders(shown);
  const order = possible.includes(chosen.value) ? chosen.value : "same";
  const indices = ordered(shown, order);
  return (
    <div class="dlnb-gallery">
      <div class="dlnb-row">
        <span class="dlnb-quiet">{summary(shown)}</span>
        {possible.length > 1 && (
          <span class="dlnb-choice" role="radiogroup" aria-label="Which examples">
            {possible.map((name) => (
              <label key={name} title={WORDS[name]}>
                <input type="radio" name={group} checked={order === name} onChange={() => (chosen.value = name)} /> {name}
              </label>
            ))}
          </span>
        )}
      </div>
      <Examples shown={shown} indices={indices} />
      {order === "newly wrong" && indices.length === 0 && <p class="dlnb-quiet">None was unlearned since the last look.</p>}
      {order !== "same" && shown.kind === "images" && (
        <p class="dlnb-quiet">
          Of these {shown.count}. Those of the whole validation split: <code>dl.errors(run)</code>
        </p>
      )}
    </div>
  );
}

function Examples({ shown, indices }: { shown: Shown; indices: number[] }) {
  switch (shown.kind) {
    case "images":
      return <ImagesList shown={shown} indices={indices} />;
    case "boxes":
      return <BoxesList shown={shown} indices={indices} />;
    case "masks":
      return <MasksList shown={shown} indices={indices} />;
    case "texts":
      return <TextsList shown={shown} indices={indices} />;
    case "captioned":
      return <CaptionedList shown={shown} indices={indices} />;
    case "forecasts":
      return <ForecastsList shown={shown} indices={indices} />;
  }
}
