/**
 * A run in the list.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Run, WireFloat } from '../../api/types';
import { EvaluationChip } from '../shared/evaluationChip';
import { formatNumber, formatShare } from '../shared/format';
import { primaryMetric, splitKey } from '../shared/primaryMetric';
import { Sparkline } from '../shared/sparkline';
import { StateGlyph, runState } from '../shared/stateGlyph';
import { WaitingBadge } from '../shared/waiting';

/** Props of `RunRow`. */
export interface IRunRowProps {
  trans: TranslationBundle;
  run: Run;
  curve: readonly number[];
  columns: readonly string[];
  isChosen: boolean;
  onChoose: () => void;
}

/** State, name, leading metric, curve and chip. */
export function RunRow(props: IRunRowProps): JSX.Element {
  const { trans, run, curve, columns, isChosen } = props;
  const metric = primaryMetric(run);
  return (
    <>
      {/* Just beside the box is meant for the box. */}
      <span
        role="gridcell"
        className="jp-mlkit-cell-check"
        onClick={event => {
          event.stopPropagation();
          if (event.target === event.currentTarget) {
            props.onChoose();
          }
        }}
      >
        <input
          type="checkbox"
          tabIndex={-1}
          checked={isChosen}
          aria-label={trans.__('Choose %1', run.run_name)}
          onChange={props.onChoose}
        />
      </span>
      <span role="gridcell" className="jp-mlkit-cell-state">
        <StateGlyph trans={trans} state={runState(run)} withWord={run.lost} />
      </span>
      <span
        role="gridcell"
        className="jp-mlkit-cell-name"
        title={runTitle(trans, run)}
      >
        {run.run_name}
      </span>
      {run.waiting && (
        <span role="gridcell" className="jp-mlkit-cell-waiting">
          <WaitingBadge trans={trans} />
        </span>
      )}
      <span role="gridcell" className="jp-mlkit-cell-metric">
        {metric && metric.value !== null && (
          <span title={metricTitle(trans, run, metric.key)}>
            {metric.role && <abbr>{metric.role}</abbr>}{' '}
            <span className="jp-mlkit-number">
              {formatNumber(metric.value)}
            </span>{' '}
            {metric.units && (
              <span className="jp-mlkit-units">{metric.units}</span>
            )}
          </span>
        )}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-curve">
        <Sparkline
          values={curve}
          label={trans.__('Course of %1', metric?.key ?? '')}
        />
      </span>
      <span role="gridcell" className="jp-mlkit-cell-chip">
        <EvaluationChip trans={trans} evaluation={run.evaluation} />
      </span>
      {columns.length > 0 && (
        <span role="gridcell" className="jp-mlkit-cell-extra">
          {columns.map(column => (
            <Extra key={column} run={run} column={column} />
          ))}
        </span>
      )}
    </>
  );
}

/** One more metric or param, with its name. */
function Extra(props: { run: Run; column: string }): JSX.Element | null {
  const { run, column } = props;
  const dot = column.indexOf('.');
  const group = column.slice(0, dot);
  const key = column.slice(dot + 1);
  let value: string | undefined;
  if (group === 'metrics') {
    const metric = run.metrics.find(candidate => candidate.key === key);
    value = metric ? formatNumber(metric.value as WireFloat) : undefined;
  } else {
    value = run.params[key];
  }
  if (value === undefined) {
    return null;
  }
  return (
    <span className="jp-mlkit-extra" title={`${key} = ${value}`}>
      <span className="jp-mlkit-dim">{splitKey(key).name}</span> {value}
    </span>
  );
}

function runTitle(trans: TranslationBundle, run: Run): string {
  const started =
    run.start_time === null ? '–' : new Date(run.start_time).toLocaleString();
  const lines = [run.run_name, trans.__('Started %1', started)];
  if (run.owner) {
    lines.push(trans.__('By %1', run.owner));
  }
  return lines.join('\n');
}

function metricTitle(trans: TranslationBundle, run: Run, key: string): string {
  return run.gain === null
    ? key
    : trans.__(
        '%1, gain over the best baseline %2',
        key,
        formatShare(run.gain)
      );
}
