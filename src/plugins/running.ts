/**
 * Our part of the list of what runs.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { IRunningSessions } from '@jupyterlab/running';
import { IRunningSessionManagers } from '@jupyterlab/running';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { stopIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';

import { toMLKitError } from '../api/errors';
import { CommandIDs } from '../commands';
import { formatShare } from '../components/shared/format';
import { stateWord } from '../components/shared/stateGlyph';
import { mlkitIcon } from '../icons';
import { IChildrenModel, IJobsModel } from '../tokens';

/** Lists trainings and programs among what runs. */
export const running: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlkit:running',
  description: 'Lists trainings and programs in the panel of what runs.',
  autoStart: true,
  requires: [IJobsModel, IChildrenModel],
  optional: [IRunningSessionManagers, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobsModel,
    children: IChildrenModel,
    managers: IRunningSessionManagers | null,
    translator: ITranslator | null
  ): void => {
    if (!managers) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    managers.add(trainings(jobs, app.commands, trans));
    managers.add(programs(children, app.commands, trans));
    // The list asks only when it is told to.
    void app.restored.then(() => children.refresh({ background: true }));
  }
};

/** One's own trainings that wait or run: those of others are in the panel. */
export function trainings(
  jobs: Pick<
    IJobsModel,
    'active' | 'isMine' | 'stateChanged' | 'refresh' | 'stop' | 'isStopping'
  >,
  commands: CommandRegistry,
  trans: TranslationBundle
): IRunningSessions.IManager {
  const own = () => jobs.active.filter(job => jobs.isMine(job));
  return {
    name: trans.__('Trainings'),
    running: () =>
      own().map(job => ({
        label: () => job.name,
        labelTitle: () =>
          [job.experiment, job.phase].filter(Boolean).join(' · '),
        detail: () =>
          jobs.isStopping(job.job_id)
            ? trans.__('stopping…')
            : job.progress === null
              ? stateWord(trans, job.state)
              : formatShare(job.progress),
        icon: () => mlkitIcon,
        open: () => {
          void (job.run_id
            ? commands.execute(CommandIDs.openRun, { runId: job.run_id })
            : commands.execute(CommandIDs.openJobLog, { jobId: job.job_id }));
        },
        shutdown: () => {
          if (!jobs.isStopping(job.job_id)) {
            void tried(jobs.stop(job.job_id));
          }
        }
      })),
    shutdownAll: () => {
      for (const job of own()) {
        void tried(jobs.stop(job.job_id));
      }
    },
    refreshRunning: () => void jobs.refresh({ background: true }),
    runningChanged: jobs.stateChanged,
    shutdownLabel: trans.__('Stop Training'),
    shutdownAllLabel: trans.__('Stop All Trainings'),
    shutdownAllConfirmationText: trans.__(
      'Are you sure you want to stop all trainings? Their runs are kept as stopped.'
    ),
    shutdownItemIcon: stopIcon
  };
}

/** Programs with a page of their own. */
export function programs(
  children: Pick<
    IChildrenModel,
    'children' | 'stateChanged' | 'refresh' | 'stop'
  >,
  commands: CommandRegistry,
  trans: TranslationBundle
): IRunningSessions.IManager {
  return {
    name: trans.__('ML Programs'),
    running: () =>
      children.children.map(child => ({
        label: () => child.title,
        icon: () => mlkitIcon,
        open: () => void commands.execute(CommandIDs.openMlflowUi),
        shutdown: () => void tried(children.stop(child.child_id))
      })),
    shutdownAll: () => {
      for (const child of children.children) {
        void tried(children.stop(child.child_id));
      }
    },
    refreshRunning: () => void children.refresh({ background: true }),
    runningChanged: children.stateChanged,
    shutdownLabel: trans.__('Stop Program'),
    shutdownAllLabel: trans.__('Stop All Programs'),
    shutdownAllConfirmationText: trans.__(
      'Are you sure you want to stop all programs? Nothing that they show is lost.'
    ),
    shutdownItemIcon: stopIcon
  };
}

/** Nothing a click starts fails in silence. */
async function tried(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (reason) {
    Notification.error(toMLKitError(reason).message);
  }
}
