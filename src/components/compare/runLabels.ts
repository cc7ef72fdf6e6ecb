/**
 * Names of runs, made unique where two runs share one.
 */
import type { Run } from '../../api/types';

/** A label for each run id. */
export function runLabels(runs: readonly Run[]): Map<string, string> {
  const count = new Map<string, number>();
  for (const run of runs) {
    count.set(run.run_name, (count.get(run.run_name) ?? 0) + 1);
  }
  return new Map(
    runs.map(run => [
      run.run_id,
      (count.get(run.run_name) ?? 0) > 1
        ? `${run.run_name} (${run.run_id.slice(0, 6)})`
        : run.run_name
    ])
  );
}
