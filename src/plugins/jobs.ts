/**
 * Training jobs: stop one, read its output, hear of its end.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { toMLKitError } from '../api/errors';
import type { Job } from '../api/types';
import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
import { formatNumber } from '../components/shared/format';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { JobsModel } from '../model/jobs';
import { primaryMetric } from '../model/primaryMetric';
import { IChanges, IJobsModel, IMLKitClient } from '../tokens';
import { MainArea } from './mainArea';
import type { JobLogContent } from './views/jobLog';

/** Provides the jobs. */
export const jobs: JupyterFrontEndPlugin<IJobsModel> = {
  id: 'jupyter-mlkit:jobs',
  description: 'Provides the training jobs and the commands that act on them.',
  autoStart: true,
  requires: [IMLKitClient, IChanges],
  optional: [ITranslator, ILabShell, ILayoutRestorer],
  provides: IJobsModel,
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    changes: IChanges,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): IJobsModel => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    const model = new JobsModel({ client, changes });
    const area = new MainArea<JobLogContent>({
      app,
      labShell,
      restorer,
      namespace: 'jupyter-mlkit-job-log',
      command: CommandIDs.openJobLog
    });

    app.commands.addCommand(CommandIDs.stopJob, {
      label: trans.__('Stop Training'),
      caption: trans.__('End a training; its run is kept as stopped'),
      describedBy: describedBy.job,
      execute: async args => {
        const { jobId } = args as unknown as CommandArguments.IJob;
        try {
          await model.stop(jobId);
        } catch (reason) {
          Notification.error(toMLKitError(reason).message);
        }
      }
    });
    app.commands.addCommand(CommandIDs.openJobLog, {
      label: trans.__('Open Training Log'),
      caption: trans.__('Show what a training has written so far'),
      describedBy: describedBy.job,
      execute: args => {
        const { jobId } = args as unknown as CommandArguments.IJob;
        return area.open(jobId, async () => {
          const { createJobLog } = await import('./views/jobLog');
          return createJobLog({ client, changes, jobId, trans });
        });
      }
    });
    model.ended.connect((_, job) => {
      void tell(job, { client, commands: app.commands, trans });
    }, model);
    return model;
  }
};

/** Tell of a job's end, with the next step at hand. */
async function tell(
  job: Job,
  how: {
    client: IMLKitClient;
    commands: CommandRegistry;
    trans: TranslationBundle;
  }
): Promise<void> {
  const { client, commands, trans } = how;
  const openRun: Notification.IAction = {
    label: trans.__('Open run'),
    callback: () => {
      void commands.execute(CommandIDs.openRun, { runId: job.run_id });
    }
  };
  const openLog: Notification.IAction = {
    label: trans.__('Open log'),
    callback: () => {
      void commands.execute(CommandIDs.openJobLog, { jobId: job.job_id });
    }
  };
  if (job.state === 'DONE') {
    const score = job.run_id ? await scoreOf(job.run_id, client) : '';
    Notification.success(
      score
        ? trans.__('%1 has finished: %2', job.name, score)
        : trans.__('%1 has finished.', job.name),
      { actions: job.run_id ? [openRun] : [], autoClose: 8000 }
    );
  } else if (job.state === 'FAILED' || job.state === 'LOST') {
    const why = job.error?.message;
    Notification.error(
      why
        ? trans.__('%1 has failed: %2', job.name, why)
        : trans.__('%1 has failed.', job.name),
      { actions: [openLog], autoClose: false }
    );
  }
}

/** The leading score, such as `val 2.30 K`; empty where the run cannot be read. */
async function scoreOf(runId: string, client: IMLKitClient): Promise<string> {
  try {
    const metric = primaryMetric(await client.run(runId));
    return metric && metric.value !== null
      ? [metric.role || metric.name, formatNumber(metric.value), metric.units]
          .filter(Boolean)
          .join(' ')
      : '';
  } catch {
    // The news is that the job has ended; the score is in the list, or the list says why not.
    return '';
  }
}
