/**
 * What a request answers while a component shows it.
 */
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { toMLKitError } from '../../api/errors';

/** An answer as far as it is known: loading where both are null. */
export interface IAnswer<T> {
  answer: T | null;
  error: MLKitError | null;
}

/** Ask once for each `key`; null asks nothing. */
export function useAnswer<T>(
  key: string | null,
  ask: () => Promise<T>
): IAnswer<T> {
  const [state, setState] = React.useState<IAnswer<T>>({
    answer: null,
    error: null
  });
  const latest = React.useRef(ask);
  latest.current = ask;
  React.useEffect(() => {
    setState({ answer: null, error: null });
    if (key === null) {
      return;
    }
    let alive = true;
    latest.current().then(
      answer => alive && setState({ answer, error: null }),
      reason => alive && setState({ answer: null, error: toMLKitError(reason) })
    );
    return () => {
      alive = false;
    };
  }, [key]);
  return state;
}
