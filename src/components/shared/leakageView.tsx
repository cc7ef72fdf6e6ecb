/**
 * Whether the test is as hard as the use: the verdict in words, with its evidence.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Preview } from '../../api/types';
import { formatNumber, formatShare } from './format';

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
  // New places and later times are not in the cube: only the test can be looked at.
  const isOutside =
    report.verdict === 'unknown' &&
    report.distances.some(
      found => found.test.length > 0 || found.test_without > 0
    ) &&
    !report.distances.some(hasPrediction);
  return (
    <section
      className="jp-mlkit-leakage"
      aria-label={trans.__('Leakage report')}
    >
      <h3>{trans.__('Is the test as hard as the use?')}</h3>
      <p>
        {warns && <span aria-hidden="true">⚠ </span>}
        <strong>{verdictWords(trans, report.verdict)}</strong>{' '}
        {isOutside
          ? trans.__(
              'What is to be predicted lies outside this cube: compare how far the test lies from train with how far it will.'
            )
          : report.sentence}
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
              'Blocks twice as long as that: %1.',
              Object.entries(report.recommended)
                .map(([dim, size]) => `${dim} ${size}`)
                .join(', ')
            )}
          </li>
        )}
        {report.straddling > 0 && (
          <li>
            {trans.__(
              '%1 of the samples have target cells of several roles; each role counts its own.',
              formatShare(report.straddling)
            )}
          </li>
        )}
        {report.duplicates > 0 && (
          <li>
            {trans.__(
              '%1 of %2 test rows are equal to a train row.',
              formatNumber(report.duplicates),
              formatNumber(report.duplicates_among)
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
  const predicts = distances.some(hasPrediction);
  return (
    <table className="jp-mlkit-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('distance to train')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('test cells')}
          </th>
          {predicts && (
            <th scope="col" className="jp-mod-number">
              {trans.__('cells to predict')}
            </th>
          )}
        </tr>
      </thead>
      <tbody>
        {distances.map(found => (
          <tr key={found.axis}>
            <th scope="row">
              {found.axis === 'space'
                ? trans.__('in space, %1', unitWords(trans, found.unit))
                : trans.__('in time, %1', unitWords(trans, found.unit))}
            </th>
            <td className="jp-mod-number">
              <Spread
                trans={trans}
                quantiles={found.test}
                without={found.test_without}
              />
            </td>
            {predicts && (
              <td className="jp-mod-number">
                <Spread
                  trans={trans}
                  quantiles={found.prediction}
                  without={found.prediction_without}
                />
              </td>
            )}
          </tr>
        ))}
      </tbody>
      <caption className="jp-mlkit-dim">
        {trans.__(
          'Median, with the middle 90 % in brackets; in space to cells of the same date, in time to those of the same place.'
        )}
      </caption>
    </table>
  );
}

function hasPrediction(found: Report['distances'][number]): boolean {
  return found.prediction.length > 0 || found.prediction_without > 0;
}

/** Quantiles at 5, 25, 50, 75 and 95 % as `30 [10 … 50]`, and how many cells have none. */
function Spread(props: {
  trans: TranslationBundle;
  quantiles: readonly number[];
  without: number;
}): JSX.Element {
  const { trans, quantiles, without } = props;
  if (quantiles.length !== 5) {
    return <>{without > 0 ? trans.__('none in train') : '–'}</>;
  }
  const [low, , median, , high] = quantiles.map(value => formatNumber(value));
  return (
    <>
      {`${median} [${low} … ${high}] `}
      {without > 0 && (
        <div className="jp-mlkit-dim">
          {trans.__('%1 have none', formatShare(without))}
        </div>
      )}
    </>
  );
}

/** Units as a sentence has them. */
function unitWords(trans: TranslationBundle, unit: string): string {
  switch (unit) {
    case 'D':
      return trans.__('days');
    case 'deg':
      return trans.__('degrees');
    default:
      return unit;
  }
}

function verdictWords(
  trans: TranslationBundle,
  verdict: Report['verdict']
): string {
  switch (verdict) {
    case 'too easy':
      return trans.__('Too easy.');
    case 'too hard':
      return trans.__('Too hard.');
    case 'fits':
      return trans.__('Fits the use.');
    default:
      return trans.__('Unknown.');
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
  if (found.status === 'too few pairs') {
    return trans.__(
      '%1: too few pairs of cells to say how far it is alike %2.',
      field,
      where
    );
  }
  if (found.length === null) {
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
    formatNumber(found.length),
    unitWords(trans, found.unit),
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
