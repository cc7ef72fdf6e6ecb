/**
 * An action that takes a while: whether it runs, and why it failed.
 */
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { isAbort, toMLKitError } from '../../api/errors';

/** State of an action and how to start it. */
export interface IAction {
  busy: boolean;
  error: MLKitError | null;
  /** Start; true where it ended well. A second start while it runs is not made. */
  run(work: () => Promise<void>): Promise<boolean>;
  clear(): void;
}

/** Follow an action from start to end; a component that is gone hears nothing. */
export function useAction(): IAction {
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<MLKitError | null>(null);
  const running = React.useRef(false);
  const alive = React.useRef(true);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const run = React.useCallback(async (work: () => Promise<void>) => {
    if (running.current) {
      return false;
    }
    running.current = true;
    setBusy(true);
    setError(null);
    let failure: MLKitError | null = null;
    try {
      await work();
    } catch (reason) {
      failure = isAbort(reason) ? null : toMLKitError(reason);
    }
    running.current = false;
    if (alive.current) {
      setBusy(false);
      setError(failure);
    }
    return failure === null;
  }, []);
  const clear = React.useCallback(() => setError(null), []);
  return { busy, error, run, clear };
}
