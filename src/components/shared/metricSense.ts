/**
 * What a metric's key says: which way is better, and in which unit it is.
 */
import type { WireFloat } from '../../api/types';
import { asNumber } from './format';
import { splitKey } from './primaryMetric';

export type Direction = 'lower' | 'higher' | 'zero';

const LOWER = /(^|_)(rmse|mae|mse|loss|crps|error|std)$/;
const HIGHER = /(^|_)(r2|accuracy|f1|f1_macro|iou|auc|precision|recall)$/;
const IN_TARGET_UNITS = /(^|_)(rmse|mae|bias|std|max_error)$/;

/** Last part of a key: `rmse` for `baseline/mean/val_rmse`. */
function baseName(key: string): string {
  return splitKey(key.slice(key.lastIndexOf('/') + 1)).name;
}

/** Which way is better; null where the key does not tell. */
export function direction(key: string): Direction | null {
  if (/(^|\/)gain\//.test(key)) {
    return 'higher';
  }
  const name = baseName(key);
  if (LOWER.test(name)) {
    return 'lower';
  }
  if (HIGHER.test(name)) {
    return 'higher';
  }
  return /(^|_)bias$/.test(name) ? 'zero' : null;
}

/** Unit of a metric: that of the target for errors, none for scores. */
export function metricUnits(key: string, units: string | null): string {
  return units &&
    !/(^|\/)gain\//.test(key) &&
    IN_TARGET_UNITS.test(baseName(key))
    ? units
    : '';
}

/** Indices of the best among `values`; none where they are all equal or fewer than two. */
export function bestOf(
  key: string,
  values: readonly (WireFloat | null)[]
): number[] {
  const sense = direction(key);
  const cost = values.map(value => {
    const number = value === null ? NaN : asNumber(value);
    if (sense === 'higher') {
      return -number;
    }
    return sense === 'zero' ? Math.abs(number) : number;
  });
  const finite = cost.filter(Number.isFinite);
  const best = Math.min(...finite);
  if (sense === null || finite.length < 2 || finite.every(c => c === best)) {
    return [];
  }
  return cost.flatMap((c, i) => (c === best ? [i] : []));
}
