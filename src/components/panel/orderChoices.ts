/**
 * Metrics to order a list by, arranged so that those people look for come first.
 */
import { splitKey } from '../shared/primaryMetric';

/** Parts of the list, in this order. */
export const GROUPS = ['val', 'test', 'train', 'other', 'rest'] as const;

/** Validation, test, train, other; the rest is baselines, counts and costs. */
export type MetricGroup = (typeof GROUPS)[number];

const BASELINE_COUNT_OR_COST = /^(baseline\/|n_|system\/)/;

/** Where a metric's key belongs. */
export function metricGroup(key: string): MetricGroup {
  if (BASELINE_COUNT_OR_COST.test(key)) {
    return 'rest';
  }
  const { role } = splitKey(key);
  return role === 'val' || role === 'test' || role === 'train' ? role : 'other';
}

/** Keys such as `metrics.val_rmse` by their groups; groups without any are left out. */
export function groupMetrics(
  keys: readonly string[]
): { group: MetricGroup; keys: string[] }[] {
  return GROUPS.map(group => ({
    group,
    keys: keys.filter(key => metricGroup(shortKey(key)) === group)
  })).filter(({ keys: members }) => members.length > 0);
}

/** `val_rmse` of `metrics.val_rmse`. */
export function shortKey(key: string): string {
  return key.slice(key.indexOf('.') + 1);
}
