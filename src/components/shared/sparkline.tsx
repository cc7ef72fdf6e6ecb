/**
 * A curve the size of a word.
 */
import * as React from 'react';

const WIDTH = 40;
const HEIGHT = 12;

/** Props of `Sparkline`. */
export interface ISparklineProps {
  values: readonly number[];
  /** What it shows, for those who do not see it. */
  label: string;
}

/** The path of values, scaled to the box; what is not finite leaves a gap. */
export function sparkPath(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  if (finite.length < 2) {
    return '';
  }
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const span = high - low || 1;
  let path = '';
  let pen = 'M';
  values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      pen = 'M';
      return;
    }
    const x = 1 + (i / (values.length - 1)) * (WIDTH - 2);
    const y = HEIGHT - 1 - ((value - low) / span) * (HEIGHT - 2);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

/** A sparkline, or nothing where there is no curve. */
export function Sparkline(props: ISparklineProps): JSX.Element | null {
  const path = sparkPath(props.values);
  if (!path) {
    return null;
  }
  return (
    <svg
      className="jp-mlkit-sparkline"
      role="img"
      aria-label={props.label}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
    >
      <path d={path} />
    </svg>
  );
}
