/**
 * Whether the test is as hard as the use: the verdict in words, with its evidence.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Preview } from '../../api/types';
import { formatNumber } from './format';

type Report = NonNullable<Preview['leakage']>;

/** Props of `LeakageView`. */
export interface ILeakageViewProps {
  trans: TranslationBundle;
  report: Report;
}

/** Verdict, distances, what straddles, and how far the field remembers. */
export function LeakageView(props: ILeakageViewProps): JSX.Element {
  const { trans, report } = props;
  const warns = report.verdict === 'too easy' || report.verdict === 'too hard';
  return (
    <section
      className="jp-mlkit-leakage"
      aria-label={trans.__('Leakage report')}
    >
      <p>
        {warns && <span aria-hidden="true">⚠ </span>}
        <strong>{verdictWords(trans, report.verdict)}</strong> {report.sentence}
      </p>
      {report.distances.length > 0 && (
        <Distances trans={trans} distances={report.distances} />
      )}
      <ul className="jp-mlkit-leakage-facts">
        {report.autocorrelation.map((found, i) => (
          <li key={i}>{rangeWords(trans, found)}</li>
        ))}
        {Object.keys(report.recommended).length > 0 && (
          <li>
            {trans.__(
              'Blocks of twice that range: %1.',
              Object.entries(report.recommended)
                .map(([dim, size]) => `${dim} ${size}`)
                .join(', ')
            )}
          </li>
        )}
        {report.straddling > 0 && (
          <li>
            {trans.__(
              '%1 samples have target cells of several roles; each role counts its own.',
              formatNumber(report.straddling)
            )}
          </li>
        )}
        {report.duplicates > 0 && (
          <li>
            {trans.__(
              '%1 held-out rows are equal to a train row.',
              formatNumber(report.duplicates)
            )}
          </li>
        )}
      </ul>
    </section>
  );
}

function Distances(props: {
  trans: TranslationBundle;
  distances: Report['distances'];
}): JSX.Element {
  const { trans, distances } = props;
  return (
    <table className="jp-mlkit-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('distance to train')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('test cells')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('to predict')}
          </th>
        </tr>
      </thead>
      <tbody>
        {distances.map(found => (
          <tr key={found.axis}>
            <th scope="row">
              {found.axis === 'space'
                ? trans.__('in space, %1', found.unit)
                : trans.__('in time, %1', found.unit)}
            </th>
            <td className="jp-mod-number">{spread(found.test)}</td>
            <td className="jp-mod-number">{spread(found.prediction)}</td>
          </tr>
        ))}
      </tbody>
      <caption className="jp-mlkit-dim">
        {trans.__('Median, with the middle 90 % in brackets.')}
      </caption>
    </table>
  );
}

/** Quantiles at 5, 25, 50, 75 and 95 % as `30 [10 … 50]`. */
function spread(quantiles: readonly number[]): string {
  return quantiles.length === 5
    ? `${formatNumber(quantiles[2])} [${formatNumber(quantiles[0])} … ${formatNumber(quantiles[4])}]`
    : '–';
}

function verdictWords(
  trans: TranslationBundle,
  verdict: Report['verdict']
): string {
  switch (verdict) {
    case 'too easy':
      return trans.__('The test is too easy.');
    case 'too hard':
      return trans.__('The test is too hard.');
    case 'fits':
      return trans.__('The test fits the use.');
    default:
      return trans.__('Whether the test fits the use is unknown.');
  }
}

function rangeWords(
  trans: TranslationBundle,
  found: Report['autocorrelation'][number]
): string {
  const field =
    found.of === 'target' ? trans.__('The target') : trans.__('The residual');
  const where =
    found.axis === 'space' ? trans.__('in space') : trans.__('in time');
  if (found.range === null) {
    return trans.__(
      '%1 is alike %2 at every distance that was looked at.',
      field,
      where
    );
  }
  const interval =
    found.low !== null && found.high !== null
      ? ` (${formatNumber(found.low)} … ${formatNumber(found.high)})`
      : '';
  return trans.__(
    '%1 is alike %2 up to %3 %4%5.',
    field,
    where,
    formatNumber(found.range),
    found.unit,
    interval
  );
}

/** The report that a run logged; null where the file is something else. */
export function leakageOf(value: unknown): Report | null {
  const report = value as Partial<Report> | null;
  const known =
    typeof report === 'object' &&
    report !== null &&
    typeof report.sentence === 'string' &&
    Array.isArray(report.distances) &&
    Array.isArray(report.autocorrelation) &&
    typeof report.recommended === 'object' &&
    report.recommended !== null;
  return known ? (report as Report) : null;
}
