/**
 * A chart of curves in React; the chart library is loaded when the first one is shown.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IChart, ICurveData } from '../../charts/curve';

/** Props of `CurveChart`. */
export interface ICurveChartProps {
  trans: TranslationBundle;
  /** Key of the metric, with its unit where it has one. */
  title: string;
  data: ICurveData;
  /** Another key reads the colours of the theme again. */
  themeKey?: string;
}

/** One chart, drawn anew whenever its data change. */
export function CurveChart(props: ICurveChartProps): JSX.Element {
  const { trans, title, data, themeKey } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const chart = React.useRef<IChart | null>(null);
  const latest = React.useRef(data);
  latest.current = data;
  const xLabel = data.xKind === 'time' ? trans.__('time') : trans.__('step');

  React.useEffect(() => {
    let alive = true;
    void import('../../charts/curve').then(({ mount, readTheme }) => {
      if (!alive || !host.current) {
        return;
      }
      chart.current = mount(host.current, latest.current, {
        theme: readTheme(host.current),
        strings: {
          x: xLabel,
          legend: trans.__('Curves of %1', title),
          empty: trans.__('No value to draw.'),
          summary: curve =>
            trans.__(
              '%1: %2 points, last %3, lowest %4, highest %5.',
              curve.label,
              curve.points,
              curve.last,
              curve.lowest,
              curve.highest
            )
        }
      });
    });
    return () => {
      alive = false;
      chart.current?.destroy();
      chart.current = null;
    };
  }, [title, xLabel, trans]);

  React.useEffect(() => {
    if (!chart.current || !host.current) {
      return;
    }
    const { current: mounted } = chart;
    const element = host.current;
    void import('../../charts/curve').then(({ readTheme }) => {
      // A frame later the new theme's style sheet counts.
      if (mounted === chart.current) {
        mounted.update(data, readTheme(element));
      }
    });
  }, [data, themeKey]);

  return (
    <figure className="jp-mlkit-chart">
      <figcaption>{title}</figcaption>
      <div ref={host} className="jp-mlkit-chart-host" />
    </figure>
  );
}
