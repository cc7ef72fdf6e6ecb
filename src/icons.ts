/**
 * Our icons; all else comes from Lab.
 */
import { LabIcon } from '@jupyterlab/ui-components';

/** An arrow up whose shaft has gaps: on its way, not there yet. */
export const waitingIcon = new LabIcon({
  name: 'jupyter-mlkit:waiting',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3" fill="#616161" d="M8 2 3.2 6.8l1.2 1.2L7.1 5.3V8h1.8V5.3L11.6 8l1.2-1.2ZM7.1 9.2h1.8v2H7.1ZM7.1 12.4h1.8v2H7.1Z"/>
</svg>`
});

/** Something needs to be looked at. */
export const warningIcon = new LabIcon({
  name: 'jupyter-mlkit:warning',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="M8 1.6.9 14h14.2ZM7.2 6h1.6v4H7.2ZM7.2 11.2h1.6v1.6H7.2Z"/>
</svg>`
});

/** A cube with a curve on its side. */
export const mlkitIcon = new LabIcon({
  name: 'jupyter-mlkit:cube',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 22 22">
  <g class="jp-icon3" fill="#616161">
    <path d="M11 1.8 19.2 6.2v9.6L11 20.2 2.8 15.8V6.2ZM11 3.9 5.6 6.8 11 9.7l5.4-2.9ZM4.6 8.3v6.4l5.5 3v-6.4Zm7.3 9.4 5.5-3V8.3l-5.5 3Z"/>
    <path d="m13 15.3 1.4-2.6 1.2.6 1.2-2.6v2l-1 2.2-1.2-.6-1 1.9Z"/>
  </g>
</svg>`
});
