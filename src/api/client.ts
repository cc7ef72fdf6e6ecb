/**
 * The routes of the server part, one typed method each.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IRequest, IRequestOptions, Query } from './request';
import { request, requestBlob, routeUrl } from './request';
import type { components } from './schema';
import type {
  ArtifactPage,
  ArtifactPreview,
  Child,
  ChildList,
  Comparison,
  CubeDescription,
  CubePreview,
  ExperimentPage,
  FormSchema,
  Job,
  JobPage,
  Kernel,
  KernelList,
  LogChunk,
  MetricHistories,
  ModelVersion,
  ModelVersionPage,
  Preview,
  RegisteredModel,
  RegisteredModelPage,
  Run,
  RunPage,
  RunPatch,
  SpecText,
  Status,
  SyncState,
  Validation,
  Watch
} from './types';

type Schemas = components['schemas'];

/** A training spec as a form holds it, perhaps unfinished. */
export type Spec = Readonly<Record<string, unknown>>;

/** Metrics that the route of their histories takes at a time. */
const KEYS_AT_ONCE = 50;

/** Which page of a list. */
export interface IPaging {
  max_results?: number;
  page_token?: string | null;
}

/** Which runs, in which order. */
export interface IRunQuery extends IPaging {
  experiment_id?: readonly string[];
  /** In MLflow's syntax. */
  filter?: string;
  /** In MLflow's syntax, such as `metrics.val_rmse ASC`. */
  order_by?: readonly string[];
  view?: 'active' | 'deleted' | 'all';
}

/**
 * A client of the server part.
 *
 * #### Notes
 * Reads without an abort signal that are under way to the same URL share one request.
 */
export class MLKitClient {
  constructor(options: MLKitClient.IOptions = {}) {
    this._settings = options.serverSettings ?? ServerConnection.makeSettings();
  }

  status(options?: IRequestOptions): Promise<Status> {
    return this._get('status', {}, options);
  }

  experiments(
    query: IPaging & { name_contains?: string } = {},
    options?: IRequestOptions
  ): Promise<ExperimentPage> {
    return this._get('experiments', { ...query }, options);
  }

  runs(query: IRunQuery = {}, options?: IRequestOptions): Promise<RunPage> {
    return this._get('runs', { ...query }, options);
  }

  run(runId: string, options?: IRequestOptions): Promise<Run> {
    return this._get(`runs/${enc(runId)}`, {}, options);
  }

  updateRun(runId: string, patch: Partial<RunPatch>): Promise<Run> {
    return this._send('PATCH', `runs/${enc(runId)}`, patch);
  }

  /** The spec that the run was trained from. */
  runSpec(
    runId: string,
    options?: IRequestOptions
  ): Promise<Schemas['RunSpec']> {
    return this._get(`runs/${enc(runId)}/spec`, {}, options);
  }

  /** The notebook as it was for the run, and those that have resumed it. */
  runNotebooks(runId: string): Promise<Schemas['RestoredNotebooks']> {
    return this._get(`runs/${enc(runId)}/notebooks`, {});
  }

  deleteRun(runId: string): Promise<void> {
    return this._send('DELETE', `runs/${enc(runId)}`);
  }

  restoreRun(runId: string): Promise<void> {
    return this._send('POST', `runs/${enc(runId)}/restore`);
  }

  setTag(runId: string, key: string, value: string): Promise<void> {
    return this._send('PUT', `runs/${enc(runId)}/tags`, { key, value });
  }

  deleteTag(runId: string, key: string): Promise<void> {
    return this._send('DELETE', `runs/${enc(runId)}/tags`, undefined, { key });
  }

  artifacts(
    runId: string,
    query: IPaging & { path?: string } = {},
    options?: IRequestOptions
  ): Promise<ArtifactPage> {
    return this._get(`runs/${enc(runId)}/artifacts`, { ...query }, options);
  }

  /** Where the browser finds an artifact's bytes. */
  artifactUrl(runId: string, path: string): string {
    return routeUrl(this._settings, `runs/${enc(runId)}/artifacts/content`, {
      path
    });
  }

  /** The bytes of an artifact. */
  artifactContent(
    runId: string,
    path: string,
    options?: IRequestOptions
  ): Promise<Blob> {
    const route = `runs/${enc(runId)}/artifacts/content`;
    return requestBlob(
      { path: route, query: { path }, ...options },
      this._settings
    );
  }

  /** What can be shown of an artifact, as data. */
  artifactPreview(
    runId: string,
    path: string,
    options?: IRequestOptions
  ): Promise<ArtifactPreview> {
    const route = `runs/${enc(runId)}/artifacts/preview`;
    return this._get(route, { path }, options);
  }

  /** A cube among the artifacts, looked at by the helper process of a kernel. */
  artifactCube(
    runId: string,
    path: string,
    options?: IRequestOptions
  ): Promise<CubePreview> {
    const route = `runs/${enc(runId)}/artifacts/cube`;
    return this._send('POST', route, { path }, {}, options);
  }

  async metrics(
    query: {
      run_id: readonly string[];
      key: readonly string[];
      max_points?: number;
    },
    options?: IRequestOptions
  ): Promise<MetricHistories> {
    const { key } = query;
    const parts: Promise<MetricHistories>[] = [];
    for (let i = 0; i < key.length; i += KEYS_AT_ONCE) {
      const part = { ...query, key: key.slice(i, i + KEYS_AT_ONCE) };
      parts.push(this._get('metrics', part, options));
    }
    return { items: (await Promise.all(parts)).flatMap(({ items }) => items) };
  }

  compare(
    runIds: readonly string[],
    options?: IRequestOptions
  ): Promise<Comparison> {
    return this._get('compare', { run_id: runIds }, options);
  }

  describeCube(
    body: { uri: string; kernelspec?: string; options?: Spec },
    options?: IRequestOptions
  ): Promise<CubeDescription> {
    return this._send('POST', 'cubes/describe', body, {}, options);
  }

  trainSchema(options?: IRequestOptions): Promise<FormSchema> {
    return this._get('train/schema', {}, options);
  }

  kernels(options?: IRequestOptions): Promise<KernelList> {
    return this._get('train/kernels', {}, options);
  }

  /** A kernel, after checking that our jobs can run in it (seconds). */
  kernel(name: string, options?: IRequestOptions): Promise<Kernel> {
    return this._send(
      'POST',
      `train/kernels/${enc(name)}`,
      undefined,
      {},
      options
    );
  }

  estimators(
    kernelspec: string,
    options?: IRequestOptions
  ): Promise<Schemas['EstimatorList']> {
    return this._send('POST', 'train/estimators', { kernelspec }, {}, options);
  }

  validate(spec: Spec, options?: IRequestOptions): Promise<Validation> {
    return this._send('POST', 'train/validate', { spec }, {}, options);
  }

  preview(spec: Spec, options?: IRequestOptions): Promise<Preview> {
    return this._send('POST', 'train/preview', { spec }, {}, options);
  }

  specText(spec: Spec, options?: IRequestOptions): Promise<SpecText> {
    return this._send('POST', 'train/text', { spec }, {}, options);
  }

  jobs(query: IPaging = {}, options?: IRequestOptions): Promise<JobPage> {
    return this._get('jobs', { ...query }, options);
  }

  submitJob(spec: Spec): Promise<Job> {
    return this._send('POST', 'jobs', { spec });
  }

  job(jobId: string, options?: IRequestOptions): Promise<Job> {
    return this._get(`jobs/${enc(jobId)}`, {}, options);
  }

  jobLog(
    jobId: string,
    query: { offset?: number; limit?: number; attempt?: number } = {},
    options?: IRequestOptions
  ): Promise<LogChunk> {
    return this._get(`jobs/${enc(jobId)}/log`, { ...query }, options);
  }

  stopJob(jobId: string): Promise<Job> {
    return this._send('POST', `jobs/${enc(jobId)}/stop`);
  }

  /**
   * Run a training again.
   *
   * @param changes - what differs from its spec, as a JSON merge patch
   */
  rerunJob(jobId: string, changes: Spec): Promise<Job> {
    return this._send('POST', `jobs/${enc(jobId)}/rerun`, { changes });
  }

  /** Programs with a page of their own that run. */
  children(options?: IRequestOptions): Promise<ChildList> {
    return this._get('children', {}, options);
  }

  /** Open a program, started where it does not run yet (seconds). */
  openChild(kind: string): Promise<Child> {
    return this._send('POST', 'children', { kind });
  }

  stopChild(childId: string): Promise<void> {
    return this._send('DELETE', `children/${enc(childId)}`);
  }

  /** Where the browser finds the page of a program. */
  childUrl(child: Child): string {
    return URLExt.join(this._settings.baseUrl, child.path);
  }

  models(
    query: IPaging & { name_contains?: string } = {},
    options?: IRequestOptions
  ): Promise<RegisteredModelPage> {
    return this._get('registry/models', { ...query }, options);
  }

  model(name: string, options?: IRequestOptions): Promise<RegisteredModel> {
    return this._get(modelPath(name), {}, options);
  }

  describeModel(name: string, description: string): Promise<RegisteredModel> {
    return this._send('PATCH', modelPath(name), { description });
  }

  versions(
    name: string,
    query: IPaging = {},
    options?: IRequestOptions
  ): Promise<ModelVersionPage> {
    return this._get(`${modelPath(name)}/versions`, { ...query }, options);
  }

  createVersion(
    name: string,
    body: { run_id: string; model?: string | null; description?: string }
  ): Promise<ModelVersion> {
    return this._send('POST', `${modelPath(name)}/versions`, body);
  }

  describeVersion(
    name: string,
    version: string,
    description: string
  ): Promise<ModelVersion> {
    return this._send('PATCH', `${modelPath(name)}/versions/${enc(version)}`, {
      description
    });
  }

  setAlias(name: string, alias: string, version: string): Promise<void> {
    return this._send('PUT', `${modelPath(name)}/aliases/${enc(alias)}`, {
      version
    });
  }

  deleteAlias(name: string, alias: string): Promise<void> {
    return this._send('DELETE', `${modelPath(name)}/aliases/${enc(alias)}`);
  }

  /** What was logged and is not in its store yet. */
  sync(options?: IRequestOptions): Promise<SyncState> {
    return this._get('sync', {}, options);
  }

  /** Have it brought; answers before it is there. */
  syncNow(): Promise<SyncState> {
    return this._send('POST', 'sync');
  }

  /** Take or renew a lease on live changes; never counts as activity. */
  watch(options?: IRequestOptions): Promise<Watch> {
    return this._send(
      'POST',
      'events/watch',
      undefined,
      {},
      {
        ...options,
        background: true
      }
    );
  }

  private _get<T>(
    path: string,
    query: Query,
    options: IRequestOptions = {}
  ): Promise<T> {
    const what: IRequest = { path, query, ...options };
    if (options.signal) {
      return request<T>(what, this._settings);
    }
    const url = routeUrl(this._settings, path, query, options.background);
    const underWay = this._underWay.get(url);
    if (underWay) {
      return underWay as Promise<T>;
    }
    const promise = request<T>(what, this._settings).finally(() => {
      this._underWay.delete(url);
    });
    this._underWay.set(url, promise);
    return promise;
  }

  private _send<T>(
    method: IRequest['method'],
    path: string,
    body?: unknown,
    query: Query = {},
    options: IRequestOptions = {}
  ): Promise<T> {
    return request<T>(
      { method, path, body, query, ...options },
      this._settings
    );
  }

  private readonly _settings: ServerConnection.ISettings;
  private readonly _underWay = new Map<string, Promise<unknown>>();
}

/** Statics of the client. */
export namespace MLKitClient {
  /** How a client is made. */
  export interface IOptions {
    /** Base URL and credentials; the page's own by default. */
    serverSettings?: ServerConnection.ISettings;
  }
}

function enc(segment: string): string {
  return encodeURIComponent(segment);
}

function modelPath(name: string): string {
  return `registry/models/${enc(name)}`;
}
