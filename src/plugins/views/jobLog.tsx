/**
 * The output of a job in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Change, Job } from '../../api/types';
import { JobLogView } from '../../components/panel/jobLogView';
import { JobLogModel } from '../../model/jobLog';
import { hasEnded } from '../../model/jobs';
import { LiveModel } from '../../model/live';
import type { IChanges, IMLKitClient } from '../../tokens';
import { frame } from './host';
import { LiveWidget } from './liveWidget';

/** How the view of a job's output is made. */
export interface IJobLogOptions {
  client: IMLKitClient;
  changes: IChanges;
  trans: TranslationBundle;
  jobId: string;
}

/** One job, current while it is looked at. */
class JobModel extends LiveModel {
  constructor(private readonly options: IJobLogOptions) {
    super(options);
  }

  job: Job | null = null;

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const job = await this.client.job(this.options.jobId, {
      signal,
      background
    });
    return () => {
      this.job = job;
    };
  }

  protected concerns(change: Change): boolean {
    return (
      change.capability === 'jobs' &&
      (change.ids.length === 0 || change.ids.includes(this.options.jobId))
    );
  }
}

/** Hosts a job's output. */
export class JobLogContent extends LiveWidget {
  constructor(options: IJobLogOptions) {
    const model = new JobModel(options);
    super([model]);
    this._options = options;
    this._model = model;
    this._log = new JobLogModel({
      client: options.client,
      changes: options.changes,
      jobId: options.jobId,
      onChanged: () => this.update()
    });
    this._log.follow(true);
    model.stateChanged.connect(this._onChange, this);
  }

  get args(): { jobId: string } {
    return { jobId: this._options.jobId };
  }

  override dispose(): void {
    this._log.dispose();
    this._model.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    return (
      <JobLogView
        trans={this._options.trans}
        job={this._model.job}
        log={this._log.log}
        error={this._model.error}
      />
    );
  }

  private _onChange(): void {
    const { job } = this._model;
    if (job) {
      this._log.setAttempt(job.attempt);
      this.title.label = this._options.trans.__('Log of %1', job.name);
      if (hasEnded(job)) {
        this._log.follow(true);
      }
    }
    this.update();
  }

  private readonly _options: IJobLogOptions;
  private readonly _model: JobModel;
  private readonly _log: JobLogModel;
}

/** Make the view of a job's output. */
export function createJobLog(
  options: IJobLogOptions
): MainAreaWidget<JobLogContent> {
  return frame(new JobLogContent(options), options.trans.__('Training log'));
}
