/**
 * Of several questions only the latest answer counts.
 */
import { isAbort } from '../api/errors';

/**
 * Runs one request at a time; a newer one gives the older up.
 */
export class Latest {
  /** Whether a request is under way. */
  get busy(): boolean {
    return this._controller !== null;
  }

  /**
   * Ask; undefined where the question was overtaken or cancelled.
   *
   * @throws whatever `ask` throws, except that it was aborted.
   */
  async run<T>(
    ask: (signal: AbortSignal) => Promise<T>
  ): Promise<T | undefined> {
    this._controller?.abort();
    const controller = new AbortController();
    this._controller = controller;
    try {
      const answer = await ask(controller.signal);
      return controller.signal.aborted ? undefined : answer;
    } catch (reason) {
      if (isAbort(reason) || controller.signal.aborted) {
        return undefined;
      }
      throw reason;
    } finally {
      if (this._controller === controller) {
        this._controller = null;
      }
    }
  }

  /** Give up what is under way. */
  cancel(): void {
    this._controller?.abort();
    this._controller = null;
  }

  private _controller: AbortController | null = null;
}
