/**
 * Curves of a run's metrics: one chart per metric, its roles together.
 */
import * as React from 'react';

import type { MetricHistory, Run } from '../../api/types';
import { CurveChart } from '../shared/curveChart';
import { CurveControls } from '../shared/curveControls';
import type { ICurveChoice } from '../shared/curves';
import { toCurve } from '../shared/curves';
import { ErrorBox } from '../shared/errorBox';
import { formatNumber } from '../shared/format';
import { metricUnits } from '../shared/metricSense';
import { splitKey } from '../shared/primaryMetric';
import type { IRunViewProps } from './types';

/** So many charts are drawn before a person asks for more. */
const CHARTS_AT_ONCE = 12;

/** Charts tab of the run view. */
export function ChartsTab(
  props: Pick<
    IRunViewProps,
    'trans' | 'histories' | 'historiesError' | 'themeKey' | 'onRetry'
  > & { run: Run }
): JSX.Element {
  const { trans, run, histories, historiesError, themeKey } = props;
  const [choice, setChoice] = React.useState<ICurveChoice>({
    xKind: 'step',
    logY: false
  });
  const [limit, setLimit] = React.useState(CHARTS_AT_ONCE);
  const charts = React.useMemo(
    () => groupCharts(histories ?? [], choice),
    [histories, choice]
  );

  if (!histories) {
    return historiesError ? (
      <ErrorBox trans={trans} error={historiesError} onRetry={props.onRetry} />
    ) : (
      <p role="status">{trans.__('Loading curves…')}</p>
    );
  }
  const single = histories.filter(history => history.total === 1);
  return (
    <>
      {historiesError && <ErrorBox trans={trans} error={historiesError} />}
      {charts.length > 0 ? (
        <CurveControls trans={trans} choice={choice} onChange={setChoice} />
      ) : (
        <p className="jp-mlkit-dim">
          {trans.__('No metric has been logged more than once.')}
        </p>
      )}
      <div className="jp-mlkit-charts">
        {charts.slice(0, limit).map(chart => {
          const units = metricUnits(chart.name, run.units);
          return (
            <CurveChart
              key={chart.name}
              trans={trans}
              title={units ? `${chart.name} (${units})` : chart.name}
              data={chart.data}
              themeKey={themeKey}
            />
          );
        })}
      </div>
      {charts.length > limit && (
        <button
          type="button"
          className="jp-mlkit-button"
          onClick={() => setLimit(limit + CHARTS_AT_ONCE)}
        >
          {trans.__('Show more of %1 charts', charts.length)}
        </button>
      )}
      {single.length > 0 && (
        <details className="jp-mlkit-details">
          <summary>
            {trans._n(
              '%1 metric logged once',
              '%1 metrics logged once',
              single.length
            )}
          </summary>
          <dl className="jp-mlkit-pairs">
            {single.map(history => (
              <React.Fragment key={history.key}>
                <dt>{history.key}</dt>
                <dd>{formatNumber(history.values[0], 4)}</dd>
              </React.Fragment>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

function groupCharts(
  histories: readonly MetricHistory[],
  choice: ICurveChoice
) {
  const groups = new Map<string, MetricHistory[]>();
  for (const history of histories.filter(item => item.total > 1)) {
    const { name } = splitKey(history.key);
    groups.set(name, [...(groups.get(name) ?? []), history]);
  }
  return [...groups].map(([name, members]) => ({
    name,
    data: {
      ...choice,
      curves: members.map(history =>
        toCurve(history, splitKey(history.key).role || name, choice.xKind)
      )
    }
  }));
}
