/**
 * A question to the server that is asked again when what it is about changes.
 */
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { isAbort, toMLKitError } from '../../api/errors';

/** The latest answer stays while the next one is on its way. */
export interface IQuestion<T> {
  answer: T | null;
  /** What the answer is about. */
  answerKey: string | null;
  busy: boolean;
  error: MLKitError | null;
  askAgain: () => void;
}

/**
 * Ask `ask` whenever `key` changes, after `delay` ms of quiet; null asks nothing.
 *
 * A newer question aborts the one before, whose answer would be of no use.
 */
export function useQuestion<T>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<T>,
  delay = 0
): IQuestion<T> {
  const [answer, setAnswer] = React.useState<{ key: string; value: T } | null>(
    null
  );
  const [error, setError] = React.useState<MLKitError | null>(null);
  const [busy, setBusy] = React.useState(false);
  const [attempt, setAttempt] = React.useState(0);
  const latest = React.useRef(ask);
  latest.current = ask;

  React.useEffect(() => {
    if (key === null) {
      setBusy(false);
      setError(null);
      return;
    }
    const abort = new AbortController();
    const settle = (done: () => void) => {
      if (!abort.signal.aborted) {
        setBusy(false);
        done();
      }
    };
    setBusy(true);
    const timer = window.setTimeout(() => {
      latest.current(abort.signal).then(
        value =>
          settle(() => {
            setAnswer({ key, value });
            setError(null);
          }),
        reason =>
          settle(() => setError(isAbort(reason) ? null : toMLKitError(reason)))
      );
    }, delay);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [key, delay, attempt]);

  const askAgain = React.useCallback(() => setAttempt(n => n + 1), []);
  return {
    answer: answer?.value ?? null,
    answerKey: answer?.key ?? null,
    busy,
    error,
    askAgain
  };
}
