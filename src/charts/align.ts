/** From curves with their own x values to the aligned columns that uPlot draws. */
import uPlot from 'uplot';

export interface ICurve {
  label: string;
  /** Steps, or milliseconds since 1970. */
  x: readonly number[];
  /** NaN and infinities become gaps. */
  y: readonly number[];
}

export interface ICurveData {
  curves: readonly ICurve[];
  xKind: 'step' | 'time';
  /** Values at or below zero become gaps on a logarithmic axis. */
  logY: boolean;
}

/** Align the curves of `data` on one sorted x column; times are in seconds, as uPlot has them. */
export function align(data: ICurveData): uPlot.AlignedData {
  if (data.curves.length === 0) {
    return [[]];
  }
  return uPlot.join(data.curves.map(curve => table(curve, data)));
}

function table(curve: ICurve, data: ICurveData): uPlot.AlignedData {
  const scale = data.xKind === 'time' ? 1 / 1000 : 1;
  const order = curve.x
    .map((_, i) => i)
    .sort((a, b) => curve.x[a] - curve.x[b]);
  return [
    order.map(i => curve.x[i] * scale),
    // Null is a gap; what join leaves undefined is only another curve's x value.
    order.map(i => (drawable(curve.y[i], data.logY) ? curve.y[i] : null))
  ];
}

function drawable(value: number, logY: boolean): boolean {
  return Number.isFinite(value) && (!logY || value > 0);
}
