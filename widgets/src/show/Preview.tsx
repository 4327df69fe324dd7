// What a task shows of its examples: the lists of the dashboard's gallery.
import { BoxesList } from "../watch/GalleryBoxes";
import { CaptionedList } from "../watch/GalleryCaptioned";
import { ForecastsList } from "../watch/GalleryForecasts";
import { ImagesList } from "../watch/GalleryImages";
import { MasksList } from "../watch/GalleryMasks";
import { TextsList } from "../watch/GalleryTexts";
import { type Gallery, summary } from "../watch/previews";

export function PreviewView({ shown }: { shown: Gallery }) {
  return (
    <div class="dlnb-watch">
      <div class="dlnb-gallery">
        <p class="dlnb-quiet">{summary(shown)}</p>
        <Examples shown={shown} indices={Array.from({ length: shown.count }, (_, i) => i)} />
      </div>
    </div>
  );
}

function Examples({ shown, indices }: { shown: Gallery; indices: number[] }) {
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
