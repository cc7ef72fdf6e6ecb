import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import { MLKitError } from '../../../api/errors';
import type { SyncState } from '../../../api/types';
import { makeSync } from '../../../model/__tests__/fakeServer';
import { SyncStatus } from '../syncStatus';

const trans = nullTranslator.load('jupyter_mlkit');
const HOUR = 3_600_000;
const away = {
  where: 'http://tracking.example.org',
  error: 'Nobody answers at http://tracking.example.org.',
  hint: 'Start the tracking server.',
  failures: 12
};

function status(
  state: Partial<SyncState> | null,
  onSend: () => Promise<void> = () => Promise.resolve()
): JSX.Element {
  return (
    <SyncStatus
      trans={trans}
      state={state && makeSync(state)}
      onSend={onSend}
    />
  );
}

async function open(): Promise<HTMLElement> {
  await userEvent.click(screen.getByRole('button'));
  return screen.getByRole('group', { name: /store/ });
}

describe('SyncStatus', () => {
  it.each([
    ['before the server has answered', null],
    ['where nothing waits', {}],
    ['where it waits no longer than it should', { entries: 9, runs: 1 }]
  ])('says nothing %s', (_, state) => {
    const { container } = render(status(state));
    expect(container).toBeEmptyDOMElement();
  });

  it('says how much waits, in a word and as a sentence', () => {
    const { rerender } = render(status({ entries: 1, late: true }));
    const button = screen.getByRole('button', { name: '1 waiting' });
    expect(button).toHaveAccessibleDescription(
      '1 logged entry is not in the store yet'
    );
    rerender(status({ entries: 1_234_567, late: true }));
    expect(button).toHaveAccessibleName('1.2M waiting');
    expect(button).toHaveAccessibleDescription(
      '1,234,567 logged entries are not in the store yet'
    );
  });

  it('says what was refused and what cannot be read, in words too', () => {
    const { rerender } = render(status({ refused: 2 }));
    expect(screen.getByRole('button')).toHaveTextContent('2 refused');
    rerender(status({ troubles: [away] }));
    expect(screen.getByRole('button')).toHaveTextContent('not sent');
  });

  it('tells how much of how many runs, since when and why', async () => {
    render(
      status({
        entries: 1234,
        runs: 2,
        oldest: Date.now() - 2 * HOUR,
        late: true,
        refused: 3,
        troubles: [away, { ...away, where: 'a1b2', failures: 1 }]
      })
    );
    expect(screen.queryByRole('group', { name: /store/ })).toBeNull();
    const box = await open();
    expect(box).toHaveTextContent('Entries1,234Runs2Oldest2 h agoRefused3');
    expect(box).toHaveTextContent(away.error + away.hint);
    expect(box).toHaveTextContent(`${away.where} · tried 12 times`);
    expect(box).toHaveTextContent('Run a1b2');
    expect(box).toHaveTextContent('jupyter mlkit doctor');
    expect(box).toHaveTextContent('Nothing is lost');
  });

  it('shows of many troubles a few', async () => {
    const troubles = [1, 2, 3, 4, 5].map(n => ({ ...away, where: `run${n}` }));
    render(status({ entries: 5, late: true, troubles }));
    const box = await open();
    expect(box).toHaveTextContent('Run run3');
    expect(box).not.toHaveTextContent('Run run4');
    expect(box).toHaveTextContent('and 2 more');
  });

  it('has it sent once, and stays while the last of it goes', async () => {
    let done: () => void = () => undefined;
    const onSend = jest.fn(
      () => new Promise<void>(resolve => (done = resolve))
    );
    const { rerender } = render(status({ entries: 3, late: true }, onSend));
    const box = await open();
    const button = within(box).getByRole('button');
    await userEvent.click(button);
    await userEvent.click(button);
    expect(onSend).toHaveBeenCalledTimes(1);
    expect(within(box).getByRole('status')).toHaveTextContent('being tried');
    await act(async () => done());
    expect(within(box).getByRole('status')).toHaveTextContent('being tried');
    expect(box).toHaveTextContent('Nothing is lost');
    rerender(status({}, onSend));
    expect(box).toHaveTextContent('All that can be sent is in the store.');
    expect(within(box).queryByRole('button')).toBeNull();
    act(() => box.focus());
    await userEvent.keyboard('{Escape}');
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('says why it cannot be sent', async () => {
    const onSend = () =>
      Promise.reject(new MLKitError({ message: 'the disk is full' }, 502));
    render(status({ entries: 3, late: true }, onSend));
    const box = await open();
    await userEvent.click(within(box).getByRole('button'));
    expect(within(box).getByRole('alert')).toHaveTextContent(
      'the disk is full'
    );
    expect(box).not.toHaveTextContent('being tried');
  });

  it('is closed by Escape, which gives the focus back', async () => {
    render(status({ entries: 3, late: true }));
    const box = await open();
    await userEvent.tab();
    expect(within(box).getByRole('button')).toHaveFocus();
    await userEvent.keyboard('{Escape}');
    expect(screen.getByRole('button', { name: /waiting/ })).toHaveFocus();
    expect(screen.queryByRole('group', { name: /store/ })).toBeNull();
  });

  it('shows errors as text, whatever they hold', async () => {
    const error = '<img src=x onerror=alert(1)>';
    const { container } = render(
      status({ entries: 1, late: true, troubles: [{ ...away, error }] })
    );
    await open();
    expect(screen.getByText(error)).toBeInTheDocument();
    expect(container.querySelector('img')).toBeNull();
  });
});
