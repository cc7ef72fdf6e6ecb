/**
 * What all models have in common: they say when they changed, load again on news, and
 * only while somebody looks.
 */
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { MLKitError } from '../api/errors';
import { toMLKitError } from '../api/errors';
import type { Change } from '../api/types';
import type { IChanges, IMLKitClient } from '../tokens';
import { Latest } from './latest';

/** News that come within this time are answered by one request. */
const GATHER_MS = 150;

/** How a live model is made. */
export interface ILiveOptions {
  client: IMLKitClient;
  changes: IChanges;
}

/**
 * Base of the models: loading, error, and staying current while somebody looks.
 */
export abstract class LiveModel implements IDisposable {
  constructor(options: ILiveOptions) {
    this.client = options.client;
    this.changes = options.changes;
    this.changes.changed.connect(this._onChange, this);
  }

  /** Something that is shown has changed. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Why the latest load failed; what was loaded before stays. */
  get error(): MLKitError | null {
    return this._error;
  }

  /** Whether something was loaded, ever. */
  get isLoaded(): boolean {
    return this._isLoaded;
  }

  /** Whether a load is under way that somebody asked for. */
  get isLoading(): boolean {
    return this._isLoading;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._latest.cancel();
    this._hold?.dispose();
    Signal.clearData(this);
  }

  /**
   * Keep this model current as long as the returned object lives.
   *
   * The first look loads; a later one loads again where news were missed.
   */
  look(): IDisposable {
    this._looking += 1;
    if (this._looking === 1) {
      this._hold = this.changes.hold();
      if (!this._isLoaded || this._isStale) {
        void this.refresh({ background: this._isLoaded });
      }
    }
    return new DisposableDelegate(() => {
      this._looking -= 1;
      if (this._looking === 0) {
        this._hold?.dispose();
        this._hold = null;
        // Nobody tells us what happens from here on.
        this._isStale = true;
      }
    });
  }

  /** Load again; failures end up in `error`. */
  async refresh(options: { background?: boolean } = {}): Promise<void> {
    const background = options.background ?? false;
    this._isStale = false;
    if (!background) {
      this._isLoading = true;
      this.notify();
    }
    try {
      const done = await this._latest.run(async signal => {
        const apply = await this.load(signal, background);
        if (!signal.aborted) {
          apply();
        }
        return true;
      });
      if (!done) {
        return;
      }
      this._error = null;
      this._isLoaded = true;
    } catch (reason) {
      this._error = toMLKitError(reason);
    }
    this._isLoading = false;
    this.notify();
  }

  /**
   * Fetch what this model shows and return what puts it in place, so that an answer
   * that was overtaken leaves no trace.
   */
  protected abstract load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void>;

  /** Whether news concern this model. */
  protected abstract concerns(change: Change): boolean;

  /** Say that something changed. */
  protected notify(): void {
    if (!this._isDisposed) {
      this._stateChanged.emit();
    }
  }

  protected readonly client: IMLKitClient;
  protected readonly changes: IChanges;

  private _onChange(_: IChanges, change: Change): void {
    if (!this.concerns(change)) {
      return;
    }
    if (this._looking === 0) {
      this._isStale = true;
      return;
    }
    if (this._timer === undefined) {
      this._timer = window.setTimeout(() => {
        this._timer = undefined;
        // A load that somebody asked for is under way: it may have missed the news, ask after it.
        if (this._isLoading) {
          this._onChange(this.changes, change);
        } else {
          void this.refresh({ background: true });
        }
      }, GATHER_MS);
    }
  }

  private readonly _latest = new Latest();
  private readonly _stateChanged = new Signal<this, void>(this);
  private _error: MLKitError | null = null;
  private _isLoaded = false;
  private _isLoading = false;
  private _isDisposed = false;
  private _isStale = false;
  private _looking = 0;
  private _hold: IDisposable | null = null;
  private _timer: number | undefined;
}
