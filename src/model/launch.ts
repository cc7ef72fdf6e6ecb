/**
 * A training that is being put together.
 */
import type { Spec } from '../api/client';
import type {
  CubeDescription,
  Estimator,
  Experiment,
  FormSchema,
  Job,
  Kernel,
  KernelList,
  Preview,
  SpecText,
  Validation
} from '../api/types';
import type { IMLKitClient } from '../tokens';
import type { CubesModel } from './cubes';
import type { JobsModel } from './jobs';

/**
 * The spec of the form and what the form asks of the server.
 *
 * #### Notes
 * What does not change while Lab runs (schema, kernels, estimators of a kernel) is asked for
 * once; a failure is asked for again.
 */
export class LaunchModel {
  constructor(options: LaunchModel.IOptions) {
    this._client = options.client;
    this._jobs = options.jobs;
    this._cubes = options.cubes;
    this._spec = options.spec ?? {};
    this._rerunOf = options.rerunOf;
  }

  /** As far as it is filled in. */
  get spec(): Spec {
    return this._spec;
  }

  set spec(spec: Spec) {
    this._spec = spec;
  }

  schema(): Promise<FormSchema> {
    return this._once('schema', () => this._client.trainSchema());
  }

  kernels(): Promise<KernelList> {
    return this._client.kernels();
  }

  /** A kernel, after checking that our jobs can run in it. */
  checkKernel(name: string): Promise<Kernel> {
    return this._client.kernel(name);
  }

  estimators(kernelspec: string): Promise<readonly Estimator[]> {
    return this._once(`estimators ${kernelspec}`, async () => {
      const list = await this._client.estimators(kernelspec);
      return list.items;
    });
  }

  /** Describe a cube, which also puts it on the list of recent ones. */
  describe(
    request: { uri: string; options: Spec; kernelspec: string },
    signal: AbortSignal
  ): Promise<CubeDescription> {
    const { uri, ...rest } = request;
    return this._cubes.describe(uri, { ...rest, signal });
  }

  validate(spec: Spec): Promise<Validation> {
    return this._client.validate(spec);
  }

  preview(spec: Spec, signal: AbortSignal): Promise<Preview> {
    return this._client.preview(spec, { signal });
  }

  text(spec: Spec, signal: AbortSignal): Promise<SpecText> {
    return this._client.specText(spec, { signal });
  }

  launch(spec: Spec): Promise<Job> {
    return this._rerunOf
      ? this._jobs.rerun(this._rerunOf, spec)
      : this._jobs.submit(spec);
  }

  /** Names to offer for the experiment. */
  async experiments(): Promise<readonly string[]> {
    const page = await this._client.experiments({ max_results: 1000 });
    return page.items.map((experiment: Experiment) => experiment.name);
  }

  private _once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this._answers.get(key);
    if (known) {
      return known as Promise<T>;
    }
    const asked = ask();
    this._answers.set(key, asked);
    asked.catch(() => this._answers.delete(key));
    return asked;
  }

  private readonly _client: IMLKitClient;
  private readonly _jobs: Pick<JobsModel, 'submit' | 'rerun'>;
  private readonly _cubes: Pick<CubesModel, 'describe'>;
  private readonly _answers = new Map<string, Promise<unknown>>();
  private readonly _rerunOf: string | undefined;
  private _spec: Spec;
}

/** Statics of the model. */
export namespace LaunchModel {
  /** How the model is made. */
  export interface IOptions {
    client: IMLKitClient;
    jobs: Pick<JobsModel, 'submit' | 'rerun'>;
    cubes: Pick<CubesModel, 'describe'>;
    /** Where the form starts. */
    spec?: Spec;
    /** The job that is repeated. */
    rerunOf?: string;
  }
}
