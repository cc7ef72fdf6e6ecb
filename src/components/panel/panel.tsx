/**
 * The sidebar: head, jobs, runs, cubes, models.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { runState } from '../shared/stateGlyph';
import type { IAnnounced } from './announcer';
import { Announcer } from './announcer';
import type { ICubesSectionProps } from './cubesSection';
import { CubesSection } from './cubesSection';
import type { IJobsSectionProps } from './jobsSection';
import { JobsSection } from './jobsSection';
import type { IModelsSectionProps } from './modelsSection';
import { ModelsSection } from './modelsSection';
import type { IPanelHeadProps } from './panelHead';
import { PanelHead } from './panelHead';
import type { IRunsSectionProps } from './runsSection';
import { RunsSection } from './runsSection';
import { Section } from './section';
import { ServerMissing } from './serverMissing';
import { ErrorBox } from '../shared/errorBox';

/** Parts of the panel that fold. */
export type SectionName = 'jobs' | 'runs' | 'cubes' | 'models';

/** Props of `Panel`. */
export interface IPanelProps {
  trans: TranslationBundle;
  /** Why the server part does not answer; null where it does. */
  serverError: IErrorInfo | null;
  onRetry: () => void;
  folded: readonly SectionName[];
  onFold: (section: SectionName, folded: boolean) => void;
  head: Omit<IPanelHeadProps, 'trans'>;
  jobs: Omit<IJobsSectionProps, 'trans'>;
  runs: Omit<IRunsSectionProps, 'trans'>;
  cubes: Omit<ICubesSectionProps, 'trans'>;
  models: Omit<IModelsSectionProps, 'trans'>;
}

/** The panel. */
export function Panel(props: IPanelProps): JSX.Element {
  const { trans, serverError, onRetry, folded, onFold } = props;
  const { head, jobs, runs, cubes, models } = props;
  const announced = React.useMemo(
    () => announcedOf(jobs, runs),
    [jobs.active, jobs.ended, runs.runs]
  );
  if (serverError?.code === 'server_missing') {
    return <ServerMissing trans={trans} onRetry={onRetry} />;
  }
  if (serverError) {
    return <ErrorBox trans={trans} error={serverError} onRetry={onRetry} />;
  }
  const section = (name: SectionName) => ({
    isOpen: !folded.includes(name),
    onToggle: (open: boolean) => onFold(name, !open)
  });
  return (
    <div className="jp-mlkit-panel">
      <PanelHead trans={trans} {...head} />
      <div className="jp-mlkit-sections">
        <Section
          title={trans.__('Jobs')}
          count={jobs.isLoaded ? jobs.active.length : null}
          {...section('jobs')}
        >
          <JobsSection trans={trans} {...jobs} />
        </Section>
        <Section
          title={trans.__('Runs')}
          count={
            runs.isLoaded
              ? `${runs.runs.length}${runs.hasMore ? '+' : ''}`
              : null
          }
          {...section('runs')}
        >
          <RunsSection trans={trans} {...runs} />
        </Section>
        <Section
          title={trans.__('Cubes')}
          count={cubes.cubes.length}
          {...section('cubes')}
        >
          <CubesSection trans={trans} {...cubes} />
        </Section>
        <Section
          title={trans.__('Models')}
          count={
            models.isLoaded
              ? `${models.models.length}${models.hasMore ? '+' : ''}`
              : null
          }
          {...section('models')}
        >
          <ModelsSection trans={trans} {...models} />
        </Section>
      </div>
      <Announcer trans={trans} items={announced} />
    </div>
  );
}

function announcedOf(
  jobs: IPanelProps['jobs'],
  runs: IPanelProps['runs']
): readonly IAnnounced[] {
  const ofJobs = [...jobs.active, ...jobs.ended].map(job => ({
    id: `job ${job.job_id}`,
    name: job.name,
    state: job.state
  }));
  // A run of a job is announced by its job.
  const ofRuns = runs.runs
    .filter(run => run.job_id === null)
    .map(run => ({
      id: `run ${run.run_id}`,
      name: run.run_name,
      state: runState(run)
    }));
  return [...ofJobs, ...ofRuns];
}
