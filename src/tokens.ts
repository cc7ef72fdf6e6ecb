/**
 * What the plugins hand each other, and other extensions.
 */
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { MLKitClient } from './api/client';
import type { Change } from './api/types';
import type { ChildrenModel } from './model/children';
import type { CubesModel } from './model/cubes';
import type { JobsModel } from './model/jobs';
import type { RegistryModel } from './model/registry';
import type { RunsModel } from './model/runs';

/** The public side of a class. */
type Public<T> = Pick<T, keyof T>;

/** A client of the server part. */
export type IMLKitClient = Public<MLKitClient>;

/** A client of the server part. */
export const IMLKitClient = new Token<IMLKitClient>(
  'jupyter-mlkit:IMLKitClient',
  'A client of the routes of the jupyter_mlkit server extension.'
);

/**
 * News of what changed in the store, the job list and the registry.
 */
export interface IChanges {
  /** Something changed; without ids, anything may have. */
  readonly changed: ISignal<IChanges, Change>;
  /** Whether news are pushed, asked for, or neither because nobody looks. */
  readonly state: 'idle' | 'live' | 'polling';
  /** News flow as long as somebody holds one of these. */
  hold(): IDisposable;
}

/** News of what changed. */
export const IChanges = new Token<IChanges>(
  'jupyter-mlkit:IChanges',
  'News of what changed in the tracking store, the jobs and the registry.'
);

/** The list of runs. */
export type IRunsModel = RunsModel;

/** The list of runs. */
export const IRunsModel = new Token<IRunsModel>(
  'jupyter-mlkit:IRunsModel',
  'The runs of the chosen experiment, with filter, order and selection.'
);

/** The list of jobs. */
export type IJobsModel = JobsModel;

/** The list of jobs. */
export const IJobsModel = new Token<IJobsModel>(
  'jupyter-mlkit:IJobsModel',
  'The training processes of this server.'
);

/** The programs with a page of their own. */
export type IChildrenModel = ChildrenModel;

/** The programs with a page of their own. */
export const IChildrenModel = new Token<IChildrenModel>(
  'jupyter-mlkit:IChildrenModel',
  'The programs with a page of their own that this server runs.'
);

/** Cubes that were used lately. */
export type ICubesModel = CubesModel;

/** Cubes that were used lately. */
export const ICubesModel = new Token<ICubesModel>(
  'jupyter-mlkit:ICubesModel',
  'Cubes that were used lately, with their descriptions.'
);

/** The registered models. */
export type IRegistryModel = RegistryModel;

/** The registered models. */
export const IRegistryModel = new Token<IRegistryModel>(
  'jupyter-mlkit:IRegistryModel',
  'The registered models and their aliases.'
);
