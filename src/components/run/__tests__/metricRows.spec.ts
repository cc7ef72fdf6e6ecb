import { nullTranslator } from '@jupyterlab/translation';

import { makeEvaluation } from '../../../model/__tests__/fakeServer';
import { bestOf, direction, metricUnits } from '../../shared/metricSense';
import { bestBaseline, sharedBaseline } from '../../shared/baseline';
import { costRows } from '../costRows';
import { metricTable } from '../metricRows';
import { makeRun } from './fixtures';

it('puts the primary metric first, its baselines below it', () => {
  const metric = (key: string, value: number) => ({
    key,
    value,
    step: 0,
    timestamp: 0
  });
  const run = makeRun({
    metrics: [
      metric('val_mae', 1),
      metric('baseline/mean/val_rmse', 9),
      metric('baseline/linear/val_rmse', 3),
      metric('val_rmse', 2),
      metric('n', 4)
    ]
  });
  const { rows, others } = metricTable(run);
  expect(rows.map(row => [row.name, row.baseline])).toEqual([
    ['rmse', null],
    ['rmse', 'mean'],
    ['rmse', 'linear'],
    ['mae', null]
  ]);
  expect(others.map(other => other.key)).toEqual(['n']);
  expect(bestBaseline(run)).toMatchObject({ name: 'linear', units: 'K' });
  expect(bestBaseline(makeRun({ metrics: [] }))).toBeNull();
});

it('tells costs apart from scores, in units that people read', () => {
  const metric = (key: string, value: number | 'NaN') => ({
    key: `system/${key}`,
    value,
    step: 0,
    timestamp: 0
  });
  const run = makeRun({
    metrics: [
      metric('co2e_grams', 0.421),
      metric('cpu_utilization_percentage', 12),
      metric('energy_kilowatt_hours', 0.0012),
      metric('gpu_0_peak_memory_megabytes', 2100),
      metric('process_peak_memory_megabytes', 480),
      metric('wall_time_seconds', 112),
      metric('cpu_time_seconds', 3.2)
    ],
    tags: { 'mlkit.energy.method': 'RAPL' }
  });
  expect(metricTable(run).others).toEqual([]);
  const rows = costRows(nullTranslator.load('jupyter_mlkit'), run);
  expect(rows.map(({ label, text }) => [label, text])).toEqual([
    ['time', '1 m 52 s'],
    ['CPU time', '3.20 s'],
    ['memory, peak', '480 MB'],
    ['energy', '1.20 Wh'],
    ['CO₂e', '0.42 g'],
    ['cpu_utilization_percentage', '12'],
    ['GPU 0 memory, peak', '2.1 GB']
  ]);
  expect(rows[3].title).toContain('RAPL');
});

it.each([
  ['val_rmse', 'lower'],
  ['baseline/mean/val_rmse', 'lower'],
  ['gain/val_rmse', 'higher'],
  ['val_r2', 'higher'],
  ['test_bias', 'zero'],
  ['fit_seconds', null]
])('knows which way %s is better', (key, sense) => {
  expect(direction(key)).toBe(sense);
});

it('names the best, and nobody where all are alike or alone', () => {
  expect(bestOf('val_rmse', [2, 1, 'NaN', null])).toEqual([1]);
  expect(bestOf('val_bias', [-0.1, 0.5])).toEqual([0]);
  expect(bestOf('val_r2', [0.9, 0.9])).toEqual([]);
  expect(bestOf('val_rmse', [1, null])).toEqual([]);
  expect(bestOf('n_train', [1, 2])).toEqual([]);
});

it('gives units to errors only', () => {
  expect(metricUnits('val_rmse', 'K')).toBe('K');
  expect(metricUnits('val_r2', 'K')).toBe('');
  expect(metricUnits('gain/val_rmse', 'K')).toBe('');
});

describe('the baseline of a list', () => {
  const run = (id: string, start: number, hash: string | null, score: number) =>
    makeRun({
      run_id: id,
      start_time: start,
      evaluation: hash === null ? null : makeEvaluation(hash),
      metrics: [
        { key: 'val_rmse', value: 2, step: 0, timestamp: 0 },
        { key: 'baseline/linear/val_rmse', value: score, step: 0, timestamp: 0 }
      ]
    });

  it('is that of the newest run', () => {
    const runs = [run('a', 1, 'x', 4), run('b', 2, 'x', 3)];
    expect(sharedBaseline(runs)).toEqual({
      name: 'linear',
      role: 'val',
      units: 'K',
      value: 3
    });
  });

  it('is none where runs were scored on different or unknown cells', () => {
    expect(sharedBaseline([])).toBeNull();
    expect(sharedBaseline([run('a', 1, null, 4)])).toBeNull();
    const runs = [run('a', 1, 'x', 4), run('b', 2, 'y', 3)];
    expect(sharedBaseline(runs)).toBeNull();
    expect(sharedBaseline([runs[0], run('c', 3, null, 3)])).toBeNull();
  });

  it('does not mind runs that have no score yet', () => {
    const young = makeRun({ start_time: 9, metrics: [] });
    expect(sharedBaseline([young, run('a', 1, 'x', 4)])?.value).toBe(4);
  });
});
