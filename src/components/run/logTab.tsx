/**
 * Output of the run's job, followed while it runs.
 */
import * as React from 'react';

import { ErrorBox } from '../shared/errorBox';
import type { ILogText, IRunViewProps } from './types';

/** Log tab of the run view. */
export function LogTab(
  props: Pick<IRunViewProps, 'trans' | 'job' | 'log' | 'onFollowLog'> & {
    hasJob: boolean;
  }
): JSX.Element {
  const { trans, job, log, hasJob, onFollowLog } = props;
  const [frozen, setFrozen] = React.useState<ILogText | null>(null);
  const area = React.useRef<HTMLPreElement>(null);
  const shown = frozen ?? log;

  React.useLayoutEffect(() => {
    if (!frozen && area.current) {
      area.current.scrollTop = area.current.scrollHeight;
    }
  }, [frozen, shown?.text]);

  if (!hasJob) {
    return (
      <p className="jp-mlkit-dim">
        {trans.__(
          'This run was not started as a job here, so there is no output: it was logged by a notebook or a script.'
        )}
      </p>
    );
  }
  const pause = (paused: boolean) => {
    setFrozen(paused ? log : null);
    onFollowLog?.(!paused);
  };
  return (
    <div className="jp-mlkit-log">
      {job?.error && <ErrorBox trans={trans} error={job.error} />}
      {shown?.error && <ErrorBox trans={trans} error={shown.error} />}
      <div className="jp-mlkit-log-head">
        <span role="status">
          {!shown
            ? trans.__('Loading output…')
            : shown.complete
              ? trans.__('The job has ended; this is all of its output.')
              : frozen
                ? trans.__('Paused.')
                : trans.__('Following the output.')}
        </span>
        {shown && !shown.complete && (
          <button
            type="button"
            className="jp-mlkit-button"
            onClick={() => pause(frozen === null)}
          >
            {frozen ? trans.__('Follow') : trans.__('Pause')}
          </button>
        )}
      </div>
      {shown?.truncated && (
        <p className="jp-mlkit-dim">
          {trans.__('The beginning is left out: the output is long.')}
        </p>
      )}
      {shown && (
        <pre
          ref={area}
          className="jp-mlkit-text"
          tabIndex={0}
          aria-label={trans.__('Output of the job')}
        >
          {shown.text || trans.__('No output yet.')}
        </pre>
      )}
    </div>
  );
}
