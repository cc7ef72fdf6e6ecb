import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { fireEvent, render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import { MLKitError } from '../../../api/errors';
import { makeRun } from '../../../model/__tests__/fakeServer';
import { ErrorBox } from '../errorBox';
import { chipLook } from '../evaluationChip';
import {
  formatBytes,
  formatDuration,
  formatNumber,
  formatShare
} from '../format';
import { Guard } from '../guard';
import { primaryMetric } from '../primaryMetric';
import { RegisterBar } from '../registerBar';
import { relativeTime } from '../relativeTime';
import { sparkPath } from '../sparkline';
import { StateGlyph, runState } from '../stateGlyph';

const trans = nullTranslator.load('jupyter_mlkit');

describe('format', () => {
  it.each([
    [1.9312, '1.93'],
    [12.345, '12.3'],
    [123.4, '123'],
    [0.712, '0.71'],
    [-0.0812, '−0.081'],
    [0.00123, '0.0012'],
    [2, '2'],
    [128000, '128,000'],
    [2.1e9, '2.10e+9'],
    [2.1e-9, '2.10e−9'],
    ['NaN', 'NaN'],
    ['-Infinity', '−∞'],
    [null, '–']
  ] as const)('writes %p as %p', (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });

  it('writes shares, bytes and spans', () => {
    expect(formatShare(0.214)).toBe('21 %');
    expect(formatShare(-0.38)).toBe('−38 %');
    expect(formatShare(0.004)).toBe('0.4 %');
    expect(formatBytes(480_000_000)).toBe('480 MB');
    expect(formatBytes(1_500)).toBe('1.5 kB');
    expect(formatBytes(999_999)).toBe('1.0 MB');
    expect(formatDuration(112_000)).toBe('1 m 52 s');
    expect(formatDuration(3_600_000)).toBe('1 h');
    expect(formatDuration(0)).toBe('0 s');
  });

  it('says moments as people do', () => {
    const now = 1_000_000_000;
    expect(relativeTime(now - 2_000, now, trans)).toBe('just now');
    expect(relativeTime(now - 180_000, now, trans)).toBe('3 min ago');
    expect(relativeTime(now - 7_200_000, now, trans)).toBe('2 h ago');
  });
});

describe('primaryMetric', () => {
  const metrics = ['train_rmse', 'val_rmse', 'val_r2'].map(key => ({
    key,
    value: 1,
    step: 0,
    timestamp: 0
  }));

  it('takes what the run names, with the unit of its target', () => {
    expect(primaryMetric(makeRun('a', { metrics }))).toMatchObject({
      role: 'val',
      name: 'rmse',
      value: 1,
      units: 'K'
    });
  });

  it('guesses validation first where the run names none', () => {
    const run = makeRun('a', { metrics, primary_metric: null });
    expect(primaryMetric(run)?.key).toBe('val_rmse');
    expect(primaryMetric(makeRun('a', { primary_metric: null }))).toBeNull();
  });

  it('never guesses what a run has used', () => {
    const cost = { key: 'system/loss', value: 1, step: 0, timestamp: 0 };
    const run = makeRun('a', { metrics: [cost], primary_metric: null });
    expect(primaryMetric(run)).toBeNull();
  });

  it('gives a score no unit', () => {
    const run = makeRun('a', { metrics, primary_metric: 'val_r2' });
    expect(primaryMetric(run)?.units).toBe('');
  });
});

describe('evaluation chip', () => {
  it('is the same for the same hash, for ever', () => {
    expect(chipLook('abc')).toEqual(chipLook('abc'));
    expect(chipLook('abc')).toEqual({ shape: 5, colour: 1 });
  });

  it('spreads hashes over shapes and colours', () => {
    const looks = new Set(
      Array.from({ length: 200 }, (_, i) => JSON.stringify(chipLook(`h${i}`)))
    );
    expect(looks.size).toBeGreaterThan(40);
  });
});

describe('sparkline', () => {
  it('breaks at what is not finite, and is nothing without a curve', () => {
    expect(sparkPath([1])).toBe('');
    expect(sparkPath([1, NaN, 2, 3]).match(/M/g)).toHaveLength(2);
  });
});

describe('state', () => {
  it('says of a run without signs of life that it may be lost, and why', () => {
    const run = makeRun('a', { status: 'RUNNING', lost: true });
    render(<StateGlyph trans={trans} state={runState(run)} withWord />);
    const word = screen.getByText('lost?');
    expect(word).toBeVisible();
    expect(word.parentElement?.title).toMatch(
      /10 minutes.*cut off.*nothing closes/
    );
  });

  it('tells a lost run from a failed one', () => {
    const lost = makeRun('a', {
      status: 'FAILED',
      tags: { 'mlkit.end_reason': 'lost' }
    });
    expect(runState(lost)).toBe('LOST');
    expect(runState(makeRun('a', { status: 'FAILED' }))).toBe('FAILED');
  });
});

describe('ErrorBox', () => {
  it('shows what happened and the fix, and copies the details', async () => {
    const user = userEvent.setup();
    const error = { message: 'locked', code: 'store_locked', hint: 'wait' };
    const onRetry = jest.fn();
    render(<ErrorBox trans={trans} error={error} onRetry={onRetry} />);
    expect(screen.getByRole('alert')).toHaveTextContent('locked');
    expect(screen.getByRole('alert')).toHaveTextContent('wait');
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(onRetry).toHaveBeenCalled();
    fireEvent.click(screen.getByText('Copy'));
    expect(await screen.findByText('Copied')).toBeInTheDocument();
    expect(await navigator.clipboard.readText()).toContain('store_locked');
  });
});

describe('RegisterBar', () => {
  it('shows why a name is refused', async () => {
    const onRegister = () =>
      Promise.reject(new MLKitError({ message: 'bad name' }, 400));
    render(
      <RegisterBar
        trans={trans}
        onRegister={onRegister}
        onClose={() => undefined}
      />
    );
    expect(screen.getByRole('button', { name: 'Register' })).toBeDisabled();
    await userEvent.type(screen.getByLabelText('Register as'), 'a/b{Enter}');
    expect(await screen.findByText('bad name')).toBeVisible();
  });
});

describe('Guard', () => {
  it('shows the fallback where its child fails', () => {
    const told = jest.spyOn(console, 'error').mockImplementation();
    const Bad = (): JSX.Element => {
      throw new TypeError('not what it seems');
    };
    const text = 'as it is';
    render(
      <Guard fallback={text}>
        <Bad />
      </Guard>
    );
    expect(screen.getByText(text)).toBeVisible();
    told.mockRestore();
  });
});
