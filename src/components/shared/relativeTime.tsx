/**
 * A moment as people say it, with the exact time on hover and focus.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/** A moment in words: `3 min ago`. */
export function relativeTime(
  time: number,
  now: number,
  trans: TranslationBundle
): string {
  const seconds = Math.round((now - time) / 1000);
  if (seconds < 10) {
    return trans.__('just now');
  }
  if (seconds < MINUTE) {
    return trans.__('%1 s ago', seconds);
  }
  if (seconds < HOUR) {
    return trans.__('%1 min ago', Math.round(seconds / MINUTE));
  }
  if (seconds < DAY) {
    return trans.__('%1 h ago', Math.round(seconds / HOUR));
  }
  if (seconds < 30 * DAY) {
    return trans.__('%1 d ago', Math.round(seconds / DAY));
  }
  return new Date(time).toLocaleDateString();
}

/** Seconds until the words change. */
function patience(time: number, now: number): number {
  const age = (now - time) / 1000;
  return age < MINUTE ? 10 : age < HOUR ? MINUTE : HOUR;
}

/** Props of `RelativeTime`. */
export interface IRelativeTimeProps {
  trans: TranslationBundle;
  /** Milliseconds since 1970-01-01 UTC. */
  time: number;
}

/** A moment that ages while one looks at it. */
export function RelativeTime(props: IRelativeTimeProps): JSX.Element {
  const { trans, time } = props;
  const [now, setNow] = React.useState(() => Date.now());
  React.useEffect(() => {
    const timer = window.setTimeout(
      () => setNow(Date.now()),
      patience(time, now) * 1000
    );
    return () => window.clearTimeout(timer);
  }, [time, now]);
  return (
    <time
      className="jp-mlkit-time"
      dateTime={new Date(time).toISOString()}
      title={new Date(time).toLocaleString()}
    >
      {relativeTime(time, Math.max(now, time), trans)}
    </time>
  );
}
