/**
 * A server in memory behind the client's interface, and news by hand.
 */
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';

import type { IRunQuery } from '../../api/client';
import { MLKitClient } from '../../api/client';
import { MLKitError } from '../../api/errors';
import type { IRequestOptions } from '../../api/request';
import type {
  Change,
  Child,
  ChildList,
  Evaluation,
  ExperimentPage,
  Job,
  JobPage,
  LogChunk,
  MetricHistories,
  Run,
  RunPage,
  Status,
  SyncState,
  Watch
} from '../../api/types';
import type { IChanges } from '../../tokens';

/** A run with only what a test cares about. */
export function makeRun(runId: string, more: Partial<Run> = {}): Run {
  return {
    run_id: runId,
    run_name: `name of ${runId}`,
    experiment_id: '1',
    status: 'FINISHED',
    lost: false,
    waiting: false,
    lifecycle_stage: 'active',
    start_time: 1,
    end_time: 2,
    owner: null,
    artifact_uri: '',
    metrics: [],
    params: {},
    tags: {},
    note: '',
    primary_metric: 'val_rmse',
    units: 'K',
    gain: null,
    evaluation: null,
    job_id: null,
    datasets: [],
    models: [],
    ...more
  };
}

/** What a run was scored on; another hash, other cells. */
export function makeEvaluation(hash: string): Evaluation {
  return {
    hash,
    role: 'validation',
    n_cells: 10,
    target: 'lst',
    units: 'K',
    aggregation: 'mean',
    weights: 'area',
    lead_time: null,
    cells_digest: hash,
    truth_digest: hash
  };
}

/** A job with only what a test cares about. */
export function makeJob(jobId: string, more: Partial<Job> = {}): Job {
  return {
    job_id: jobId,
    name: `name of ${jobId}`,
    state: 'RUNNING',
    kernelspec: 'python3',
    created: 1,
    started: 2,
    ended: null,
    phase: null,
    progress: null,
    queue_position: null,
    experiment: 'Default',
    experiment_id: null,
    run_id: null,
    exit_code: null,
    error: null,
    spec: {},
    user: null,
    rerun_of: null,
    priority: 0,
    timeout_seconds: null,
    memory_bytes: null,
    attempt: 1,
    retries: 0,
    attempts: [],
    fit: null,
    usage: null,
    ...more
  };
}

/** A program with only what a test cares about. */
export function makeChild(childId: string, more: Partial<Child> = {}): Child {
  return {
    child_id: childId,
    kind: 'mlflow',
    title: `program ${childId}`,
    state: 'running',
    path: `jupyter-mlkit/children/${childId}/`,
    started: 1,
    idle: 0,
    ...more
  };
}

/** What waits, with only what a test cares about; nothing does. */
export function makeSync(more: Partial<SyncState> = {}): SyncState {
  return {
    entries: 0,
    runs: 0,
    oldest: null,
    late: false,
    refused: 0,
    troubles: [],
    ...more
  };
}

/** A spec that tells itself from others; the generated type knows no fields. */
export function makeSpec(target: string): Job['spec'] {
  const spec: Readonly<Record<string, unknown>> = { target };
  return spec as Job['spec'];
}

/** A call that a model made. */
export interface ICall {
  method: string;
  query: unknown;
  options: IRequestOptions;
}

/** Answers from what a test puts into it. */
export class FakeServer extends MLKitClient {
  allRuns: Run[] = [];
  allJobs: Job[] = [];
  allChildren: Child[] = [];
  waiting = makeSync();
  person = 'ada';
  log = '';
  logComplete = true;
  histories: MetricHistories = { items: [] };
  failure: MLKitError | null = null;
  filterFailure: MLKitError | null = null;
  calls: ICall[] = [];
  /** Held answers, released by the test; null: answer at once. */
  held: (() => void)[] | null = null;

  override async experiments(
    query: object = {},
    options: IRequestOptions = {}
  ): Promise<ExperimentPage> {
    return this._answer('experiments', query, options, () => ({
      items: [],
      next_page_token: null
    }));
  }

  override async runs(
    query: IRunQuery = {},
    options: IRequestOptions = {}
  ): Promise<RunPage> {
    return this._answer('runs', query, options, () => {
      if (query.filter && this.filterFailure) {
        throw this.filterFailure;
      }
      const count = query.max_results ?? 100;
      return {
        items: this.allRuns.slice(0, count),
        next_page_token: this.allRuns.length > count ? 'more' : null
      };
    });
  }

  override async run(
    runId: string,
    options: IRequestOptions = {}
  ): Promise<Run> {
    return this._answer('run', runId, options, () => {
      const run = this.allRuns.find(other => other.run_id === runId);
      if (!run) {
        throw new MLKitError({ message: 'gone', code: 'not_found' }, 404);
      }
      return run;
    });
  }

  override async runSpec(
    runId: string,
    options: IRequestOptions = {}
  ): ReturnType<MLKitClient['runSpec']> {
    return this._answer('runSpec', runId, options, () => ({
      spec: makeSpec(`of ${runId}`)
    }));
  }

  override async deleteRun(runId: string): Promise<void> {
    this.allRuns = this.allRuns.filter(run => run.run_id !== runId);
  }

  override async metrics(
    query: object,
    options: IRequestOptions = {}
  ): Promise<MetricHistories> {
    return this._answer('metrics', query, options, () => this.histories);
  }

  override async jobs(
    query: object = {},
    options: IRequestOptions = {}
  ): Promise<JobPage> {
    return this._answer('jobs', query, options, () => ({
      items: this.allJobs,
      next_page_token: null
    }));
  }

  override async job(
    jobId: string,
    options: IRequestOptions = {}
  ): Promise<Job> {
    return this._answer('job', jobId, options, () => {
      const job = this.allJobs.find(other => other.job_id === jobId);
      if (!job) {
        throw new MLKitError({ message: 'gone', code: 'not_found' }, 404);
      }
      return job;
    });
  }

  override async submitJob(spec: object): Promise<Job> {
    return makeJob('new', { state: 'QUEUED', spec: spec as Job['spec'] });
  }

  override async stopJob(jobId: string): Promise<Job> {
    return makeJob(jobId, { phase: 'stopping' });
  }

  override async rerunJob(jobId: string, changes: object): Promise<Job> {
    return this._answer('rerunJob', { jobId, changes }, {}, () =>
      makeJob('again', { state: 'QUEUED', rerun_of: jobId })
    );
  }

  override async status(options: IRequestOptions = {}): Promise<Status> {
    return this._answer('status', null, options, () => ({
      version: '',
      mlflow_version: '',
      tracking_uri: '',
      store: 'local',
      artifact_root: null,
      root_dir: '',
      person: this.person,
      problems: []
    }));
  }

  override async children(options: IRequestOptions = {}): Promise<ChildList> {
    return this._answer('children', null, options, () => ({
      items: this.allChildren
    }));
  }

  override async openChild(kind: string): Promise<Child> {
    return this._answer('openChild', kind, {}, () => {
      const known = this.allChildren.find(child => child.kind === kind);
      const child = known ?? makeChild('c1', { kind });
      this.allChildren = known ? this.allChildren : [child];
      return child;
    });
  }

  override async stopChild(childId: string): Promise<void> {
    this.allChildren = this.allChildren.filter(
      child => child.child_id !== childId
    );
  }

  override async jobLog(
    jobId: string,
    query: { offset?: number } = {},
    options: IRequestOptions = {}
  ): Promise<LogChunk> {
    const asked = query.offset ?? 0;
    const offset = asked < 0 ? Math.max(0, this.log.length + asked) : asked;
    return this._answer('jobLog', query, options, () => ({
      text: this.log.slice(offset),
      offset,
      next_offset: this.log.length,
      size: this.log.length,
      complete: this.logComplete
    }));
  }

  override async sync(options: IRequestOptions = {}): Promise<SyncState> {
    return this._answer('sync', null, options, () => this.waiting);
  }

  override async syncNow(): Promise<SyncState> {
    return this._answer('syncNow', null, {}, () => this.waiting);
  }

  override async watch(options: IRequestOptions = {}): Promise<Watch> {
    return this._answer('watch', null, options, () => ({
      expires_in: 60,
      schema_id: 'change'
    }));
  }

  /** The calls of one method. */
  callsOf(method: string): ICall[] {
    return this.calls.filter(call => call.method === method);
  }

  private async _answer<T>(
    method: string,
    query: unknown,
    options: IRequestOptions,
    make: () => T
  ): Promise<T> {
    this.calls.push({ method, query, options });
    if (this.held) {
      const held = this.held;
      await new Promise<void>(resolve => held.push(resolve));
    }
    if (options.signal?.aborted) {
      throw new DOMException('given up', 'AbortError');
    }
    if (this.failure) {
      throw this.failure;
    }
    return make();
  }
}

/** News that a test tells. */
export class FakeChanges implements IChanges {
  readonly changed = new Signal<this, Change>(this);
  holders = 0;

  get state(): IChanges['state'] {
    return this.holders > 0 ? 'live' : 'idle';
  }

  hold(): IDisposable {
    this.holders += 1;
    return new DisposableDelegate(() => {
      this.holders -= 1;
    });
  }

  tell(
    capability: Change['capability'],
    kind: Change['kind'] = 'changed',
    ids: string[] = []
  ): void {
    this.changed.emit({ capability, kind, ids });
  }
}

/** Let everything that is under way settle, news included. */
export async function settle(ms = 200): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}
