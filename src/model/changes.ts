/**
 * News of what changed: pushed on Jupyter's event bus, asked for where the bus is silent.
 */
import type { Event } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { DisposableDelegate } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Change } from '../api/types';
import type { IChanges, IMLKitClient } from '../tokens';

/** While news are pushed, look this often all the same: a broken socket is silent too. */
const CHECK_MS = 60_000;
/** Where there is no bus. */
const POLL_MS = 5_000;
const BACKOFF_MAX_MS = 60_000;

const CAPABILITIES: readonly Change['capability'][] = [
  'experiments',
  'runs',
  'jobs',
  'logs',
  'registry',
  'sync'
];

/**
 * The live channel.
 *
 * While somebody holds it, it renews the server's lease (the server watches the store only
 * as long as somebody looks), passes on what the bus brings and, where the bus brings nothing,
 * says now and then that anything may have changed.
 */
export class ChangeStream implements IChanges, IDisposable {
  constructor(options: ChangeStream.IOptions) {
    this._client = options.client;
    this._poll = new Poll({
      auto: false,
      name: 'jupyter-mlkit:changes',
      factory: () => this._renew(),
      frequency: { interval: POLL_MS, backoff: true, max: BACKOFF_MAX_MS },
      standby: options.standby ?? 'when-hidden'
    });
    options.stream?.connect(this._onEvent, this);
  }

  get changed(): ISignal<this, Change> {
    return this._changed;
  }

  get state(): IChanges['state'] {
    return this._holders === 0
      ? 'idle'
      : this._schemaId === null
        ? 'polling'
        : 'live';
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    Signal.clearData(this);
  }

  hold(): IDisposable {
    this._holders += 1;
    if (this._holders === 1 && !this.isDisposed) {
      this._lastNews = Date.now();
      void this._poll.start().then(() => this._poll.refresh());
    }
    return new DisposableDelegate(() => {
      this._holders -= 1;
      if (this._holders === 0 && !this.isDisposed) {
        void this._poll.stop();
      }
    });
  }

  /** Renew the lease, and make up for a bus that says nothing. */
  private async _renew(): Promise<void> {
    try {
      const watch = await this._client.watch();
      if (this._schemaId === null) {
        // The first news of what waits are told while this answer is on its way.
        this._changed.emit({ capability: 'sync', kind: 'changed', ids: [] });
      }
      this._schemaId = watch.schema_id;
      const interval = Math.max(1000, (watch.expires_in * 1000) / 2);
      this._poll.frequency = { ...this._poll.frequency, interval };
    } catch (reason) {
      this._schemaId = null;
      this._poll.frequency = { ...this._poll.frequency, interval: POLL_MS };
      this._anything();
      throw reason;
    }
    if (Date.now() - this._lastNews >= CHECK_MS) {
      this._anything();
    }
  }

  private _anything(): void {
    this._lastNews = Date.now();
    for (const capability of CAPABILITIES) {
      this._changed.emit({ capability, kind: 'changed', ids: [] });
    }
  }

  private _onEvent(_: unknown, event: Event.Emission): void {
    if (this._holders === 0 || event.schema_id !== this._schemaId) {
      return;
    }
    const { capability, kind, ids } = event as unknown as Partial<Change>;
    if (capability && kind && CAPABILITIES.includes(capability)) {
      this._lastNews = Date.now();
      this._changed.emit({ capability, kind, ids: ids ?? [] });
    }
  }

  private readonly _client: Pick<IMLKitClient, 'watch'>;
  private readonly _poll: Poll;
  private readonly _changed = new Signal<this, Change>(this);
  private _holders = 0;
  private _lastNews = 0;
  private _schemaId: string | null = null;
}

/** Statics of the channel. */
export namespace ChangeStream {
  /** How a channel is made. */
  export interface IOptions {
    client: Pick<IMLKitClient, 'watch'>;
    /** Jupyter's event bus; left out where the server has none. */
    stream?: ISignal<unknown, Event.Emission>;
    /** When not even to ask. */
    standby?: Poll.IOptions<void, void, string>['standby'];
  }
}
