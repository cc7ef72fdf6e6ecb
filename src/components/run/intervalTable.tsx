/**
 * Scores with the intervals that a bootstrap of blocks gives them.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { formatNumber } from '../shared/format';
import { metricUnits } from '../shared/metricSense';

interface IInterval {
  estimate: number;
  low: number;
  high: number;
  n_blocks: number;
}

type Scores = Record<string, Record<string, IInterval | null>>;

/** Props of `IntervalTable`. */
export interface IIntervalTableProps {
  trans: TranslationBundle;
  /** The record as it was logged, roles first. */
  value: unknown;
  /** Of the target. */
  units: string | null;
}

/** Roles as metrics name them. */
const SHORT: Record<string, string> = { validation: 'val' };

/** One row per role and score; says why where there is no interval. */
export function IntervalTable(props: IIntervalTableProps): JSX.Element {
  const { trans } = props;
  const rows = Object.entries((props.value ?? {}) as Scores).flatMap(
    ([role, scores]) =>
      Object.entries(scores ?? {}).map(
        ([name, found]) => [role, name, found] as const
      )
  );
  if (rows.length === 0) {
    return <></>;
  }
  if (rows.every(([, , found]) => !found)) {
    return (
      <p className="jp-mlkit-dim">
        {trans.__('No intervals: fewer than 20 blocks were scored.')}
      </p>
    );
  }
  return (
    <table className="jp-mlkit-table">
      <caption className="jp-mlkit-dim">
        {trans.__('95 % intervals from the blocks that were scored.')}
      </caption>
      <thead>
        <tr>
          <th scope="col">{trans.__('score')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('estimate')}
          </th>
          <th scope="col">{trans.__('unit')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('interval')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('blocks')}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map(([role, name, found]) => (
          <tr key={`${role} ${name}`}>
            <th scope="row">{`${SHORT[role] ?? role} ${name}`}</th>
            <td className="jp-mod-number">{figures(name, found?.estimate)}</td>
            <td>{metricUnits(name, props.units)}</td>
            <td className="jp-mod-number">
              {found
                ? `${figures(name, found.low)} … ${figures(name, found.high)}`
                : trans.__('too few blocks')}
            </td>
            <td className="jp-mod-number">{formatNumber(found?.n_blocks)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Scores close to one differ in their third decimal. */
function figures(name: string, value: number | undefined): string {
  return formatNumber(value, name === 'r2' ? 4 : 3);
}
