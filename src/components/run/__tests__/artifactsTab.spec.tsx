import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { ArtifactPage } from '../../../api/types';
import { ArtifactsTab } from '../artifactsTab';
import { XSS, makeReader } from './fixtures';

const trans = nullTranslator.load('jupyter_mlkit');

function page(
  paths: string[],
  next: string | null = null,
  parts: Partial<ArtifactPage> = {}
): ArtifactPage {
  return {
    items: paths.map(path => ({
      path: path.replace(/\/$/, ''),
      is_dir: path.endsWith('/'),
      size: path.endsWith('/') ? null : 1000
    })),
    next_page_token: next,
    served: true,
    hint: null,
    ...parts
  };
}

describe('ArtifactsTab', () => {
  it('opens folders, pages them and goes back', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({});
    const list = artifacts.list as jest.Mock;
    list.mockImplementation(async (path: string, token: string | null) =>
      path === ''
        ? page(['maps/'])
        : token === null
          ? page(['maps/a.png'], 'next')
          : page(['maps/b.png'])
    );
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    await user.click(await screen.findByRole('button', { name: 'maps/' }));
    await user.click(await screen.findByRole('button', { name: 'Show more' }));
    expect(await screen.findByRole('button', { name: /b\.png/ })).toBeVisible();
    expect(screen.getByRole('button', { name: /a\.png/ })).toBeVisible();
    expect(list).toHaveBeenLastCalledWith('maps', 'next');
    await user.click(screen.getByRole('button', { name: 'artifacts' }));
    expect(await screen.findByRole('button', { name: 'maps/' })).toBeVisible();
  });

  it('shows a page of HTML as text', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({ 'report.html': XSS });
    const { container } = render(
      <ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />
    );
    await user.click(await screen.findByRole('button', { name: /report/ }));
    expect(await screen.findByText(XSS)).toBeVisible();
    expect(container.querySelector('img')).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Download' }));
    expect(artifacts.download).toHaveBeenCalledWith('report.html');
  });

  it('lists what is not served, with the hint and without a download', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({});
    (artifacts.list as jest.Mock).mockResolvedValue(
      page(['a.txt'], null, { served: false, hint: 'Ask the owner.' })
    );
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    expect(await screen.findByText('Ask the owner.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: /a\.txt/ }));
    expect(screen.queryByRole('button', { name: 'Download' })).toBeNull();
    expect(artifacts.read).not.toHaveBeenCalled();
  });

  it('does not fetch what is too large to show', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({});
    (artifacts.list as jest.Mock).mockResolvedValue({
      ...page([]),
      items: [{ path: 'huge.csv', is_dir: false, size: 10 ** 10 }]
    });
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    await user.click(await screen.findByRole('button', { name: /huge/ }));
    expect(screen.getByText(/Too large/)).toBeVisible();
    expect(artifacts.read).not.toHaveBeenCalled();
  });

  it('says why a folder cannot be read and tries again', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({ 'a.txt': 'a' });
    (artifacts.list as jest.Mock).mockRejectedValueOnce(
      new Error('The bucket is gone.')
    );
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    expect(await screen.findByRole('alert')).toHaveTextContent('bucket');
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('button', { name: /a\.txt/ })).toBeVisible();
  });
});
