/**
 * The server part: whether it is there, what it talks to, what is wrong.
 */
import type { Change, Status } from '../api/types';
import { LiveModel } from './live';

/** What the server says of itself. */
export class StatusModel extends LiveModel {
  /** Null until it has answered. */
  get status(): Status | null {
    return this._status;
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const status = await this.client.status({ signal, background });
    return () => {
      this._status = status;
    };
  }

  protected concerns(_change: Change): boolean {
    return false;
  }

  private _status: Status | null = null;
}
