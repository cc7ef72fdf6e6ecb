import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';

import { saveNotebook } from '../saveNotebook';

const NOTEBOOK = { name: 'sea-01234567.ipynb', content: { cells: [] } };

function makeContents(files: Map<string, unknown>): Contents.IManager {
  const refusal = () =>
    new ServerConnection.ResponseError(
      { status: 409, statusText: 'Conflict' } as Response,
      'File already exists'
    );
  return {
    newUntitled: async ({ path }: Contents.ICreateOptions) => {
      const made = path ? `${path}/Untitled.ipynb` : 'Untitled.ipynb';
      files.set(made, 'new');
      return { path: made };
    },
    save: async (path: string, model: Partial<Contents.IModel>) => {
      files.set(path, model.content);
      return { path };
    },
    rename: async (from: string, to: string) => {
      if (files.has(to)) {
        throw refusal();
      }
      files.set(to, files.get(from));
      files.delete(from);
      return { path: to };
    },
    delete: async (path: string) => {
      files.delete(path);
    }
  } as unknown as Contents.IManager;
}

describe('saveNotebook', () => {
  it.each([
    ['', 'sea-01234567.ipynb'],
    ['work/ice', 'work/ice/sea-01234567.ipynb']
  ])('writes a new file in %p', async (folder, path) => {
    const files = new Map<string, unknown>();
    expect(await saveNotebook(makeContents(files), folder, NOTEBOOK)).toBe(
      path
    );
    expect([...files]).toEqual([[path, NOTEBOOK.content]]);
  });

  it('never writes over a file', async () => {
    const files = new Map<string, unknown>([
      ['sea-01234567.ipynb', 'mine'],
      ['sea-01234567-1.ipynb', 'mine too']
    ]);
    expect(await saveNotebook(makeContents(files), '', NOTEBOOK)).toBe(
      'sea-01234567-2.ipynb'
    );
    expect(files.get('sea-01234567.ipynb')).toBe('mine');
    expect(files.get('sea-01234567-1.ipynb')).toBe('mine too');
  });

  it('leaves nothing half written', async () => {
    const files = new Map<string, unknown>();
    const contents = makeContents(files);
    contents.save = () => Promise.reject(new Error('The disk is full.'));
    await expect(saveNotebook(contents, '', NOTEBOOK)).rejects.toThrow('full');
    expect(files.size).toBe(0);
  });
});
