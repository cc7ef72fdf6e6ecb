import '@testing-library/jest-dom';
import { nullTranslator } from '@jupyterlab/translation';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import type { ArtifactPage, ArtifactPreview } from '../../../api/types';
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

function shown(
  kind: ArtifactPreview['kind'],
  parts: Partial<ArtifactPreview>
): ArtifactPreview {
  return {
    path: 'a',
    kind,
    size: 10,
    truncated: false,
    text: null,
    table: null,
    cells: null,
    media_type: null,
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
      items: [{ path: 'huge.png', is_dir: false, size: 10 ** 10 }]
    });
    (artifacts.preview as jest.Mock).mockResolvedValue(
      shown('image', { size: 10 ** 10, media_type: 'image/png' })
    );
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    await user.click(await screen.findByRole('button', { name: /huge/ }));
    expect(await screen.findByText(/Too large/)).toBeVisible();
    expect(artifacts.read).not.toHaveBeenCalled();
  });

  it('shows a table as its cells stand in the file', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({ 'a.csv': '' });
    (artifacts.preview as jest.Mock).mockResolvedValue(
      shown('table', {
        truncated: true,
        size: 1000,
        table: { columns: ['x', XSS], rows: [['=1+1', XSS]] }
      })
    );
    const { container } = render(
      <ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />
    );
    await user.click(await screen.findByRole('button', { name: /a\.csv/ }));
    expect(await screen.findByRole('cell', { name: '=1+1' })).toBeVisible();
    expect(screen.getByRole('cell', { name: XSS })).toBeVisible();
    expect(screen.getByText(/beginning of/)).toBeVisible();
    expect(container.querySelector('img')).toBeNull();
  });

  it('shows sources and texts of a notebook, and renders none of them', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({ 'a.ipynb': '' });
    (artifacts.preview as jest.Mock).mockResolvedValue(
      shown('notebook', {
        cells: [
          { kind: 'markdown', source: XSS, outputs: [] },
          { kind: 'code', source: '1 + 1', outputs: ['2'] }
        ]
      })
    );
    const { container } = render(
      <ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />
    );
    await user.click(await screen.findByRole('button', { name: /ipynb/ }));
    expect(await screen.findByText(XSS)).toBeVisible();
    expect(screen.getByText('1 + 1')).toBeVisible();
    expect(screen.getByText('2')).toBeVisible();
    expect(container.querySelector('img')).toBeNull();
  });

  it('looks into a cube only when asked, and says why it cannot', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({});
    (artifacts.list as jest.Mock).mockImplementation(async (path: string) =>
      path === '' ? page(['cube/']) : page(['cube/zarr.json'])
    );
    (artifacts.preview as jest.Mock).mockResolvedValue(shown('cube', {}));
    const describe = artifacts.describeCube as jest.Mock;
    describe.mockRejectedValueOnce(new Error('It lies in another file.'));
    render(<ArtifactsTab trans={trans} artifacts={artifacts} runId="r1" />);
    await user.click(await screen.findByRole('button', { name: 'cube/' }));
    await user.click(
      await screen.findByRole('button', { name: 'This folder is a cube' })
    );
    const look = await screen.findByRole('button', { name: /Look into/ });
    expect(describe).not.toHaveBeenCalled();
    expect(screen.queryByRole('button', { name: 'Download' })).toBeNull();
    await user.click(look);
    expect(await screen.findByRole('alert')).toHaveTextContent('another file');
    describe.mockResolvedValueOnce({
      map_png: 'iVBORw0KGgo=',
      description: {
        format: 'zarr',
        dims: [{ name: 'time', size: 3 }],
        problems: [{ message: 'No units.' }],
        variables: [
          {
            name: XSS,
            units: 'K',
            dims: ['time'],
            dtype: 'float32',
            valid_share: 0.5,
            minimum: 1,
            maximum: 2
          }
        ]
      }
    });
    await user.click(screen.getByRole('button', { name: /Look into/ }));
    expect(await screen.findByText('zarr · time 3')).toBeVisible();
    expect(screen.getByRole('rowheader', { name: XSS })).toBeVisible();
    expect(screen.getByRole('img')).toHaveAttribute(
      'src',
      'data:image/png;base64,iVBORw0KGgo='
    );
    expect(artifacts.describeCube).toHaveBeenLastCalledWith('cube');
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
