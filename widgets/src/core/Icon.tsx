// The few icons there are, drawn here so that no font needs to have them.

const SHAPES = {
  pause: "M6 4h4v16H6zM14 4h4v16h-4z",
  play: "M7 4l13 8-13 8z",
  step: "M5 4l10 8-10 8zM16 4h3v16h-3z",
  stop: "M5 5h14v14H5z",
  undo: "M9 4v4h5a6 6 0 0 1 0 12H7v-3h7a3 3 0 0 0 0-6H9v4L3 9.5z",
  clear: "M6 4l6 6 6-6 2 2-6 6 6 6-2 2-6-6-6 6-2-2 6-6-6-6z",
  rewind: "M12 5v14L3 12zM21 5v14l-9-7z",
  fork: "M5 3h3v6l8 4v-4h3v12h-3v-5L8 12v9H5z",
  note: "M6 3h12l-2.5 4.5L18 12H8v9H6z",
  save: "M10.5 3h3v8h4L12 17 6.5 11h4zM4 18h16v3H4z",
  float: "M3 5h18v14H3zM5 7v10h14V7zM12 11h6v5h-6z",
  code: "M8.5 6L2.5 12l6 6 2-2-4-4 4-4zM15.5 6l-2 2 4 4-4 4 2 2 6-6z",
};

export function Icon({ name }: { name: keyof typeof SHAPES }) {
  return (
    <svg class="dlnb-icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
