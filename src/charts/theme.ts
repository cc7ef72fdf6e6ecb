/** Colours of a chart, read from the page's CSS variables so that it fits any theme. */

export interface IChartTheme {
  foreground: string;
  muted: string;
  grid: string;
  font: string;
  /** Colour-blind-safe, in the order in which series take them. */
  series: string[];
}

/** Line patterns tell series apart where colour cannot. */
export const DASHES: readonly number[][] = [[], [7, 3], [2, 3], [8, 3, 2, 3]];

// Used where the style sheet is missing, as in a notebook opened elsewhere.
const FALLBACK_SERIES = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#aa4499',
  '#56b4e9',
  '#b8860b',
  '#882255',
  '#666666'
];

/** Read the theme that applies to `element`; read it again when Lab's theme changes. */
export function readTheme(element: Element): IChartTheme {
  const style = getComputedStyle(element);
  const read = (name: string, fallback: string) =>
    style.getPropertyValue(name).trim() || fallback;
  return {
    foreground: read('--jp-ui-font-color1', '#212121'),
    muted: read('--jp-ui-font-color2', '#616161'),
    grid: read('--jp-border-color2', '#e0e0e0'),
    font: `11px ${read('--jp-ui-font-family', 'system-ui, sans-serif')}`,
    series: FALLBACK_SERIES.map((colour, i) =>
      read(`--jp-mlkit-colour${i}`, colour)
    )
  };
}

/** Colour of the series at `index`. */
export function seriesColour(theme: IChartTheme, index: number): string {
  return theme.series[index % theme.series.length];
}

/** Line pattern of the series at `index`: neighbours differ, and so do repeats of a colour. */
export function seriesDash(theme: IChartTheme, index: number): number[] {
  const round = Math.floor(index / theme.series.length);
  return DASHES[(index + round) % DASHES.length];
}
