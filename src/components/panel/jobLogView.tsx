/**
 * What a job has written, and how it stands.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { Job } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { StateGlyph } from '../shared/stateGlyph';

/** Props of `JobLogView`. */
export interface IJobLogViewProps {
  trans: TranslationBundle;
  job: Job | null;
  log: {
    readonly text: string;
    readonly truncated: boolean;
    readonly complete: boolean;
    readonly error: IErrorInfo | null;
  };
  error: IErrorInfo | null;
}

/** The output; it stays at its end while the reader does. */
export function JobLogView(props: IJobLogViewProps): JSX.Element {
  const { trans, job, log, error } = props;
  const box = React.useRef<HTMLPreElement>(null);
  const follows = React.useRef(true);
  React.useEffect(() => {
    if (box.current && follows.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [log.text]);
  const onScroll = () => {
    const node = box.current;
    follows.current =
      !node || node.scrollHeight - node.scrollTop - node.clientHeight < 24;
  };
  const failure = job?.error ?? error ?? log.error;
  return (
    <div className="jp-mlkit-jobLog">
      <header className="jp-mlkit-jobLog-head">
        {job && <StateGlyph trans={trans} state={job.state} withWord />}
        <span>{job?.name}</span>
        <span className="jp-mlkit-dim">{job?.phase}</span>
      </header>
      {failure && <ErrorBox trans={trans} error={failure} />}
      {log.truncated && (
        <p className="jp-mlkit-dim">
          {trans.__('The beginning of this output was left out: it is long.')}
        </p>
      )}
      <pre
        ref={box}
        className="jp-mlkit-jobLog-text"
        tabIndex={0}
        aria-label={trans.__('Output of the training')}
        onScroll={onScroll}
      >
        {log.text ||
          (log.complete
            ? trans.__('This training wrote nothing.')
            : trans.__('Waiting for output…'))}
      </pre>
    </div>
  );
}
