import { groupMetrics } from '../orderChoices';

it('puts validation first, baselines, counts and costs last', () => {
  const keys = [
    'metrics.baseline/mean/val_rmse',
    'metrics.fit_seconds',
    'metrics.n_val',
    'metrics.system/co2e_grams',
    'metrics.test_rmse',
    'metrics.train_rmse',
    'metrics.val_mae',
    'metrics.val_rmse'
  ];
  expect(groupMetrics(keys)).toEqual([
    { group: 'val', keys: ['metrics.val_mae', 'metrics.val_rmse'] },
    { group: 'test', keys: ['metrics.test_rmse'] },
    { group: 'train', keys: ['metrics.train_rmse'] },
    { group: 'other', keys: ['metrics.fit_seconds'] },
    {
      group: 'rest',
      keys: [
        'metrics.baseline/mean/val_rmse',
        'metrics.n_val',
        'metrics.system/co2e_grams'
      ]
    }
  ]);
});

it('leaves out what is empty', () => {
  expect(groupMetrics([])).toEqual([]);
});
