/**
 * Training jobs: stop one, read its output, hear of its end.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import { toMLKitError } from '../api/errors';
import type { Job } from '../api/types';
import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
import { attend } from '../model/attendance';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { JobsModel } from '../model/jobs';
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
    app.commands.addCommand(CommandIDs.rerunJob, {
      label: trans.__('Train Again with Changes…'),
      caption: trans.__('Open the launch form with what this was trained from'),
      describedBy: describedBy.job,
      execute: async args => {
        const { jobId } = args as unknown as CommandArguments.IJob;
        try {
          const { spec } = await client.job(jobId);
          await app.commands.execute(CommandIDs.launchTraining, {
            spec: spec as ReadonlyJSONObject,
            id: `again-${jobId}`,
            rerunOf: jobId
          });
        } catch (reason) {
          Notification.error(toMLKitError(reason).message);
        }
      }
    });
    const tell = async (job: Job) => {
      if (model.isMine(job)) {
        const { tellOfEnd } = await import('./jobNotices');
        await tellOfEnd(job, { client, commands: app.commands, trans });
      }
    };
    model.ended.connect((_, job) => void tell(job), model);
    attend(model);
    // Jobs outlive the page: some may be running since an earlier one.
    void app.restored.then(() => model.refresh({ background: true }));
    return model;
  }
};
