/**
 * A run's metrics as a table of roles, with the baselines it has to beat.
 */
import type { Metric, Run } from '../../api/types';
import { metricUnits } from '../shared/metricSense';
import { isCost, splitKey } from '../shared/primaryMetric';

export const ROLES = ['train', 'val', 'test'] as const;
export type RoleName = (typeof ROLES)[number];

/** One line: a metric, or a baseline's score by that metric. */
export interface IMetricRow {
  name: string;
  units: string;
  /** Name of the baseline; null for the model's own score. */
  baseline: string | null;
  values: Partial<Record<RoleName, Metric>>;
}

export interface IMetricTable {
  rows: IMetricRow[];
  /** Metrics without a role, such as `fit_seconds`. */
  others: Metric[];
}

const BASELINE = /^baseline\/([^/]+)\/(.+)$/;

/** Arrange the metrics; the primary metric's lines come first, its baselines below it. */
export function metricTable(run: Run): IMetricTable {
  const rows = new Map<string, IMetricRow>();
  const others: Metric[] = [];
  for (const metric of run.metrics) {
    if (isCost(metric.key)) {
      continue;
    }
    const match = BASELINE.exec(metric.key);
    const baseline = match ? match[1] : null;
    const { role, name } = splitKey(match ? match[2] : metric.key);
    if (!isRole(role)) {
      others.push(metric);
      continue;
    }
    const id = `${name}\n${baseline ?? ''}`;
    const row = rows.get(id) ?? {
      name,
      baseline,
      units: metricUnits(name, run.units),
      values: {}
    };
    row.values[role] = metric;
    rows.set(id, row);
  }
  const primary = run.primary_metric ? splitKey(run.primary_metric).name : '';
  const rank = (row: IMetricRow) => (row.name === primary ? 0 : 1);
  const order = [...rows.values()];
  const firstSeen = order.map(row => row.name);
  order.sort(
    (a, b) =>
      rank(a) - rank(b) ||
      firstSeen.indexOf(a.name) - firstSeen.indexOf(b.name) ||
      Number(a.baseline !== null) - Number(b.baseline !== null)
  );
  others.sort((a, b) => a.key.localeCompare(b.key));
  return { rows: order, others };
}

function isRole(role: string): role is RoleName {
  return (ROLES as readonly string[]).includes(role);
}
