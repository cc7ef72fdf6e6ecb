/**
 * How far a training is, in a row and in words.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Fit, Job } from '../../api/types';
import { formatDuration, formatNumber, formatShare } from '../shared/format';
import { Elapsed } from './elapsed';

/** The bar, its share and what is left; where nobody knows, what is done and for how long. */
export function JobProgress(props: {
  trans: TranslationBundle;
  job: Job;
}): JSX.Element {
  const { trans, job } = props;
  const words = progressWords(trans, job);
  const left = leftOf(trans, job);
  return (
    <>
      <span className="jp-mlkit-progress" title={words}>
        <progress
          max={1}
          value={job.progress ?? undefined}
          aria-label={words || trans.__('Progress')}
        />
        {job.progress === null ? (
          <span className="jp-mlkit-phase">{job.phase}</span>
        ) : (
          <span>{formatShare(job.progress)}</span>
        )}
      </span>
      {left ? (
        <span className="jp-mlkit-left" title={trans.__('%1 left', left)}>
          {left}
          <span className="jp-mlkit-srOnly"> {trans.__('left')}</span>
        </span>
      ) : (
        job.started !== null && <Elapsed since={job.started} />
      )}
    </>
  );
}

/** Phase and place in the fit, such as `fitting · epoch 3 of 10 · batch 12 of 391`. */
export function progressWords(trans: TranslationBundle, job: Job): string {
  return [job.phase, fitWords(trans, job.fit)].filter(Boolean).join(' · ');
}

/** The newest point of each curve, such as `val_rmse 2.31`. */
export function newestPoints(fit: Fit | null): string {
  return Object.entries(fit?.metrics ?? {})
    .map(([key, value]) => `${key} ${formatNumber(value)}`)
    .join(' · ');
}

/** How long the fit will take, to its largest unit and the next; empty outside of the fit. */
export function leftOf(trans: TranslationBundle, job: Job): string {
  const seconds = job.fit?.eta_seconds ?? null;
  if (seconds === null || job.progress === null || job.progress === 1) {
    return '';
  }
  return seconds < 1 ? trans.__('a moment') : formatDuration(seconds * 1000);
}

function fitWords(trans: TranslationBundle, fit: Fit | null): string {
  if (!fit) {
    return '';
  }
  const { unit, done, total, step, steps } = fit;
  const place =
    unit === 'epoch'
      ? total === null
        ? trans.__('epoch %1', done)
        : trans.__('epoch %1 of %2', done, total)
      : total === null
        ? trans.__('member %1', done)
        : trans.__('member %1 of %2', done, total);
  const batch =
    step === null
      ? ''
      : steps === null
        ? trans.__('batch %1', step)
        : trans.__('batch %1 of %2', step, steps);
  return [place, batch].filter(Boolean).join(' · ');
}
