/**
 * Numbers as people read them: few digits, a true minus sign, words for what is no number.
 */
import type { WireFloat } from '../../api/types';

const MINUS = '−';
const MISSING = '–';
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** A float from the wire, where NaN and infinity are words. */
export function asNumber(value: WireFloat): number {
  return typeof value === 'number' ? value : Number(value);
}

/** A number with `digits` significant figures, such as `1.93`, `−0.081` or `2.10e+6`. */
export function formatNumber(
  value: WireFloat | null | undefined,
  digits = 3
): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  const number = asNumber(value);
  if (Number.isNaN(number)) {
    return 'NaN';
  }
  if (!Number.isFinite(number)) {
    return number > 0 ? '∞' : `${MINUS}∞`;
  }
  const size = Math.abs(number);
  if (Number.isInteger(number) && size < 1e6) {
    return number.toLocaleString('en').replace('-', MINUS);
  }
  const far = size !== 0 && (size >= 1e6 || size < 1e-4);
  const text = far ? number.toExponential(digits - 1) : fixed(number, digits);
  return text.replace(/-/g, MINUS);
}

/** How many, short enough for a narrow place, such as `3` or `1.2M`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en', {
    notation: 'compact',
    maximumFractionDigits: 1
  });
}

/** From 0.1 on as many decimals as 1 has, so that a column lines up; below, two figures. */
function fixed(number: number, digits: number): string {
  const size = Math.abs(number);
  if (size < 0.1) {
    return number.toPrecision(2);
  }
  const exponent = Math.max(0, Math.floor(Math.log10(size)));
  return number.toFixed(Math.max(0, digits - 1 - exponent));
}

/** A share of one as a percentage, such as `21 %`. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined || Number.isNaN(share)) {
    return MISSING;
  }
  const percent = share * 100;
  const digits = Math.abs(percent) < 1 && percent !== 0 ? 1 : 0;
  return `${percent.toFixed(digits).replace('-', MINUS)} %`;
}

/** A number of bytes in decimal units, such as `480 MB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) {
    return MISSING;
  }
  let size = bytes;
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && size < 10 ? 1 : 0;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

/** A span of milliseconds with its two largest units, such as `1 m 52 s`. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 86400), 'd'],
    [Math.floor((seconds % 86400) / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'm'],
    [seconds % 60, 's']
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) {
    return '0 s';
  }
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
