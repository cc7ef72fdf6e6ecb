/**
 * What a run has used: the metrics that begin with `system/`, in units that people read.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Run } from '../../api/types';
import {
  asNumber,
  formatBytes,
  formatDuration,
  formatNumber
} from '../shared/format';
import { isCost } from '../shared/primaryMetric';

/** One line. */
export interface ICostRow {
  key: string;
  label: string;
  text: string;
  /** The exact number, and how it was found where the run tells. */
  title: string;
}

const GPU_MEMORY = /^system\/gpu_(\d+)_peak_memory_megabytes$/;

/** The lines: ours first, then what else was logged of the machine. */
export function costRows(trans: TranslationBundle, run: Run): ICostRow[] {
  const ours: Record<string, string> = {
    'system/wall_time_seconds': trans.__('time'),
    'system/cpu_time_seconds': trans.__('CPU time'),
    'system/process_peak_memory_megabytes': trans.__('memory, peak'),
    'system/energy_kilowatt_hours': trans.__('energy'),
    'system/co2e_grams': trans.__('CO₂e')
  };
  const order = Object.keys(ours);
  const rank = (key: string) =>
    order.includes(key) ? order.indexOf(key) : order.length;
  const labelOf = (key: string) => {
    const gpu = GPU_MEMORY.exec(key);
    return gpu
      ? trans.__('GPU %1 memory, peak', gpu[1])
      : order.includes(key)
        ? ours[key]
        : key.slice('system/'.length);
  };
  return run.metrics
    .filter(metric => isCost(metric.key))
    .sort((a, b) => rank(a.key) - rank(b.key) || a.key.localeCompare(b.key))
    .map(({ key, value }) => ({
      key,
      label: labelOf(key),
      text: withUnit(key, asNumber(value)),
      title: [String(value), methodOf(run, key)].filter(Boolean).join('\n')
    }));
}

function withUnit(key: string, value: number): string {
  if (!Number.isFinite(value)) {
    return formatNumber(value);
  }
  if (key.endsWith('_time_seconds')) {
    return value < 10
      ? `${formatNumber(value)} s`
      : formatDuration(value * 1000);
  }
  if (key.endsWith('_memory_megabytes')) {
    return formatBytes(value * 1e6);
  }
  if (key === 'system/energy_kilowatt_hours') {
    return value < 0.1
      ? `${formatNumber(value * 1000)} Wh`
      : `${formatNumber(value)} kWh`;
  }
  return key === 'system/co2e_grams'
    ? `${formatNumber(value)} g`
    : formatNumber(value);
}

function methodOf(run: Run, key: string): string | undefined {
  if (key === 'system/energy_kilowatt_hours') {
    return run.tags['mlkit.energy.method'];
  }
  return key === 'system/co2e_grams'
    ? run.tags['mlkit.co2e.method']
    : undefined;
}
