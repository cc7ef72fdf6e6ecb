/**
 * Curves of the runs over each other: one chart per metric that two or more of them share.
 */
import * as React from 'react';

import type { Comparison, MetricHistory } from '../../api/types';
import { CurveChart } from '../shared/curveChart';
import { CurveControls } from '../shared/curveControls';
import type { ICurveChoice } from '../shared/curves';
import { toCurve } from '../shared/curves';
import { ErrorBox } from '../shared/errorBox';
import { runLabels } from './runLabels';
import type { ICompareViewProps } from './types';

type Props = Pick<
  ICompareViewProps,
  'trans' | 'histories' | 'historiesError' | 'themeKey' | 'onRetry'
> & { comparison: Comparison };

/** So many charts are drawn before a person asks for more. */
const CHARTS_AT_ONCE = 12;

/** Curves tab of the comparison. */
export function CurvesTab(props: Props): JSX.Element {
  const { trans, comparison, histories, historiesError, themeKey } = props;
  const [choice, setChoice] = React.useState<ICurveChoice>({
    xKind: 'step',
    logY: false
  });
  const [limit, setLimit] = React.useState(CHARTS_AT_ONCE);
  const charts = React.useMemo(
    () => sharedCharts(comparison, histories ?? [], choice),
    [comparison, histories, choice]
  );
  if (!histories) {
    return historiesError ? (
      <ErrorBox trans={trans} error={historiesError} onRetry={props.onRetry} />
    ) : (
      <p role="status">{trans.__('Loading curves…')}</p>
    );
  }
  if (charts.length === 0) {
    return (
      <p className="jp-mlkit-dim">
        {trans.__('No metric has a curve in two of these runs.')}
      </p>
    );
  }
  return (
    <>
      {historiesError && <ErrorBox trans={trans} error={historiesError} />}
      <CurveControls trans={trans} choice={choice} onChange={setChoice} />
      <div className="jp-mlkit-charts">
        {charts.slice(0, limit).map(chart => (
          <CurveChart
            key={chart.key}
            trans={trans}
            title={chart.key}
            data={chart.data}
            themeKey={themeKey}
          />
        ))}
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
    </>
  );
}

function sharedCharts(
  comparison: Comparison,
  histories: readonly MetricHistory[],
  choice: ICurveChoice
) {
  const labels = runLabels(comparison.runs);
  const byKey = new Map<string, MetricHistory[]>();
  for (const history of histories) {
    if (history.total > 1 && labels.has(history.run_id)) {
      byKey.set(history.key, [...(byKey.get(history.key) ?? []), history]);
    }
  }
  // Curves in the order of the columns, so that a run keeps its colour from chart to chart.
  const order = comparison.runs.map(run => run.run_id);
  return [...byKey]
    .filter(([, members]) => members.length > 1)
    .map(([key, members]) => ({
      key,
      data: {
        ...choice,
        curves: members
          .sort((a, b) => order.indexOf(a.run_id) - order.indexOf(b.run_id))
          .map(history =>
            toCurve(history, labels.get(history.run_id) ?? '', choice.xKind)
          )
      }
    }));
}
