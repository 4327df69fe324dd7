// Our own small pictures. The `jp-icon` classes give them the colours of the theme.
import { LabIcon } from "@jupyterlab/ui-components";

/** A small network: two inputs, two hidden, one output. */
export const courseIcon = new LabIcon({
  name: "dlnb:course",
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable-inverse" stroke="#616161" fill="none" stroke-width="1.4"
    d="M5 7 12 7M5 7 12 17M5 17 12 7M5 17 12 17M12 7 19 12M12 17 19 12" style="fill:none" />
  <g class="jp-icon3 jp-icon-selectable" fill="#616161">
    <circle cx="5" cy="7" r="2.6" /><circle cx="5" cy="17" r="2.6" /><circle cx="12" cy="7" r="2.6" />
    <circle cx="12" cy="17" r="2.6" /><circle cx="19" cy="12" r="2.6" />
  </g></svg>`,
});
