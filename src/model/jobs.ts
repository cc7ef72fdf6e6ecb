/**
 * The training processes of this server.
 */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Spec } from '../api/client';
import { MLKitError } from '../api/errors';
import type { IRequestOptions } from '../api/request';
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

/** Those that run first, then those that begin, then those that wait. */
const ORDER: readonly Job['state'][] = ['RUNNING', 'STARTING', 'QUEUED'];

/** Whether a job's process is gone. */
export function hasEnded(job: Job): boolean {
  return ENDED.has(job.state);
}

/** What goes on, in the order in which it will end up in front: by state, then by turn. */
function byTurn(one: Job, other: Job): number {
  return (
    ORDER.indexOf(one.state) - ORDER.indexOf(other.state) ||
    (one.queue_position ?? 0) - (other.queue_position ?? 0)
  );
}

/**
 * The jobs, the newest first.
 */
export class JobsModel extends LiveModel {
  /** All that were loaded. */
  get jobs(): readonly Job[] {
    return this._jobs;
  }

  /** Those that run, then those that wait, the next one first. */
  get active(): readonly Job[] {
    return this._jobs.filter(job => !hasEnded(job)).sort(byTurn);
  }

  /** Whether a job was submitted by whoever looks; unknown names are taken for one's own. */
  isMine(job: Job): boolean {
    return (
      job.user === null || this._person === null || job.user === this._person
    );
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
    const options = { signal, background };
    const [page, person] = await Promise.all([
      this.client.jobs({ max_results: PAGE }, options),
      this._person ?? this._whoLooks(options)
    ]);
    return () => {
      this._person = person;
      this._apply(page.items);
    };
  }

  protected concerns(change: Change): boolean {
    return change.capability === 'jobs';
  }

  /** The name that the server stamps on our jobs; the jobs are shown though it is unknown. */
  private async _whoLooks(options: IRequestOptions): Promise<string | null> {
    try {
      return (await this.client.status(options)).person;
    } catch {
      return null;
    }
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
  private _person: string | null = null;
}
