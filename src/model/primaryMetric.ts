/**
 * The metric that leads every list.
 */
import type { Run, WireFloat } from '../api/types';

/** A metric with the role it was computed on, its value and its unit. */
export interface IPrimaryMetric {
  /** As logged, such as `val_rmse`. */
  key: string;
  /** `train`, `val` or `test`; empty where the key does not say. */
  role: string;
  /** The rest of the key, such as `rmse`. */
  name: string;
  /** Null until it is logged. */
  value: WireFloat | null;
  /** Of the value; empty where it has none, as for a score. */
  units: string;
}

const ROLES = /^(train|val|valid|validation|test)[_/. ](.+)$/;
/** Metrics that are errors in the target's unit. */
const IN_TARGET_UNITS = new Set(['rmse', 'mae', 'bias', 'std', 'max_error']);

/** Guesses, best first, for runs that do not name their primary metric. */
const GUESSES = [
  /^val(id|idation)?[_/. ](rmse|loss)$/,
  /^val(id|idation)?[_/. ]/,
  /^(rmse|mae|loss)$/,
  /rmse|accuracy|loss|score/
];

/** A metric's key taken apart. */
export function splitKey(key: string): { role: string; name: string } {
  const match = ROLES.exec(key);
  if (!match) {
    return { role: '', name: key };
  }
  return {
    role: match[1].startsWith('val') ? 'val' : match[1],
    name: match[2]
  };
}

/** Whether a metric says what a run has used, and is never a score. */
export function isCost(key: string): boolean {
  return key.startsWith('system/');
}

/** Key of the metric that leads, named by the run or guessed. */
export function primaryKey(run: Run): string | null {
  if (run.primary_metric) {
    return run.primary_metric;
  }
  const keys = run.metrics
    .map(metric => metric.key)
    .filter(key => !isCost(key));
  for (const guess of GUESSES) {
    const found = keys.find(key => guess.test(key));
    if (found) {
      return found;
    }
  }
  return keys[0] ?? null;
}

/** The leading metric of a run, null where it has none. */
export function primaryMetric(run: Run): IPrimaryMetric | null {
  const key = primaryKey(run);
  if (key === null) {
    return null;
  }
  const { role, name } = splitKey(key);
  const metric = run.metrics.find(candidate => candidate.key === key);
  return {
    key,
    role,
    name,
    value: metric ? metric.value : null,
    units: IN_TARGET_UNITS.has(name) ? (run.units ?? '') : ''
  };
}
