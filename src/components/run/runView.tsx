/**
 * One run: what it achieved, how it went, what it wrote, on which data.
 */
import * as React from 'react';

import { ErrorBox } from '../shared/errorBox';
import { Tabs } from '../shared/tabs';
import { waitingReason } from '../shared/waiting';
import { ArtifactsTab } from './artifactsTab';
import { ChartsTab } from './chartsTab';
import { DataTab } from './dataTab';
import { LogTab } from './logTab';
import { OverviewTab } from './overviewTab';
import { RunHeader } from './runHeader';
import type { IRunViewProps, RunTab } from './types';

/** The main-area view of a run. */
export function RunView(props: IRunViewProps): JSX.Element {
  const { trans, run, error, onRetry, onTab } = props;
  const [tab, setTab] = React.useState<RunTab>(props.initialTab ?? 'overview');
  const tell = React.useRef(onTab);
  tell.current = onTab;
  React.useEffect(() => {
    tell.current?.(tab);
  }, [tab]);

  if (!run) {
    return (
      <div className="jp-mlkit-view">
        {error ? (
          <ErrorBox trans={trans} error={error} onRetry={onRetry} />
        ) : (
          <p role="status">{trans.__('Loading run…')}</p>
        )}
      </div>
    );
  }
  return (
    <div className="jp-mlkit-view jp-mlkit-run">
      {error && <ErrorBox trans={trans} error={error} onRetry={onRetry} />}
      {run.lifecycle_stage === 'deleted' && (
        <p className="jp-mlkit-hint" role="status">
          {trans.__('This run is deleted; it can be restored from the panel.')}
        </p>
      )}
      {run.waiting && (
        <p className="jp-mlkit-hint" role="status">
          {trans.__(
            'This run is in the journal on disk only, because its store could not be reached. It is sent as soon as the store answers; it can be renamed, tagged and deleted then, and its files are shown.'
          )}
        </p>
      )}
      <RunHeader {...props} run={run} />
      <Tabs<RunTab>
        label={trans.__('Parts of the run')}
        selected={tab}
        onSelect={setTab}
        tabs={[
          {
            key: 'overview',
            label: trans.__('Overview'),
            render: () => <OverviewTab {...props} run={run} />
          },
          {
            key: 'charts',
            label: trans.__('Charts'),
            render: () => <ChartsTab {...props} run={run} />
          },
          {
            key: 'artifacts',
            label: trans.__('Artifacts'),
            render: () =>
              run.waiting ? (
                <p className="jp-mlkit-dim">{waitingReason(trans)}</p>
              ) : (
                <ArtifactsTab
                  trans={trans}
                  artifacts={props.artifacts}
                  runId={run.run_id}
                />
              )
          },
          {
            key: 'data',
            label: trans.__('Data'),
            render: () => <DataTab {...props} run={run} />
          },
          {
            key: 'log',
            label: trans.__('Log'),
            render: () => (
              <LogTab {...props} hasJob={run.job_id !== null || !!props.job} />
            )
          }
        ]}
      />
    </div>
  );
}
