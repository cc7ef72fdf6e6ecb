/**
 * The trainings of this server.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  caretDownIcon,
  caretRightIcon,
  refreshIcon,
  stopIcon,
  textEditorIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { Job } from '../../api/types';
import { EmptyView } from '../shared/emptyView';
import { ErrorBox } from '../shared/errorBox';
import { RelativeTime } from '../shared/relativeTime';
import { StateGlyph } from '../shared/stateGlyph';
import type { ILogTail } from './jobDetails';
import { JobDetails } from './jobDetails';
import { JobProgress } from './jobProgress';
import { RovingList } from './rovingList';
import { RowAction } from './rowAction';

const ENDED_SHOWN = 3;

/** Props of `JobsSection`. */
export interface IJobsSectionProps {
  trans: TranslationBundle;
  active: readonly Job[];
  /** The newest first. */
  ended: readonly Job[];
  isLoaded: boolean;
  error: IErrorInfo | null;
  isStopping: (jobId: string) => boolean;
  isMine: (job: Job) => boolean;
  /** The job whose details are unfolded. */
  detailed: string | null;
  /** The end of its output. */
  tail: ILogTail | null;
  onDetail: (jobId: string | null) => void;
  onOpenRun: (runId: string) => void;
  onOpenLog: (jobId: string) => void;
  onStop: (jobId: string) => void;
  /** Open the launch form with what this one was trained from. */
  onRerun: (jobId: string) => void;
  onTrain: () => void;
  onRetry: () => void;
}

/** Those that wait or run, then the last that ended. */
export function JobsSection(props: IJobsSectionProps): JSX.Element {
  const { trans, active, ended, isLoaded, error } = props;
  const [all, setAll] = React.useState(false);
  const shown = [...active, ...(all ? ended : ended.slice(0, ENDED_SHOWN))];
  if (error && !isLoaded) {
    return <ErrorBox trans={trans} error={error} onRetry={props.onRetry} />;
  }
  if (!isLoaded) {
    return <p className="jp-mlkit-loading">{trans.__('Loading…')}</p>;
  }
  if (shown.length === 0) {
    return (
      <EmptyView
        title={trans.__('Nothing is training.')}
        actions={[
          {
            label: trans.__('Train on a cube…'),
            onClick: props.onTrain,
            quiet: true
          }
        ]}
      />
    );
  }
  return (
    <>
      <RovingList
        label={trans.__('Trainings')}
        items={shown}
        keyOf={job => job.job_id}
        onOpen={job =>
          job.run_id ? props.onOpenRun(job.run_id) : props.onOpenLog(job.job_id)
        }
        render={job => <JobRow {...props} job={job} />}
        below={job =>
          job.job_id === props.detailed ? (
            <JobDetails {...props} job={job} />
          ) : null
        }
      />
      {!all && ended.length > ENDED_SHOWN && (
        <button
          type="button"
          className="jp-mlkit-link jp-mlkit-more"
          onClick={() => setAll(true)}
        >
          {trans.__('Show %1 older', ended.length - ENDED_SHOWN)}
        </button>
      )}
    </>
  );
}

function JobRow(props: IJobsSectionProps & { job: Job }): JSX.Element {
  const { trans, job } = props;
  const isAlive = job.ended === null;
  const isDetailed = job.job_id === props.detailed;
  const stopping = isAlive && props.isStopping(job.job_id);
  return (
    <>
      <span role="gridcell" className="jp-mlkit-cell-state">
        <StateGlyph trans={trans} state={job.state} />
      </span>
      <span
        role="gridcell"
        className="jp-mlkit-cell-name"
        title={`${job.name} (${job.experiment})`}
      >
        {job.name}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-detail">
        {stopping ? trans.__('stopping…') : <JobDetail {...props} job={job} />}
      </span>
      <span role="gridcell" className="jp-mlkit-cell-actions">
        {isAlive ? (
          <RowAction
            icon={stopIcon}
            label={trans.__('Stop %1', job.name)}
            disabled={stopping}
            onClick={() => props.onStop(job.job_id)}
          />
        ) : (
          <RowAction
            icon={refreshIcon}
            label={trans.__('Train %1 again…', job.name)}
            onClick={() => props.onRerun(job.job_id)}
          />
        )}
        <RowAction
          icon={textEditorIcon}
          label={trans.__('Log of %1', job.name)}
          onClick={() => props.onOpenLog(job.job_id)}
        />
        <RowAction
          icon={isDetailed ? caretDownIcon : caretRightIcon}
          label={trans.__('Details of %1', job.name)}
          expanded={isDetailed}
          onClick={() => props.onDetail(isDetailed ? null : job.job_id)}
        />
      </span>
    </>
  );
}

/** How far it is, what it waits for, or how it ended. */
function JobDetail(props: { trans: TranslationBundle; job: Job }): JSX.Element {
  const { trans, job } = props;
  if (job.state === 'QUEUED') {
    return (
      <>
        {job.queue_position && job.queue_position > 1
          ? trans._n(
              'queued, %1 before',
              'queued, %1 before',
              job.queue_position - 1
            )
          : trans.__('queued, next')}
      </>
    );
  }
  if (job.ended !== null) {
    return job.error ? (
      <span className="jp-mlkit-failure" title={job.error.message}>
        {job.error.message}
      </span>
    ) : (
      <span className="jp-mlkit-dim">
        <RelativeTime trans={trans} time={job.ended} />
      </span>
    );
  }
  return <JobProgress trans={trans} job={job} />;
}
