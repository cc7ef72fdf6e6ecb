/**
 * Runs that are there before a test looks, logged as somebody in a terminal would.
 */
import { execFileSync } from 'child_process';
import * as path from 'path';

/** The servers of the configuration. */
export type ServerKind = 'lab' | 'hub' | 'hostile';

/** The home of a server, with its root directory and its data. */
export function homeOf(kind: ServerKind): string {
  return path.resolve(__dirname, '..', '..', '.workspace', `ui-${kind}`);
}

/**
 * Log runs with ten steps of `val_rmse`; the first of an experiment ends with 2, the next with 3.
 *
 * @param runs - names of the runs by experiment
 */
export function logRuns(
  kind: ServerKind,
  runs: Readonly<Record<string, readonly string[]>>
): void {
  const script = path.join(__dirname, 'log_runs.py');
  // Seen only where it fails.
  execFileSync('python', [script, kind, JSON.stringify(runs)], {
    stdio: 'pipe'
  });
}

/** Log `cut-off`, of which nobody has heard for long, and `from-notebook`, which keeps its cells. */
export function logRestorable(kind: ServerKind): void {
  const script = path.join(__dirname, 'log_restorable.py');
  execFileSync('python', [script, kind], { stdio: 'pipe' });
}

/** Leave in the journal what a tracking server that is down does not take. */
export function logWaiting(kind: ServerKind): void {
  waiting(kind);
}

/** Remove it again: what brings it ends then. */
export function forgetWaiting(kind: ServerKind): void {
  waiting(kind, '--forget');
}

function waiting(...args: readonly string[]): void {
  const script = path.join(__dirname, 'log_waiting.py');
  execFileSync('python', [script, ...args], { stdio: 'pipe' });
}
