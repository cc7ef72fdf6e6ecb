/**
 * Scores by role in the target's unit, each metric above its baselines.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Run } from '../../api/types';
import { formatNumber } from '../shared/format';
import { bestBaseline } from '../shared/baseline';
import { ROLES, metricTable } from './metricRows';

/** Props of `MetricsTable`. */
export interface IMetricsTableProps {
  trans: TranslationBundle;
  run: Run;
}

/** The table, and the metrics without a role below it. */
export function MetricsTable(props: IMetricsTableProps): JSX.Element {
  const { trans, run } = props;
  const { rows, others } = metricTable(run);
  const best = bestBaseline(run)?.name;
  if (rows.length + others.length === 0) {
    return <p className="jp-mlkit-dim">{trans.__('No metric logged yet.')}</p>;
  }
  return (
    <>
      {rows.length > 0 && (
        <table className="jp-mlkit-table jp-mlkit-metrics">
          <thead>
            <tr>
              <th scope="col">{trans.__('metric')}</th>
              {ROLES.map(role => (
                <th key={role} scope="col" className="jp-mod-number">
                  {role}
                </th>
              ))}
              <th scope="col">{trans.__('unit')}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(row => (
              <tr
                key={`${row.name}/${row.baseline}`}
                className={row.baseline === null ? '' : 'jp-mod-baseline'}
              >
                <th scope="row">
                  {row.baseline === null ? row.name : `┄ ${row.baseline}`}
                  {row.baseline !== null && (
                    <span className="jp-mlkit-dim">
                      {' '}
                      {row.baseline === best
                        ? trans.__('best baseline')
                        : trans.__('baseline')}
                    </span>
                  )}
                </th>
                {ROLES.map(role => (
                  <td key={role} className="jp-mod-number">
                    {row.values[role] && (
                      <span title={String(row.values[role].value)}>
                        {formatNumber(row.values[role].value)}
                      </span>
                    )}
                  </td>
                ))}
                <td>{row.units}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {others.length > 0 && (
        <dl className="jp-mlkit-pairs">
          {others.map(metric => (
            <React.Fragment key={metric.key}>
              <dt>{metric.key}</dt>
              <dd title={String(metric.value)}>
                {formatNumber(metric.value, 4)}
              </dd>
            </React.Fragment>
          ))}
        </dl>
      )}
    </>
  );
}
