/**
 * How long something has been going on.
 */
import * as React from 'react';

import { formatDuration } from '../shared/format';

/** Counts the seconds since a moment. */
export function Elapsed(props: { since: number }): JSX.Element {
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <span className="jp-mlkit-elapsed">
      {formatDuration(now - props.since)}
    </span>
  );
}
