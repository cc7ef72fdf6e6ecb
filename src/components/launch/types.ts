/** What the launch form is given, and the spec that it edits. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type {
  CubeDescription,
  Estimator,
  FormSchema,
  Job,
  Kernel,
  KernelList,
  Preview,
  SpecText,
  Validation
} from '../../api/types';

export type Use = 'gaps' | 'places' | 'times' | 'both';

/** A JSON value as a spec holds it. */
export type Json =
  string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/**
 * The parts of a TrainingSpec that the form has controls for, all optional
 * while a person fills it in; the server's JSON Schema is the definition.
 */
export interface ISpec {
  sources?: { uri: string; options?: JsonObject }[];
  target?: string;
  features?: string[];
  use?: Use;
  split?: JsonObject;
  region?: JsonObject | null;
  period?: JsonObject | null;
  mask?: string | null;
  lead?: string | null;
  prepare?: JsonObject | null;
  scale?: string;
  model?: { class?: string; params?: JsonObject };
  fit?: JsonObject;
  tracking?: JsonObject;
  executor?: string;
  kernelspec?: string;
  schema_version?: number;
}

/**
 * What the form asks of the server. Promises reject with an error that may carry
 * an ErrorBody (`error.body`, or `code`, `hint`, `field` on the error itself);
 * `signal` aborts when a newer question makes the answer useless.
 */
export interface ILaunchServices {
  schema(): Promise<FormSchema>;
  kernels(): Promise<KernelList>;
  /** The kernel with its problem looked up. */
  checkKernel(name: string): Promise<Kernel>;
  estimators(kernelspec: string): Promise<readonly Estimator[]>;
  describe(
    request: { uri: string; options: JsonObject; kernelspec: string },
    signal: AbortSignal
  ): Promise<CubeDescription>;
  preview(spec: ISpec, signal: AbortSignal): Promise<Preview>;
  text(spec: ISpec, signal: AbortSignal): Promise<SpecText>;
  validate(spec: ISpec): Promise<Validation>;
  launch(spec: ISpec): Promise<Job>;
  /** Names of experiments, offered while typing; left out: none offered. */
  experiments?(): Promise<readonly string[]>;
}

export interface ILaunchViewProps {
  trans: TranslationBundle;
  services: ILaunchServices;
  /** Where the form starts: a cube's path, the spec of a run, or nothing. */
  initialSpec?: ISpec;
  /** Describe the cube at once, as when the form was opened on a cube. */
  describeAtOnce?: boolean;
  /** Called after every edit, so that the host can keep the form's state. */
  onSpecChange?: (spec: ISpec) => void;
  /** Lets a person pick a cube; null when they change their mind. */
  onBrowse?: () => Promise<string | null>;
  /** The job was accepted. */
  onLaunched: (job: Job) => void;
  onCopy?: (text: string) => void;
}
