/**
 * What a model has to beat: scores that were logged as `baseline/<name>/<metric>`.
 */
import type { Run } from '../../api/types';
import { asNumber } from './format';
import { direction } from './metricSense';
import { primaryMetric } from './primaryMetric';

/** A baseline's score by the leading metric. */
export interface IBaseline {
  /** Such as `climatology`. */
  name: string;
  /** Such as `val`. */
  role: string;
  value: number;
  units: string;
}

const BASELINE = /^baseline\/([^/]+)\/(.+)$/;

/** The best baseline of a run by its leading metric; null where there is none. */
export function bestBaseline(run: Run): IBaseline | null {
  const leading = primaryMetric(run);
  if (!leading) {
    return null;
  }
  const { key, role, units } = leading;
  const sign = direction(key) === 'higher' ? -1 : 1;
  const found = run.metrics
    .flatMap(metric => {
      const match = BASELINE.exec(metric.key);
      const value = asNumber(metric.value);
      return match && match[2] === key && Number.isFinite(value)
        ? [{ name: match[1], role, units, value }]
        : [];
    })
    .sort((a, b) => sign * (a.value - b.value));
  return found[0] ?? null;
}

/**
 * The baseline of a list: that of its newest run that has one.
 *
 * Null where runs were scored on different cells, or on unknown ones: one line could not
 * speak for all of them.
 */
export function sharedBaseline(runs: readonly Run[]): IBaseline | null {
  const scored = runs.filter(
    run => (primaryMetric(run)?.value ?? null) !== null
  );
  const hashes = new Set(scored.map(run => run.evaluation?.hash));
  if (hashes.size !== 1 || hashes.has(undefined)) {
    return null;
  }
  const newest = [...scored].sort(
    (a, b) => (b.start_time ?? 0) - (a.start_time ?? 0)
  );
  for (const run of newest) {
    const baseline = bestBaseline(run);
    if (baseline) {
      return baseline;
    }
  }
  return null;
}
