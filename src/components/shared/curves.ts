/**
 * Metric histories as curves to draw.
 */
import type { MetricHistory } from '../../api/types';
import type { ICurve } from '../../charts/align';
import { asNumber } from './format';

/** How curves are drawn. */
export interface ICurveChoice {
  xKind: 'step' | 'time';
  logY: boolean;
}

/** One history as a curve called `label`. */
export function toCurve(
  history: MetricHistory,
  label: string,
  xKind: ICurveChoice['xKind']
): ICurve {
  return {
    label,
    x: xKind === 'time' ? history.timestamps : history.steps,
    y: history.values.map(asNumber)
  };
}
