/**
 * The output of a job, as it is written.
 */
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';

import type { MLKitError } from '../api/errors';
import { toMLKitError } from '../api/errors';
import type { LogChunk } from '../api/types';
import type { IMLKitClient } from '../tokens';

const POLL_MS = 1000;
/** Kept in the page; what is older is left out and said to be. */
const MAX_CHARACTERS = 1_000_000;
/** Pieces read in one go, so that a long log neither blocks nor trickles in. */
const MAX_PIECES = 20;

/** Output as far as it has been read. */
export interface IJobLog {
  readonly text: string;
  /** The beginning was left out because the output is long. */
  readonly truncated: boolean;
  /** The job has ended and this is all of its output. */
  readonly complete: boolean;
  readonly error: MLKitError | null;
}

/**
 * Reads on while it is followed, until the job has ended.
 */
export class JobLogModel implements IDisposable {
  constructor(options: JobLogModel.IOptions) {
    this._options = options;
    this._poll = new Poll({
      auto: false,
      name: 'jupyter-mlkit:job-log',
      factory: () => this._read(),
      frequency: { interval: POLL_MS, backoff: true, max: 30 * POLL_MS },
      standby: 'when-hidden'
    });
  }

  get log(): IJobLog {
    return this._log;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
  }

  /** Read on, or pause. */
  follow(follow: boolean): void {
    if (this.isDisposed || this._log.complete) {
      return;
    }
    if (follow) {
      void this._poll.start().then(() => this._poll.refresh());
    } else {
      void this._poll.stop();
    }
  }

  private async _read(): Promise<void> {
    try {
      for (let piece = 0; piece < MAX_PIECES; piece += 1) {
        const chunk = await this._options.client.jobLog(
          this._options.jobId,
          { offset: this._offset },
          { background: true }
        );
        if (this.isDisposed) {
          return;
        }
        this._append(chunk);
        if (chunk.complete || this._offset >= chunk.size) {
          break;
        }
      }
    } catch (reason) {
      this._log = { ...this._log, error: toMLKitError(reason) };
      this._options.onChanged();
      throw reason;
    }
    this._options.onChanged();
    if (this._log.complete) {
      void this._poll.stop();
    }
  }

  private _append(chunk: LogChunk): void {
    const text = this._log.text + chunk.text;
    const surplus = text.length - MAX_CHARACTERS;
    this._offset = chunk.next_offset;
    this._log = {
      text: surplus > 0 ? text.slice(text.indexOf('\n', surplus) + 1) : text,
      truncated: this._log.truncated || surplus > 0,
      complete: chunk.complete,
      error: null
    };
  }

  private readonly _options: JobLogModel.IOptions;
  private readonly _poll: Poll;
  private _offset = 0;
  private _log: IJobLog = {
    text: '',
    truncated: false,
    complete: false,
    error: null
  };
}

/** Statics of the model. */
export namespace JobLogModel {
  /** How the model is made. */
  export interface IOptions {
    client: Pick<IMLKitClient, 'jobLog'>;
    jobId: string;
    /** Called when there is more to show. */
    onChanged: () => void;
  }
}
