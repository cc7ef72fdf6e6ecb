import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { IChildViewProps } from '../childView';
import { ChildView } from '../childView';

const trans = nullTranslator.load('jupyter_mlkit');

function propsOf(more: Partial<IChildViewProps>): IChildViewProps {
  return {
    trans,
    title: trans.__('MLflow UI'),
    url: null,
    version: 0,
    isGone: false,
    error: null,
    onOpen: () => undefined,
    onOpenTab: () => undefined,
    ...more
  };
}

describe('ChildView', () => {
  it('says that it starts, then shows the page in a sandbox', () => {
    const { rerender } = render(<ChildView {...propsOf({})} />);
    expect(screen.getByRole('status')).toHaveTextContent('Starting MLflow UI…');
    expect(screen.getByRole('button', { name: 'Reload' })).toBeDisabled();
    rerender(<ChildView {...propsOf({ url: '/x/#/runs/1' })} />);
    const frame = screen.getByTitle('MLflow UI');
    expect(frame).toHaveAttribute('src', '/x/#/runs/1');
    const sandbox = frame.getAttribute('sandbox')?.split(' ');
    expect(sandbox).toContain('allow-scripts');
    expect(sandbox?.some(word => word.startsWith('allow-top'))).toBe(false);
    expect(sandbox).not.toContain('allow-modals');
  });

  it('offers to start again what has ended', async () => {
    const onOpen = jest.fn();
    render(<ChildView {...propsOf({ url: '/x/', isGone: true, onOpen })} />);
    expect(screen.queryByTitle('MLflow UI')).toBeNull();
    await userEvent.click(
      screen.getByRole('button', { name: 'Start it again' })
    );
    expect(onOpen).toHaveBeenCalled();
  });

  it('says why it could not start', () => {
    const error = {
      message: 'MLflow is not installed',
      code: 'mlflow_missing'
    };
    render(<ChildView {...propsOf({ error })} />);
    expect(screen.getByRole('alert')).toHaveTextContent(
      'MLflow is not installed'
    );
  });
});
