/**
 * Telling of the end of a training, once, to who has started it.
 */
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Job } from '../api/types';
import { CommandIDs } from '../commands';
import { formatNumber } from '../components/shared/format';
import { primaryMetric } from '../model/primaryMetric';
import type { IMLKitClient } from '../tokens';

/** What telling takes. */
export interface ITelling {
  client: Pick<IMLKitClient, 'run'>;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** Tell of a job's end, with the next step at hand. */
export async function tellOfEnd(job: Job, how: ITelling): Promise<void> {
  const { client, commands, trans } = how;
  const { run_id: runId, job_id: jobId, name } = job;
  const openRun = {
    label: trans.__('Open run'),
    callback: () => void commands.execute(CommandIDs.openRun, { runId })
  };
  const showLog = {
    label: trans.__('Show log'),
    callback: () => void commands.execute(CommandIDs.openJobLog, { jobId })
  };
  const actions = runId ? [openRun, showLog] : [showLog];
  const why = job.error?.message;
  switch (job.state) {
    case 'DONE': {
      const score = runId ? await scoreOf(runId, client) : '';
      Notification.success(
        score
          ? trans.__('%1 has finished: %2', name, score)
          : trans.__('%1 has finished.', name),
        { actions, autoClose: 8000 }
      );
      return;
    }
    case 'STOPPED':
      Notification.info(
        why
          ? trans.__('%1 was stopped: %2', name, why)
          : trans.__('%1 was stopped.', name),
        { actions, autoClose: 8000 }
      );
      return;
    case 'LOST':
      Notification.error(
        why
          ? trans.__('%1 was lost: %2', name, why)
          : trans.__(
              '%1 was lost: its process is gone without a result.',
              name
            ),
        { actions, autoClose: false }
      );
      return;
    default:
      Notification.error(
        why
          ? trans.__('%1 has failed: %2', name, why)
          : trans.__('%1 has failed.', name),
        { actions, autoClose: false }
      );
  }
}

/** The leading score, such as `val 2.30 K`; empty where the run cannot be read. */
async function scoreOf(
  runId: string,
  client: ITelling['client']
): Promise<string> {
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
