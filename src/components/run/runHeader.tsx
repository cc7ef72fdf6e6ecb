/**
 * Name, state and leading score of a run, and what can be done with it.
 */
import * as React from 'react';

import { bestBaseline } from '../shared/baseline';
import { EditableText } from '../shared/editableText';
import { EvaluationChip } from '../shared/evaluationChip';
import { formatDuration, formatNumber, formatShare } from '../shared/format';
import { primaryMetric } from '../shared/primaryMetric';
import { RelativeTime } from '../shared/relativeTime';
import { StateGlyph, runState } from '../shared/stateGlyph';
import { WaitingBadge, waitingReason } from '../shared/waiting';
import type { Run } from '../../api/types';
import type { IRunViewProps } from './types';

type Props = IRunViewProps & { run: Run };

/** Head of the run view. */
export function RunHeader(props: Props): JSX.Element {
  const { trans, run } = props;
  return (
    <header className="jp-mlkit-run-header">
      <h1 className="jp-mlkit-run-name">
        <EditableText
          trans={trans}
          value={run.run_name}
          label={trans.__('name')}
          onSave={props.edits.rename}
          locked={run.waiting ? waitingReason(trans) : undefined}
          maxLength={250}
          required
        />
      </h1>
      <div className="jp-mlkit-run-facts" aria-live="polite">
        <StateGlyph trans={trans} state={runState(run)} withWord />
        {run.waiting && <WaitingBadge trans={trans} />}
        <Times {...props} />
        <EvaluationChip trans={trans} evaluation={run.evaluation} />
        <Score {...props} />
      </div>
      <Actions {...props} />
    </header>
  );
}

function Times({ trans, run, now }: Props): JSX.Element | null {
  if (run.start_time === null) {
    return null;
  }
  const end = run.end_time;
  const duration = (end ?? now ?? Date.now()) - run.start_time;
  return (
    <span className="jp-mlkit-run-times">
      {end !== null && <RelativeTime trans={trans} time={end} />}
      {end === null && (
        <>
          {trans.__('started')}{' '}
          <RelativeTime trans={trans} time={run.start_time} />
        </>
      )}
      {', '}
      {formatDuration(duration)}
    </span>
  );
}

function Score({ trans, run }: Props): JSX.Element | null {
  const metric = primaryMetric(run);
  if (!metric || metric.value === null) {
    return null;
  }
  const baseline = bestBaseline(run);
  return (
    <span className="jp-mlkit-run-score">
      <span className="jp-mlkit-dim">{metric.role || metric.name}</span>{' '}
      <strong title={metric.key}>
        {formatNumber(metric.value)} {metric.units}
      </strong>
      {run.gain !== null && (
        <span
          title={trans.__('Error against the best baseline, on validation')}
        >
          {' '}
          {gainInWords(trans, run.gain, baseline?.name)}
        </span>
      )}
    </span>
  );
}

/** Shares below this are noise of the last digits. */
const NOTHING = 0.0005;

function gainInWords(
  trans: Props['trans'],
  gain: number,
  baseline: string | undefined
): string {
  const name = baseline ?? trans.__('best baseline');
  return Math.abs(gain) < NOTHING
    ? trans.__('(as good as %1)', name)
    : trans.__('(%1 vs %2)', signedShare(-gain), name);
}

function signedShare(share: number): string {
  return share > 0 ? `+${formatShare(share)}` : formatShare(share);
}

function Actions(props: Props): JSX.Element {
  const { trans, run } = props;
  const button = (label: string, onClick: (() => void) | undefined) =>
    onClick && (
      <button type="button" className="jp-mlkit-button" onClick={onClick}>
        {label}
      </button>
    );
  return (
    <div
      className="jp-mlkit-run-actions"
      role="group"
      aria-label={trans.__('Actions')}
    >
      {button(trans.__('Compare with…'), props.onCompare)}
      {button(trans.__('Register…'), props.onRegister)}
      {button(trans.__('Re-launch…'), props.onRelaunch)}
      {button(
        trans.__('Insert code'),
        run.models.length > 0
          ? () => props.onInsertCode('load-model')
          : () => props.onInsertCode('open-run')
      )}
      {button(trans.__('Open the notebook as it was'), props.onOpenNotebook)}
      {button(trans.__('MLflow UI'), props.onOpenMlflow)}
      {run.status === 'RUNNING' && button(trans.__('Stop'), props.onStop)}
    </div>
  );
}
