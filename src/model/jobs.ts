/**
 * The training processes of this server.
 */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Spec } from '../api/client';
import { MLKitError } from '../api/errors';
import type { Change, Job } from '../api/types';
import { LiveModel } from './live';
import { mergePatch } from './mergePatch';

const PAGE = 50;
const ENDED: ReadonlySet<Job['state']> = new Set([
  'DONE',
  'FAILED',
  'STOPPED',
  'LOST'
]);

/** Whether a job's process is gone. */
export function hasEnded(job: Job): boolean {
  return ENDED.has(job.state);
}

/**
 * The jobs, the newest first.
 */
export class JobsModel extends LiveModel {
  /** All that were loaded. */
  get jobs(): readonly Job[] {
    return this._jobs;
  }

  /** Those that wait or run. */
  get active(): readonly Job[] {
    return this._jobs.filter(job => !hasEnded(job));
  }

  /** A job that was seen alive has ended; told once. */
  get ended(): ISignal<this, Job> {
    return this._ended;
  }

  /** Whether a job is being stopped. */
  isStopping(jobId: string): boolean {
    return this._stopping.has(jobId);
  }

  /** Start a training. */
  async submit(spec: Spec): Promise<Job> {
    const job = await this.client.submitJob(spec);
    this._replace(job);
    return job;
  }

  /** Start a training that repeats another one, with the spec as it has become. */
  async rerun(jobId: string, spec: Spec): Promise<Job> {
    let changes: Spec | null = null;
    try {
      changes = mergePatch((await this.client.job(jobId)).spec, spec);
    } catch (reason) {
      // Forgotten by now; what it was trained from is known all the same.
      if (!(reason instanceof MLKitError && reason.status === 404)) {
        throw reason;
      }
    }
    if (changes === null) {
      return this.submit(spec);
    }
    const job = await this.client.rerunJob(jobId, changes);
    this._replace(job);
    return job;
  }

  /** Stop a job; it ends a moment later. */
  async stop(jobId: string): Promise<void> {
    this._stopping.add(jobId);
    this.notify();
    try {
      this._replace(await this.client.stopJob(jobId));
    } catch (reason) {
      this._stopping.delete(jobId);
      this.notify();
      throw reason;
    }
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const page = await this.client.jobs(
      { max_results: PAGE },
      { signal, background }
    );
    return () => this._apply(page.items);
  }

  protected concerns(change: Change): boolean {
    return change.capability === 'jobs';
  }

  private _replace(job: Job): void {
    const known = this._jobs.some(other => other.job_id === job.job_id);
    this._apply(
      known
        ? this._jobs.map(other => (other.job_id === job.job_id ? job : other))
        : [job, ...this._jobs]
    );
    this.notify();
  }

  private _apply(jobs: readonly Job[]): void {
    const alive = new Set(this.active.map(job => job.job_id));
    this._jobs = jobs;
    for (const job of jobs) {
      if (hasEnded(job)) {
        this._stopping.delete(job.job_id);
        // An answer that was overtaken may show it alive once more.
        if (alive.has(job.job_id) && !this._told.has(job.job_id)) {
          this._told.add(job.job_id);
          this._ended.emit(job);
        }
      }
    }
  }

  private readonly _ended = new Signal<this, Job>(this);
  private readonly _told = new Set<string>();
  private readonly _stopping = new Set<string>();
  private _jobs: readonly Job[] = [];
}
