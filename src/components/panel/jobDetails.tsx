/**
 * What is to be said of one training, below its row: where it is, what it writes, what to do.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { Job } from '../../api/types';
import { formatBytes, formatDuration } from '../shared/format';
import { ErrorBox } from '../shared/errorBox';
import { Elapsed } from './elapsed';
import { leftOf, newestPoints, progressWords } from './jobProgress';

/** The end of the output as far as it has been read. */
export interface ILogTail {
  readonly text: string;
  readonly complete: boolean;
  readonly error: IErrorInfo | null;
}

/** Props of `JobDetails`. */
export interface IJobDetailsProps {
  trans: TranslationBundle;
  job: Job;
  tail: ILogTail | null;
  isMine: (job: Job) => boolean;
  onOpenRun: (runId: string) => void;
  onOpenLog: (jobId: string) => void;
  onRerun: (jobId: string) => void;
}

/** Lines of output that are shown. */
const LINES = 8;

/** The details. */
export function JobDetails(props: IJobDetailsProps): JSX.Element {
  const { trans, job, tail } = props;
  const { run_id: runId, job_id: jobId } = job;
  const box = React.useRef<HTMLPreElement>(null);
  const text = lastLines(tail?.text ?? '');
  const follows = React.useRef(true);
  // After every change: what came while the panel was hidden could not be scrolled to.
  React.useLayoutEffect(() => {
    if (box.current && follows.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  });
  const onScroll = () => {
    const node = box.current;
    follows.current =
      !node || node.scrollHeight - node.scrollTop - node.clientHeight < 12;
  };
  const button = (label: string, onClick: () => void) => (
    <button type="button" className="jp-mlkit-link" onClick={onClick}>
      {label}
    </button>
  );
  return (
    <div
      className="jp-mlkit-jobDetails"
      role="group"
      aria-label={trans.__('Details of %1', job.name)}
    >
      {job.error && <ErrorBox trans={trans} error={job.error} />}
      {factsOf(trans, job).map(fact => (
        <p key={fact}>{fact}</p>
      ))}
      {job.ended === null && job.started !== null && (
        <p>
          {trans.__('Running for')} <Elapsed since={job.started} />
        </p>
      )}
      {job.user !== null && !props.isMine(job) && (
        <p>{trans.__('Started by %1', job.user)}</p>
      )}
      {tail?.error && <ErrorBox trans={trans} error={tail.error} />}
      <pre
        ref={box}
        className="jp-mlkit-jobDetails-log"
        tabIndex={0}
        aria-label={trans.__('End of the output of %1', job.name)}
        onScroll={onScroll}
      >
        {text ||
          (tail?.complete
            ? trans.__('This training wrote nothing.')
            : trans.__('Waiting for output…'))}
      </pre>
      <p className="jp-mlkit-jobDetails-actions">
        {runId !== null &&
          button(trans.__('Open run'), () => props.onOpenRun(runId))}
        {button(trans.__('Whole log'), () => props.onOpenLog(jobId))}
        {button(trans.__('Train again…'), () => props.onRerun(jobId))}
      </p>
    </div>
  );
}

function factsOf(trans: TranslationBundle, job: Job): string[] {
  const left = leftOf(trans, job);
  const alive = job.ended === null;
  const facts = alive
    ? [
        progressWords(trans, job),
        left && trans.__('About %1 left', left),
        newestPoints(job.fit)
      ]
    : [usageWords(trans, job)];
  if (job.attempt > 1) {
    facts.push(
      trans.__(
        'Attempt %1 of %2',
        job.attempt,
        Math.max(job.retries + 1, job.attempt)
      )
    );
  }
  return facts.filter(Boolean);
}

function usageWords(trans: TranslationBundle, job: Job): string {
  const { usage } = job;
  return usage
    ? trans.__(
        'Took %1, %2 of CPU, at most %3 of memory',
        formatDuration(usage.wall_seconds * 1000),
        formatDuration(usage.cpu_seconds * 1000),
        formatBytes(usage.peak_memory)
      )
    : '';
}

/** The last lines; a line that was written over with `\r` counts as it ended. */
function lastLines(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .slice(-LINES)
    .map(line => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n');
}
