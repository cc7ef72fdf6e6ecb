/**
 * Runs as columns; what differs is marked by weight and a sign, the best score by a word.
 */
import * as React from 'react';

import type { Comparison, Difference } from '../../api/types';
import { EvaluationChip } from '../shared/evaluationChip';
import { formatNumber } from '../shared/format';
import { bestOf, metricUnits } from '../shared/metricSense';
import { splitKey } from '../shared/primaryMetric';
import { StateGlyph, runState } from '../shared/stateGlyph';
import type { ICompareViewProps } from './types';

type Props = Pick<ICompareViewProps, 'trans' | 'onOpenRun' | 'onRemoveRun'> & {
  comparison: Comparison;
  onlyDifferences: boolean;
};

const GROUPS = ['data', 'params', 'metrics', 'tags'] as const;

/** The table of all differences. */
export function DifferenceTable(props: Props): JSX.Element {
  const { trans, comparison, onlyDifferences } = props;
  const titles: Record<Difference['group'], string> = {
    data: trans.__('Data'),
    params: trans.__('Parameters'),
    metrics: trans.__('Metrics'),
    tags: trans.__('Tags')
  };
  const shown = comparison.differences.filter(
    line => line.differs || !onlyDifferences
  );
  const columns = comparison.runs.length + 1;
  return (
    <div className="jp-mlkit-compare-scroll" tabIndex={0}>
      <table className="jp-mlkit-table jp-mlkit-compare-table">
        <Head {...props} />
        {GROUPS.map(group => {
          const lines = shown.filter(line => line.group === group);
          return (
            lines.length > 0 && (
              <tbody key={group}>
                <tr className="jp-mlkit-compare-group">
                  <th scope="rowgroup" colSpan={columns}>
                    {titles[group]}
                  </th>
                </tr>
                {lines.map(line => (
                  <Line key={line.key} {...props} line={line} />
                ))}
              </tbody>
            )
          );
        })}
      </table>
      {shown.length === 0 && (
        <p className="jp-mlkit-dim">
          {onlyDifferences
            ? trans.__('These runs do not differ.')
            : trans.__('These runs have logged nothing.')}
        </p>
      )}
    </div>
  );
}

function Head(props: Props): JSX.Element {
  const { trans, comparison, onOpenRun, onRemoveRun } = props;
  // A comparison of one run is none.
  const canRemove = comparison.runs.length > 2;
  return (
    <thead>
      <tr className="jp-mlkit-compare-head">
        <td />
        {comparison.runs.map(run => (
          <th key={run.run_id} scope="col">
            <span className="jp-mlkit-compare-run">
              <StateGlyph trans={trans} state={runState(run)} />
              <button
                type="button"
                className="jp-mlkit-link"
                title={trans.__('Open run %1', run.run_name)}
                onClick={() => onOpenRun(run.run_id)}
              >
                {run.run_name}
              </button>
              <EvaluationChip trans={trans} evaluation={run.evaluation} />
              {canRemove && (
                <button
                  type="button"
                  className="jp-mlkit-iconButton"
                  aria-label={trans.__('Remove %1', run.run_name)}
                  title={trans.__('Remove %1', run.run_name)}
                  onClick={() => onRemoveRun(run.run_id)}
                >
                  <span aria-hidden="true">✕</span>
                </button>
              )}
            </span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Line(props: Props & { line: Difference }): JSX.Element {
  const { trans, comparison, line } = props;
  const values =
    line.group === 'metrics'
      ? line.values.map(text => (text === null ? null : Number(text)))
      : [];
  // Only scores on the same cells have a best, and only validation chooses: the test score is
  // looked at once, and a train score is no merit.
  const isChoice = !['train', 'test'].includes(splitKey(line.key).role ?? '');
  const best =
    line.group === 'metrics' && isChoice && comparison.verdict === 'comparable'
      ? bestOf(line.key, values)
      : [];
  const units = metricUnits(line.key, sharedUnits(comparison));
  return (
    <tr className={line.differs ? 'jp-mod-differs' : ''}>
      <th scope="row">
        <span
          className="jp-mlkit-compare-sign"
          role={line.differs ? 'img' : undefined}
          aria-label={line.differs ? trans.__('differs') : undefined}
        >
          {line.differs ? '≠' : ''}
        </span>
        {line.key}
        {line.group === 'metrics' && units && (
          <span className="jp-mlkit-dim"> {units}</span>
        )}
      </th>
      {line.values.map((value, i) => (
        <td key={comparison.runs[i]?.run_id ?? i} title={value ?? undefined}>
          {value === null ? (
            <span className="jp-mlkit-dim">{trans.__('none')}</span>
          ) : line.group === 'metrics' ? (
            metricText(value)
          ) : (
            value
          )}
          {best.includes(i) && (
            <span className="jp-mlkit-badge">{trans.__('best')}</span>
          )}
        </td>
      ))}
    </tr>
  );
}

/** The server sends metrics as text; what is no number stays as it is. */
function metricText(value: string): string {
  const number = Number(value);
  return Number.isFinite(number) && value.trim() !== ''
    ? formatNumber(number, 4)
    : value;
}

function sharedUnits(comparison: Comparison): string | null {
  const [first, ...rest] = comparison.runs.map(run => run.units);
  return rest.every(units => units === first) ? first : null;
}
