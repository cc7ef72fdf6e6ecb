import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { Fit } from '../../../api/types';
import { makeJob } from '../../../model/__tests__/fakeServer';
import type { IJobsSectionProps } from '../jobsSection';
import { JobsSection } from '../jobsSection';

const trans = nullTranslator.load('jupyter_mlkit');
const nothing = () => undefined;

const fit: Fit = {
  unit: 'epoch',
  done: 3,
  total: 10,
  step: 12,
  steps: 391,
  eta_seconds: 125,
  metrics: { val_rmse: 2.314 }
};

function propsOf(more: Partial<IJobsSectionProps>): IJobsSectionProps {
  return {
    trans,
    active: [],
    ended: [],
    isLoaded: true,
    error: null,
    isStopping: () => false,
    isMine: job => job.user !== 'bob',
    detailed: null,
    tail: null,
    onDetail: nothing,
    onOpenRun: nothing,
    onOpenLog: nothing,
    onStop: nothing,
    onRerun: nothing,
    onTrain: nothing,
    onRetry: nothing,
    ...more
  };
}

describe('JobsSection', () => {
  it('shows how far a training is, by which epoch, and what is left', () => {
    const job = makeJob('a', { phase: 'fitting', progress: 0.31, fit });
    render(<JobsSection {...propsOf({ active: [job] })} />);
    const bar = screen.getByRole('progressbar', {
      name: 'fitting · epoch 3 of 10 · batch 12 of 391'
    });
    expect(bar).toHaveValue(0.31);
    const row = screen.getByRole('row', { name: /name of a/ });
    expect(row).toHaveTextContent('31 %');
    expect(row).toHaveTextContent('2 m 5 s left');
  });

  it('counts up beside a bar without a share where nobody knows how far it is', () => {
    const job = makeJob('a', { phase: 'fitting', started: Date.now() - 4000 });
    render(<JobsSection {...propsOf({ active: [job] })} />);
    const bar = screen.getByRole('progressbar', { name: 'fitting' });
    expect(bar).not.toHaveAttribute('value');
    expect(screen.getByRole('row')).toHaveTextContent('fitting4 s');
  });

  it('forgets what was left of a fit that is over', () => {
    const job = makeJob('a', {
      phase: 'scoring',
      started: Date.now() - 4000,
      fit: { ...fit, done: 10, eta_seconds: 0 }
    });
    render(<JobsSection {...propsOf({ active: [job], detailed: 'a' })} />);
    expect(screen.getAllByRole('row')[0]).toHaveTextContent('scoring4 s');
    expect(screen.queryByText(/left/)).toBeNull();
    expect(screen.getByText('val_rmse 2.31')).toBeVisible();
  });

  it('unfolds details with the end of the output by keyboard', async () => {
    const onDetail = jest.fn();
    const job = makeJob('a', { name: 'lst', progress: 0.3, fit });
    const props = propsOf({ active: [job, makeJob('b')], onDetail });
    const { rerender } = render(<JobsSection {...props} />);
    const row = screen.getByRole('row', { name: /lst/ });
    act(() => row.focus());
    await userEvent.keyboard('{ArrowRight}{ArrowRight}{ArrowRight}');
    const toggle = screen.getByRole('button', { name: 'Details of lst' });
    expect(toggle).toHaveFocus();
    expect(toggle).toHaveAttribute('aria-expanded', 'false');
    await userEvent.keyboard('{Enter}');
    expect(onDetail).toHaveBeenCalledWith('a');

    const text = `${Array.from({ length: 20 }, (_, n) => `line ${n}`).join('\n')}\nepoch 1\repoch 2\n`;
    const tail = { text, complete: false, error: null };
    rerender(<JobsSection {...props} detailed="a" tail={tail} />);
    expect(toggle).toHaveAttribute('aria-expanded', 'true');
    const details = screen.getByRole('group', { name: 'Details of lst' });
    expect(details).toHaveTextContent('About 2 m 5 s left');
    expect(details).toHaveTextContent('val_rmse 2.31');
    const output = within(details).getByLabelText(/End of the output/);
    expect(output).toHaveTextContent('line 19 epoch 2');
    expect(output).not.toHaveTextContent('line 12');
    expect(output).not.toHaveTextContent('epoch 1');
    // It follows the output unless somebody reads further up.
    const scrolled = jest.spyOn(output, 'scrollHeight', 'get');
    scrolled.mockReturnValue(500);
    rerender(<JobsSection {...props} detailed="a" tail={{ ...tail }} />);
    expect(output.scrollTop).toBe(500);
    fireEvent.scroll(output, { target: { scrollTop: 100 } });
    scrolled.mockReturnValue(600);
    rerender(<JobsSection {...props} detailed="a" tail={{ ...tail }} />);
    expect(output.scrollTop).toBe(100);
    // What is unfolded is no stop on the way of the arrow keys.
    act(() => row.focus());
    await userEvent.keyboard('{ArrowDown}');
    expect(screen.getByRole('row', { name: /name of b/ })).toHaveFocus();
  });

  it('opens the run, the log and the form from the details', async () => {
    const [onOpenRun, onOpenLog, onRerun] = [jest.fn(), jest.fn(), jest.fn()];
    const job = makeJob('a', { state: 'DONE', ended: 3, run_id: 'r' });
    const props = propsOf({
      ended: [job],
      detailed: 'a',
      onOpenRun,
      onOpenLog,
      onRerun
    });
    render(<JobsSection {...props} />);
    await userEvent.click(screen.getByRole('button', { name: 'Open run' }));
    await userEvent.click(screen.getByRole('button', { name: 'Whole log' }));
    await userEvent.click(screen.getByRole('button', { name: 'Train again…' }));
    expect(onOpenRun).toHaveBeenCalledWith('r');
    expect(onOpenLog).toHaveBeenCalledWith('a');
    expect(onRerun).toHaveBeenCalledWith('a');
  });

  it('says who has started what others train', () => {
    const active = [
      makeJob('a', { user: 'ada' }),
      makeJob('b', { user: 'bob' })
    ];
    const { rerender } = render(
      <JobsSection {...propsOf({ active, detailed: 'a' })} />
    );
    expect(screen.queryByText(/Started by/)).toBeNull();
    rerender(<JobsSection {...propsOf({ active, detailed: 'b' })} />);
    expect(screen.getByText('Started by bob')).toBeVisible();
  });

  it('offers to stop what goes on, and to train again what has ended', () => {
    const ended = makeJob('b', { state: 'FAILED', ended: 3, attempt: 2 });
    const props = propsOf({ active: [makeJob('a')], ended: [ended] });
    render(<JobsSection {...props} detailed="b" />);
    expect(
      screen.getByRole('button', { name: /Stop name of a/ })
    ).toBeEnabled();
    expect(screen.queryByRole('button', { name: /Stop name of b/ })).toBeNull();
    screen.getByRole('button', { name: 'Train name of b again…' });
    expect(screen.getByText('Attempt 2 of 2')).toBeInTheDocument();
  });
});
