/** Curves of metrics over steps or time, drawn by uPlot. */
import uPlot from 'uplot';

import type { ICurve, ICurveData } from './align';
import { align } from './align';
import { createLegend } from './legend';
import type { ILegend } from './legend';
import type { IChartTheme } from './theme';
import { seriesColour, seriesDash } from './theme';

export type { ICurve, ICurveData } from './align';
export type { IChartTheme } from './theme';
export { readTheme } from './theme';

/** Words of the chart, translated by the caller. */
export interface ICurveStrings {
  /** Label of the x axis. */
  x: string;
  /** Caption of the legend. */
  legend: string;
  /** Sentence that says what a curve shows, for people who do not see it. */
  summary(curve: ICurveSummary): string;
  /** Said where no curve has a value to draw. */
  empty: string;
}

/** What a curve shows, in numbers. */
export interface ICurveSummary {
  label: string;
  points: number;
  last: string;
  lowest: string;
  highest: string;
}

export interface ICurveOptions {
  strings: ICurveStrings;
  theme: IChartTheme;
  /** Height of the plot in pixels. */
  height?: number;
}

export interface IChart {
  /** Draw other data, in another theme if given; zoom and hidden curves stay where they can. */
  update(data: ICurveData, theme?: IChartTheme): void;
  destroy(): void;
}

const HEIGHT = 200;

/** Draw `data` into `el` and keep its width; the caller destroys what it mounts. */
export function mount(
  el: HTMLElement,
  data: ICurveData,
  options: ICurveOptions
): IChart {
  const { strings, height = HEIGHT } = options;
  let theme = options.theme;
  let plot: uPlot | null = null;
  let legend: ILegend | null = null;
  let shape = '';
  const hidden = new Set<string>();

  const summary = document.createElement('p');
  summary.className = 'jp-mlkit-chart-summary';
  const canvas = document.createElement('div');
  canvas.setAttribute('aria-hidden', 'true');
  el.append(canvas, summary);

  const draw = (next: ICurveData) => {
    const columns = align(next);
    summary.textContent = describe(next, strings);
    const nextShape = JSON.stringify([
      next.xKind,
      next.logY,
      next.curves.map(curve => curve.label)
    ]);
    if (plot && nextShape === shape) {
      plot.setData(columns);
    } else {
      shape = nextShape;
      build(next, columns);
    }
    legend?.setValues(next.curves.map(lastValue));
  };

  const build = (next: ICurveData, columns: uPlot.AlignedData) => {
    plot?.destroy();
    legend?.element.remove();
    legend = createLegend(
      next.curves.map(curve => curve.label),
      theme,
      strings.legend,
      (i, shown) => {
        const label = next.curves[i].label;
        if (shown) {
          hidden.delete(label);
        } else {
          hidden.add(label);
        }
        plot?.setSeries(i + 1, { show: shown });
      }
    );
    const config = plotOptions(next, theme, strings, height);
    config.width = Math.max(el.clientWidth, 120);
    config.series.forEach((series, i) => {
      series.show = i === 0 || !hidden.has(next.curves[i - 1].label);
    });
    const shownLegend = legend;
    config.hooks = {
      setCursor: [
        u => {
          const at = u.cursor.idx;
          shownLegend.setValues(
            next.curves.map((curve, i) =>
              at === null || at === undefined
                ? lastValue(curve)
                : format(u.data[i + 1][at])
            )
          );
        }
      ]
    };
    plot = new uPlot(config, columns, canvas);
    el.insertBefore(legend.element, summary);
    for (const button of Array.from(legend.element.children)) {
      const name = button.querySelector('span')?.textContent ?? '';
      button.setAttribute('aria-pressed', String(!hidden.has(name)));
    }
  };

  const resize = new ResizeObserver(() => {
    if (plot && el.clientWidth > 0 && el.clientWidth !== plot.width) {
      plot.setSize({ width: el.clientWidth, height });
    }
  });
  draw(data);
  resize.observe(el);

  return {
    update: (next, nextTheme) => {
      if (nextTheme && JSON.stringify(nextTheme) !== JSON.stringify(theme)) {
        theme = nextTheme;
        shape = '';
      }
      draw(next);
    },
    destroy: () => {
      resize.disconnect();
      plot?.destroy();
      el.replaceChildren();
    }
  };
}

function plotOptions(
  data: ICurveData,
  theme: IChartTheme,
  strings: ICurveStrings,
  height: number
): uPlot.Options {
  const axis: uPlot.Axis = {
    stroke: theme.muted,
    font: theme.font,
    labelFont: theme.font,
    grid: { stroke: theme.grid, width: 1 },
    ticks: { stroke: theme.grid, width: 1, size: 4 }
  };
  return {
    width: 120,
    height,
    legend: { show: false },
    cursor: { drag: { x: true, y: false }, points: { size: 6 } },
    scales: {
      x: { time: data.xKind === 'time' },
      y: { distr: data.logY ? 3 : 1 }
    },
    axes: [
      { ...axis, label: strings.x, labelSize: 18, size: 28 },
      {
        ...axis,
        size: 54,
        values: (_, ticks) =>
          ticks.map(tick => (tick === null ? '' : format(tick)))
      }
    ],
    series: [
      {},
      ...data.curves.map((curve, i) => ({
        label: curve.label,
        stroke: seriesColour(theme, i),
        dash: seriesDash(theme, i),
        width: 1.5,
        spanGaps: false,
        // A curve of few points, or one between two gaps, would not be seen as a line.
        points: { show: curve.x.length < 40, size: 4 }
      }))
    ]
  };
}

function describe(data: ICurveData, strings: ICurveStrings): string {
  const sentences = data.curves.flatMap(curve => {
    const finite = curve.y.filter(Number.isFinite);
    if (finite.length === 0) {
      return [];
    }
    return [
      strings.summary({
        label: curve.label,
        points: curve.x.length,
        last: lastValue(curve),
        lowest: format(finite.reduce((a, b) => Math.min(a, b))),
        highest: format(finite.reduce((a, b) => Math.max(a, b)))
      })
    ];
  });
  return sentences.length > 0 ? sentences.join(' ') : strings.empty;
}

/** Value at the largest x: points may come in any order. */
function lastValue(curve: ICurve): string {
  let at = 0;
  curve.x.forEach((x, i) => {
    if (x >= curve.x[at]) {
      at = i;
    }
  });
  const last = curve.y[at];
  return last === undefined ? '' : format(last);
}

function format(value: number | null | undefined): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : String(value).replace('Infinity', '∞');
  }
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e5 || size < 1e-3)
    ? value.toExponential(2)
    : String(Number(value.toPrecision(4)));
}
