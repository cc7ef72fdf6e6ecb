/**
 * Writes a notebook to a new file; one that is there already is never touched.
 */
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import { ServerConnection } from '@jupyterlab/services';

/** A notebook that is not a file yet. */
export interface INewNotebook {
  /** Wanted for its file. */
  name: string;
  /** As nbformat 4 has it. */
  content: unknown;
}

const MOST_NAMES = 100;

/**
 * Write the notebook into the folder and return the path of its file.
 *
 * #### Notes
 * The server gives a new file a name that is free, and refuses to rename it to one that is not.
 */
export async function saveNotebook(
  contents: Contents.IManager,
  folder: string,
  notebook: INewNotebook
): Promise<string> {
  const made = await contents.newUntitled({ path: folder, type: 'notebook' });
  try {
    await contents.save(made.path, {
      type: 'notebook',
      format: 'json',
      content: notebook.content
    });
    return await giveName(contents, made.path, notebook.name);
  } catch (reason) {
    await contents.delete(made.path).catch(() => undefined);
    throw reason;
  }
}

/** Rename to the wanted name, or to that with a number. */
async function giveName(
  contents: Contents.IManager,
  path: string,
  name: string
): Promise<string> {
  const stem = PathExt.basename(name, '.ipynb');
  const folder = path.slice(0, path.length - PathExt.basename(path).length);
  for (let number = 0; number < MOST_NAMES; number += 1) {
    const wanted = number === 0 ? stem : `${stem}-${number}`;
    try {
      return (await contents.rename(path, `${folder}${wanted}.ipynb`)).path;
    } catch (reason) {
      if (!isTaken(reason)) {
        throw reason;
      }
    }
  }
  return path;
}

function isTaken(reason: unknown): boolean {
  return (
    reason instanceof ServerConnection.ResponseError &&
    reason.response.status === 409
  );
}
