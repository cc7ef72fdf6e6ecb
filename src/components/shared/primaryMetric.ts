/** The leading metric, where components look for it. */
export type { IPrimaryMetric } from '../../model/primaryMetric';
export {
  isCost,
  primaryKey,
  primaryMetric,
  splitKey
} from '../../model/primaryMetric';
