import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { act, fireEvent, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { Comparison } from '../../../api/types';
import { XSS, makeRun, show } from '../../run/__tests__/fixtures';
import { CompareView } from '../compareView';
import { runLabels } from '../runLabels';
import type { ICompareViewProps } from '../types';

function comparison(parts: Partial<Comparison> = {}): Comparison {
  return {
    runs: [
      makeRun({ run_id: 'a', run_name: 'blocks' }),
      makeRun({ run_id: 'b', run_name: 'random' }),
      makeRun({ run_id: 'c', run_name: XSS })
    ],
    verdict: 'comparable',
    reasons: [],
    differences: [
      { group: 'params', key: 'seed', values: ['0', '0', '0'], differs: false },
      {
        group: 'params',
        key: 'depth',
        values: ['3', null, XSS],
        differs: true
      },
      {
        group: 'metrics',
        key: 'val_rmse',
        values: ['2.1134', '0.7', 'NaN'],
        differs: true
      }
    ],
    ...parts
  };
}

function props(parts: Partial<ICompareViewProps> = {}): ICompareViewProps {
  return {
    trans: nullTranslator.load('jupyter_mlkit'),
    comparison: comparison(),
    error: null,
    histories: null,
    historiesError: null,
    readArtifact: jest.fn(async () => new Blob(['png'])),
    onOpenRun: jest.fn(),
    onRemoveRun: jest.fn(),
    ...parts
  };
}

beforeAll(() => {
  URL.createObjectURL = jest.fn(() => 'blob:picture');
  URL.revokeObjectURL = jest.fn();
});

describe('CompareView', () => {
  it.each([
    ['comparable', 'Comparable'],
    ['not_comparable', 'Not comparable'],
    ['unknown', 'Unknown']
  ] as const)('says %s in its own word', async (verdict, word) => {
    const given = comparison({ verdict, reasons: ['other cells'] });
    await show(<CompareView {...props({ comparison: given })} />);
    const banner = screen.getByRole('status');
    expect(within(banner).getByText(word)).toBeVisible();
    expect(within(banner).getByText('other cells')).toBeVisible();
  });

  it('shows differences first and everything on demand', async () => {
    const user = userEvent.setup();
    await show(<CompareView {...props()} />);
    expect(screen.queryByText('seed')).toBeNull();
    expect(
      screen.getByRole('row', { name: /differs depth 3 none/ })
    ).toBeVisible();
    await user.click(screen.getByLabelText('Differences only'));
    expect(screen.getByText('seed')).toBeVisible();
  });

  it('names the best score only where scores may be compared', async () => {
    const { rerender } = await show(<CompareView {...props()} />);
    const best = screen.getByText('best').closest('td');
    expect(best).toHaveTextContent('0.7');
    const given = comparison({ verdict: 'not_comparable' });
    rerender(<CompareView {...props({ comparison: given })} />);
    expect(screen.queryByText('best')).toBeNull();
  });

  it('opens and removes runs, but keeps two', async () => {
    const user = userEvent.setup();
    const given = props();
    const { rerender, container } = await show(<CompareView {...given} />);
    await user.click(screen.getByRole('button', { name: 'random' }));
    expect(given.onOpenRun).toHaveBeenCalledWith('b');
    await user.click(screen.getByRole('button', { name: 'Remove blocks' }));
    expect(given.onRemoveRun).toHaveBeenCalledWith('a');
    expect(container.querySelector('img')).toBeNull();
    const two = comparison({ runs: comparison().runs.slice(0, 2) });
    rerender(<CompareView {...given} comparison={two} />);
    expect(screen.queryByRole('button', { name: 'Remove blocks' })).toBeNull();
  });

  it('puts the same map of each run side by side', async () => {
    const given = props({ initialTab: 'maps' });
    await show(<CompareView {...given} />);
    expect(await screen.findAllByRole('img')).toHaveLength(3);
    const choice = screen.getByLabelText('Map');
    await act(async () => {
      fireEvent.change(choice, { target: { value: 'split' } });
    });
    expect(given.readArtifact).toHaveBeenLastCalledWith('c', 'maps/split.png');
  });

  it('says that no metric has shared curves, and why curves are missing', async () => {
    const { rerender } = await show(
      <CompareView {...props({ initialTab: 'curves', histories: [] })} />
    );
    expect(screen.getByText(/No metric has a curve/)).toBeVisible();
    const historiesError = {
      message: 'The store is gone.',
      code: 'store_unavailable',
      hint: null,
      field: null
    };
    rerender(
      <CompareView {...props({ initialTab: 'curves', historiesError })} />
    );
    expect(screen.getByRole('alert')).toHaveTextContent('gone');
  });

  it('shows why there is no comparison', async () => {
    const error = {
      message: 'No run b.',
      code: 'not_found',
      hint: null,
      field: null
    };
    await show(<CompareView {...props({ comparison: null, error })} />);
    expect(screen.getByRole('alert')).toHaveTextContent('No run b.');
  });
});

it('tells runs of one name apart', () => {
  const runs = [
    makeRun({ run_id: '0123456789' }),
    makeRun({ run_id: 'abcdef0123' }),
    makeRun({ run_id: 'x', run_name: 'other' })
  ];
  expect([...runLabels(runs).values()]).toEqual([
    'gbt-blocks (012345)',
    'gbt-blocks (abcdef)',
    'other'
  ]);
});
