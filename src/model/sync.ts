/**
 * What was logged and is not in its store yet.
 */
import type { Change, SyncState } from '../api/types';
import { LiveModel } from './live';

/** What waits, and why. */
export class SyncModel extends LiveModel {
  /** Null until the server has answered. */
  get state(): SyncState | null {
    return this._state;
  }

  /** Have what waits brought to its store; it is there a while later. */
  async send(): Promise<void> {
    this._state = await this.client.syncNow();
    this.notify();
    // Overtakes an answer from before.
    void this.refresh({ background: true });
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const state = await this.client.sync({ signal, background });
    return () => {
      this._state = state;
    };
  }

  protected concerns(change: Change): boolean {
    return change.capability === 'sync';
  }

  private _state: SyncState | null = null;
}
