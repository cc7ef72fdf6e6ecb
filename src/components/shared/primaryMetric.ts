/** The leading metric, where components look for it. */
export type { IPrimaryMetric } from '../../model/primaryMetric';
export { primaryKey, primaryMetric, splitKey } from '../../model/primaryMetric';
