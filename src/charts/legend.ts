/** Legend of a chart: native buttons that show and hide a curve, with its value at the cursor. */
import type { IChartTheme } from './theme';
import { seriesColour, seriesDash } from './theme';

export interface ILegend {
  element: HTMLElement;
  /** Show the values at the cursor, or the last ones for null. */
  setValues(values: readonly string[]): void;
}

/** Build a legend; `onToggle` gets the index of the curve and whether it is shown now. */
export function createLegend(
  labels: readonly string[],
  theme: IChartTheme,
  caption: string,
  onToggle: (index: number, shown: boolean) => void
): ILegend {
  const element = document.createElement('div');
  element.className = 'jp-mlkit-chart-legend';
  element.setAttribute('role', 'group');
  element.setAttribute('aria-label', caption);
  const outputs = labels.map((label, i) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'jp-mlkit-chart-legendItem';
    button.setAttribute('aria-pressed', 'true');
    button.append(swatch(theme, i));
    const name = document.createElement('span');
    name.textContent = label;
    const value = document.createElement('span');
    value.className = 'jp-mlkit-chart-legendValue';
    button.append(name, value);
    button.addEventListener('click', () => {
      const shown = button.getAttribute('aria-pressed') !== 'true';
      button.setAttribute('aria-pressed', String(shown));
      onToggle(i, shown);
    });
    element.append(button);
    return value;
  });
  return {
    element,
    setValues: values => {
      outputs.forEach((output, i) => {
        output.textContent = values[i] ?? '';
      });
    }
  };
}

function swatch(theme: IChartTheme, index: number): SVGElement {
  const ns = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(ns, 'svg');
  svg.setAttribute('width', '22');
  svg.setAttribute('height', '8');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS(ns, 'line');
  line.setAttribute('x2', '22');
  line.setAttribute('y1', '4');
  line.setAttribute('y2', '4');
  line.setAttribute('stroke', seriesColour(theme, index));
  line.setAttribute('stroke-width', '2');
  line.setAttribute('stroke-dasharray', seriesDash(theme, index).join(' '));
  svg.append(line);
  return svg;
}
