/**
 * The output of a job, as it is written.
 */
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';

import type { MLKitError } from '../api/errors';
import { toMLKitError } from '../api/errors';
import type { Change, LogChunk } from '../api/types';
import type { IChanges, IMLKitClient } from '../tokens';

/** Where nobody tells of output, look this often. */
const POLL_MS = 1000;
/** Where news are pushed, look this often all the same. */
const CHECK_MS = 15_000;
const BACKOFF_MAX_MS = 30_000;
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

const NOTHING: IJobLog = {
  text: '',
  truncated: false,
  complete: false,
  error: null
};

/**
 * Reads on while it is followed, whenever there is news of more, until the job has ended.
 */
export class JobLogModel implements IDisposable {
  constructor(options: JobLogModel.IOptions) {
    this._options = options;
    this._poll = new Poll({
      auto: false,
      name: 'jupyter-mlkit:job-log',
      factory: () => this._read(),
      frequency: { interval: POLL_MS, backoff: true, max: BACKOFF_MAX_MS },
      standby: 'when-hidden'
    });
    this._offset = -(options.tail ?? MAX_CHARACTERS);
    options.changes.changed.connect(this._onChange, this);
  }

  get log(): IJobLog {
    return this._log;
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this._options.changes.changed.disconnect(this._onChange, this);
    this._hold?.dispose();
    this._poll.dispose();
  }

  /** Read on, or pause. */
  follow(follow: boolean): void {
    if (this.isDisposed || this._log.complete) {
      return;
    }
    if (follow) {
      this._hold ??= this._options.changes.hold();
      void this._poll.start().then(() => this._poll.refresh());
    } else {
      this._rest();
    }
  }

  /** Say which attempt the job is at: another one writes an output of its own. */
  setAttempt(attempt: number): void {
    const before = this._attempt;
    this._attempt = attempt;
    if (before === null || before === attempt || this.isDisposed) {
      return;
    }
    this._offset = -(this._options.tail ?? MAX_CHARACTERS);
    this._log = NOTHING;
    this._options.onChanged();
    this.follow(true);
  }

  private _onChange(_: IChanges, change: Change): void {
    const { capability, ids } = change;
    if (
      this._hold &&
      (capability === 'logs' || capability === 'jobs') &&
      (ids.length === 0 || ids.includes(this._options.jobId))
    ) {
      void this._poll.refresh();
    }
  }

  /** Read what there is; news that come meanwhile are answered by one more look. */
  private async _read(): Promise<void> {
    if (this._isReading) {
      this._readAgain = true;
      return;
    }
    this._isReading = true;
    try {
      do {
        this._readAgain = false;
        await this._readPieces();
      } while (this._readAgain && !this.isDisposed);
    } catch (reason) {
      if (!this.isDisposed) {
        this._log = { ...this._log, error: toMLKitError(reason) };
        this._options.onChanged();
      }
      throw reason;
    } finally {
      this._isReading = false;
    }
    if (this.isDisposed) {
      return;
    }
    this._options.onChanged();
    if (this._log.complete) {
      this._rest();
      return;
    }
    const interval =
      this._options.changes.state === 'live' ? CHECK_MS : POLL_MS;
    if (interval !== this._poll.frequency.interval) {
      this._poll.frequency = { ...this._poll.frequency, interval };
    }
  }

  private async _readPieces(): Promise<void> {
    for (let piece = 0; piece < MAX_PIECES; piece += 1) {
      const attempt = this._attempt;
      const chunk = await this._options.client.jobLog(
        this._options.jobId,
        { offset: this._offset, ...(attempt ? { attempt } : {}) },
        { background: true }
      );
      if (this.isDisposed) {
        return;
      }
      if (attempt !== null && attempt !== this._attempt) {
        this._readAgain = true;
        return;
      }
      this._append(chunk);
      if (chunk.complete || this._offset >= chunk.size) {
        return;
      }
    }
  }

  private _append(chunk: LogChunk): void {
    const skipped = chunk.offset > Math.max(0, this._offset);
    const piece =
      this._offset < 0 && skipped
        ? chunk.text.slice(chunk.text.indexOf('\n') + 1)
        : chunk.text;
    const text = this._log.text + piece;
    const surplus = text.length - MAX_CHARACTERS;
    this._offset = chunk.next_offset;
    this._log = {
      text: surplus > 0 ? text.slice(text.indexOf('\n', surplus) + 1) : text,
      truncated: this._log.truncated || skipped || surplus > 0,
      complete: chunk.complete,
      error: null
    };
  }

  private _rest(): void {
    this._hold?.dispose();
    this._hold = null;
    void this._poll.stop();
  }

  private readonly _options: JobLogModel.IOptions;
  private readonly _poll: Poll;
  private _hold: IDisposable | null = null;
  private _isReading = false;
  private _readAgain = false;
  private _attempt: number | null = null;
  private _offset: number;
  private _log = NOTHING;
}

/** Statics of the model. */
export namespace JobLogModel {
  /** How the model is made. */
  export interface IOptions {
    client: Pick<IMLKitClient, 'jobLog'>;
    changes: IChanges;
    jobId: string;
    /** Begin this many bytes before the end; left out: with as much as is kept. */
    tail?: number;
    /** Called when there is more to show. */
    onChanged: () => void;
  }
}
