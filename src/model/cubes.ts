/**
 * Cubes that were used lately, and what is known of them.
 */
import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MLKitError } from '../api/errors';
import { toMLKitError } from '../api/errors';
import type { CubeDescription } from '../api/types';
import type { IMLKitClient } from '../tokens';

const KEY = 'jupyter-mlkit:cubes';
const MAX_RECENT = 12;

/** A cube in the list. */
export interface IRecentCube {
  uri: string;
  /** What its description said last, so that the list needs no probe. */
  summary: ICubeSummary | null;
}

/** The few facts of a cube that a list shows. */
export interface ICubeSummary {
  title: string | null;
  period: readonly string[] | null;
  step: string | null;
  validShare: number | null;
  bytes: number;
}

/**
 * The recent cubes.
 *
 * #### Notes
 * The list lives in Lab's state database. Describing a cube starts a probe process on the
 * server, so it happens on demand only.
 */
export class CubesModel implements IDisposable {
  constructor(options: CubesModel.IOptions) {
    this._client = options.client;
    this._stateDB = options.stateDB ?? null;
    this._restored = this._restore();
  }

  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** The latest first. */
  get cubes(): readonly IRecentCube[] {
    return this._cubes;
  }

  /** Resolves when the list of the last session is back. */
  get restored(): Promise<void> {
    return this._restored;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  /** Whether a cube is being described. */
  isDescribing(uri: string): boolean {
    return this._busy.has(uri);
  }

  /** Why a cube could not be described. */
  problem(uri: string): MLKitError | null {
    return this._problems.get(uri) ?? null;
  }

  /** Put a cube at the head of the list. */
  remember(uri: string, description?: CubeDescription): void {
    const old = this._cubes.find(cube => cube.uri === uri);
    const summary = description ? summarize(description) : old?.summary;
    this._cubes = [
      { uri, summary: summary ?? null },
      ...this._cubes.filter(cube => cube.uri !== uri)
    ].slice(0, MAX_RECENT);
    this._save();
  }

  /** Take a cube off the list; the cube itself stays. */
  forget(uri: string): void {
    this._cubes = this._cubes.filter(cube => cube.uri !== uri);
    this._problems.delete(uri);
    this._save();
  }

  /** Describe a cube, in the environment of a kernel. */
  async describe(
    uri: string,
    options: {
      kernelspec?: string;
      options?: Readonly<Record<string, unknown>>;
      signal?: AbortSignal;
    } = {}
  ): Promise<CubeDescription> {
    const { signal, ...body } = options;
    this._busy.add(uri);
    this._problems.delete(uri);
    this._stateChanged.emit();
    try {
      const description = await this._client.describeCube(
        { uri, ...body },
        { signal }
      );
      this.remember(uri, description);
      return description;
    } catch (reason) {
      if (!signal?.aborted) {
        this._problems.set(uri, toMLKitError(reason));
      }
      throw reason;
    } finally {
      this._busy.delete(uri);
      this._stateChanged.emit();
    }
  }

  private async _restore(): Promise<void> {
    const saved = (await this._stateDB?.fetch(KEY)) as
      { cubes?: IRecentCube[] } | undefined;
    const later = new Set(this._cubes.map(cube => cube.uri));
    this._cubes = [
      ...this._cubes,
      ...(saved?.cubes ?? []).filter(cube => !later.has(cube.uri))
    ].slice(0, MAX_RECENT);
    this._stateChanged.emit();
  }

  private _save(): void {
    this._stateChanged.emit();
    const value = {
      cubes: this._cubes
    } as unknown as ReadonlyPartialJSONObject;
    void this._restored.then(() => this._stateDB?.save(KEY, value));
  }

  private readonly _client: Pick<IMLKitClient, 'describeCube'>;
  private readonly _stateDB: IStateDB | null;
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly _restored: Promise<void>;
  private readonly _busy = new Set<string>();
  private readonly _problems = new Map<string, MLKitError>();
  private _cubes: readonly IRecentCube[] = [];
  private _isDisposed = false;
}

/** Statics of the model. */
export namespace CubesModel {
  /** How the model is made. */
  export interface IOptions {
    client: Pick<IMLKitClient, 'describeCube'>;
    /** Where the list is kept; left out: until the page is closed. */
    stateDB?: IStateDB | null;
  }
}

function summarize(description: CubeDescription): ICubeSummary {
  const shares = description.variables
    .map(variable => variable.valid_share)
    .filter((share): share is number => share !== null);
  const horizontal = description.dims.find(dim => dim.role === 'x');
  return {
    title: description.title,
    period: description.period,
    step: horizontal?.step ?? null,
    validShare: shares.length > 0 ? Math.min(...shares) : null,
    bytes: description.decoded_bytes
  };
}
