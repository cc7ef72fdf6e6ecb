import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { ModelVersion } from '../../../api/types';
import { XSS } from '../../run/__tests__/fixtures';
import { aliasProblem } from '../aliasRules';
import { ModelView } from '../modelView';
import type { IModelViewProps } from '../types';

const trans = nullTranslator.load('jupyter_mlkit');

function version(
  number: string,
  parts: Partial<ModelVersion> = {}
): ModelVersion {
  return {
    name: 'lst',
    version: number,
    run_id: `r${number}`,
    run_name: `run ${number}`,
    source: 'models:/m-1',
    description: '',
    creation_time: 0,
    status: 'READY',
    aliases: [],
    tags: {},
    ...parts
  };
}

function props(parts: Partial<IModelViewProps> = {}): IModelViewProps {
  return {
    trans,
    model: {
      name: 'lst',
      description: XSS,
      creation_time: 0,
      last_updated_time: 0,
      aliases: { champion: '7' },
      latest_version: '8',
      tags: {}
    },
    versions: [version('8'), version('7', { aliases: ['champion'] })],
    error: null,
    onDescribe: jest.fn().mockResolvedValue(undefined),
    onSetAlias: jest.fn().mockResolvedValue(undefined),
    onDeleteAlias: jest.fn().mockResolvedValue(undefined),
    onOpenRun: jest.fn(),
    onInsertCode: jest.fn(),
    ...parts
  };
}

describe('ModelView', () => {
  it('shows versions with aliases, and its description as text', async () => {
    const user = userEvent.setup();
    const given = props();
    const { container } = render(<ModelView {...given} />);
    expect(screen.getByText(XSS)).toBeVisible();
    expect(container.querySelector('img')).toBeNull();
    const row = within(screen.getByRole('row', { name: /v7/ }));
    await user.click(row.getByRole('button', { name: 'run 7' }));
    expect(given.onOpenRun).toHaveBeenCalledWith('r7');
    await user.click(row.getByRole('button', { name: '@champion' }));
    expect(given.onInsertCode).toHaveBeenCalledWith({ alias: 'champion' });
    await user.click(row.getByRole('button', { name: 'Insert code' }));
    expect(given.onInsertCode).toHaveBeenCalledWith({ version: '7' });
    await user.click(
      row.getByRole('button', { name: 'Remove alias champion' })
    );
    expect(given.onDeleteAlias).toHaveBeenCalledWith('champion');
  });

  it('says that an alias moves, by keyboard alone', async () => {
    const user = userEvent.setup();
    const given = props();
    render(<ModelView {...given} />);
    screen.getByRole('button', { name: 'Set an alias of version 8' }).focus();
    await user.keyboard('{Enter}');
    expect(screen.getByLabelText('Alias of version 8')).toHaveFocus();
    await user.keyboard('champion');
    expect(
      screen.getByText('Moves “champion” from version 7 to 8.')
    ).toBeVisible();
    await user.keyboard('{Enter}');
    expect(given.onSetAlias).toHaveBeenCalledWith('champion', '8');
    expect(screen.queryByLabelText('Alias of version 8')).toBeNull();
  });

  it('refuses a reserved alias before the server is asked', async () => {
    const user = userEvent.setup();
    const given = props();
    render(<ModelView {...given} />);
    await user.click(
      screen.getByRole('button', { name: 'Set an alias of version 8' })
    );
    await user.keyboard('v7{Enter}');
    expect(screen.getByText(/reserved/)).toBeVisible();
    expect(given.onSetAlias).not.toHaveBeenCalled();
    await user.keyboard('{Escape}');
    expect(screen.queryByLabelText('Alias of version 8')).toBeNull();
  });

  it('keeps the form and says why an alias was not set', async () => {
    const user = userEvent.setup();
    const onSetAlias = jest.fn().mockRejectedValue(new Error('Forbidden.'));
    render(<ModelView {...props({ onSetAlias })} />);
    await user.click(
      screen.getByRole('button', { name: 'Set an alias of version 8' })
    );
    await user.keyboard('next{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('Forbidden.');
    expect(screen.getByLabelText('Alias of version 8')).toHaveValue('next');
  });

  it('shows what is missing and how to get older versions', async () => {
    const user = userEvent.setup();
    const onMore = jest.fn().mockResolvedValue(undefined);
    const { rerender } = render(<ModelView {...props({ onMore })} />);
    await user.click(
      screen.getByRole('button', { name: 'Show older versions' })
    );
    expect(onMore).toHaveBeenCalled();
    rerender(<ModelView {...props({ versions: [] })} />);
    expect(screen.getByText(/No version yet/)).toBeVisible();
    const error = {
      message: 'No such model.',
      code: 'not_found',
      hint: null,
      field: null
    };
    rerender(<ModelView {...props({ model: null, error })} />);
    expect(screen.getByRole('alert')).toHaveTextContent('No such model.');
  });
});

it.each(['', 'latest', 'LATEST', 'v12', 'a b', 'a/b', 'x'.repeat(256)])(
  'refuses the alias "%s"',
  alias => expect(aliasProblem(alias, trans)).not.toBeNull()
);

it.each(['champion', 'v2-candidate', 'constructor', '_1'])(
  'takes the alias "%s"',
  alias => expect(aliasProblem(alias, trans)).toBeNull()
);
