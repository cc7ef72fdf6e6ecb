/**
 * One run with its curves, files and the job that made it.
 */
import type { Spec } from '../api/client';
import { MLKitError } from '../api/errors';
import type {
  ArtifactPage,
  ArtifactPreview,
  Change,
  CubePreview,
  Job,
  MetricHistory,
  ModelVersion,
  Run
} from '../api/types';
import type { IJobLog } from './jobLog';
import { JobLogModel } from './jobLog';
import type { ILiveOptions } from './live';
import { LiveModel } from './live';

const CURVE_POINTS = 500;

/**
 * A run.
 */
export class RunModel extends LiveModel {
  constructor(options: ILiveOptions & { runId: string }) {
    super(options);
    this.runId = options.runId;
  }

  readonly runId: string;

  /** Null until it is loaded. */
  get run(): Run | null {
    return this._run;
  }

  /** The job that made the run; null where there is none or it is forgotten. */
  get job(): Job | null {
    return this._job;
  }

  /** Whether we trained it, so that it holds a spec to launch again. */
  get hasSpec(): boolean {
    return (
      this._job !== null || this._run?.tags['mlkit.spec_version'] !== undefined
    );
  }

  /** Curves of all metrics; null until asked for. */
  get histories(): readonly MetricHistory[] | null {
    return this._histories;
  }

  /** Output of the job; null until asked for. */
  get log(): IJobLog | null {
    return this._log?.log ?? null;
  }

  override dispose(): void {
    this._log?.dispose();
    super.dispose();
  }

  /** Load the curves and keep them current. */
  wantHistories(): void {
    if (!this._wantsHistories) {
      this._wantsHistories = true;
      void this.refresh({ background: true });
    }
  }

  /** Read the job's output and follow it, or pause. */
  followLog(follow: boolean): void {
    const jobId = this._run?.job_id;
    if (!jobId) {
      this._wantsLog = follow;
      return;
    }
    if (!this._log && follow) {
      this._log = new JobLogModel({
        client: this.client,
        changes: this.changes,
        jobId,
        onChanged: () => this.notify()
      });
    }
    this._log?.follow(follow);
  }

  async rename(name: string): Promise<void> {
    this._set(await this.client.updateRun(this.runId, { run_name: name }));
  }

  async setNote(note: string): Promise<void> {
    this._set(await this.client.updateRun(this.runId, { note }));
  }

  async setTag(key: string, value: string): Promise<void> {
    await this.client.setTag(this.runId, key, value);
    await this.refresh({ background: true });
  }

  async deleteTag(key: string): Promise<void> {
    await this.client.deleteTag(this.runId, key);
    await this.refresh({ background: true });
  }

  async remove(): Promise<void> {
    await this.client.deleteRun(this.runId);
    await this.refresh({ background: true });
  }

  async restore(): Promise<void> {
    await this.client.restoreRun(this.runId);
    await this.refresh({ background: true });
  }

  /** Stop the job that makes the run. */
  async stop(): Promise<void> {
    if (this._job) {
      this._job = await this.client.stopJob(this._job.job_id);
      this.notify();
    }
  }

  /** The spec that it was trained from, as its job or else its artifacts keep it. */
  async spec(): Promise<Spec> {
    return this._job?.spec ?? (await this.client.runSpec(this.runId)).spec;
  }

  /** Register the run's model, under a new name or as a new version. */
  async register(name: string): Promise<ModelVersion> {
    return this.client.createVersion(name, { run_id: this.runId });
  }

  listArtifacts(path: string, pageToken: string | null): Promise<ArtifactPage> {
    return this.client.artifacts(this.runId, { path, page_token: pageToken });
  }

  readArtifact(path: string): Promise<Blob> {
    return this.client.artifactContent(this.runId, path);
  }

  previewArtifact(path: string): Promise<ArtifactPreview> {
    return this.client.artifactPreview(this.runId, path);
  }

  describeArtifact(path: string): Promise<CubePreview> {
    return this.client.artifactCube(this.runId, path);
  }

  artifactUrl(path: string): string {
    return this.client.artifactUrl(this.runId, path);
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const how = { signal, background };
    const run = await this.client.run(this.runId, how);
    const keys = run.metrics.map(metric => metric.key);
    const [job, histories] = await Promise.all([
      run.job_id ? this._findJob(run.job_id, how) : null,
      this._wantsHistories && keys.length > 0
        ? this.client.metrics(
            { run_id: [this.runId], key: keys, max_points: CURVE_POINTS },
            how
          )
        : null
    ]);
    return () => {
      this._run = run;
      this._job = job;
      if (job) {
        this._log?.setAttempt(job.attempt);
      }
      if (this._wantsHistories) {
        this._histories = histories?.items ?? [];
      }
      if (this._wantsLog) {
        this._wantsLog = false;
        this.followLog(true);
      }
    };
  }

  protected concerns(change: Change): boolean {
    const { capability, ids } = change;
    const mine =
      capability === 'runs'
        ? this.runId
        : capability === 'jobs'
          ? this._run?.job_id
          : null;
    return Boolean(mine) && (ids.length === 0 || ids.includes(mine as string));
  }

  private _set(run: Run): void {
    this._run = run;
    this.notify();
  }

  /** The job, or null where this server does not know it (any more). */
  private async _findJob(
    jobId: string,
    how: { signal: AbortSignal; background: boolean }
  ): Promise<Job | null> {
    try {
      return await this.client.job(jobId, how);
    } catch (reason) {
      if (reason instanceof MLKitError && reason.status === 404) {
        return null;
      }
      throw reason;
    }
  }

  private _run: Run | null = null;
  private _job: Job | null = null;
  private _histories: readonly MetricHistory[] | null = null;
  private _log: JobLogModel | null = null;
  private _wantsHistories = false;
  private _wantsLog = false;
}
