/**
 * Code for the reader's own notebook.
 */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Code that loads a registered or logged model. */
export function loadModelCode(uri: string): string {
  return [
    'import mlflow',
    '',
    `model = mlflow.pyfunc.load_model(${pythonString(uri)})`
  ].join('\n');
}

/** Code that opens a run. */
export function openRunCode(runId: string): string {
  return [
    'import mlflow',
    '',
    `run = mlflow.get_run(${pythonString(runId)})`,
    'run.data.metrics'
  ].join('\n');
}

/**
 * Put code into a new cell below the active one of the current notebook, or on the
 * clipboard where no notebook is open.
 */
export function insertCode(
  code: string,
  notebooks: INotebookTracker | null,
  trans: TranslationBundle
): void {
  const notebook = notebooks?.currentWidget?.content;
  const model = notebook?.model;
  if (!notebook || !model) {
    Clipboard.copyToSystem(code);
    Notification.info(
      trans.__('No notebook is open: the code is on the clipboard.'),
      { autoClose: 4000 }
    );
    return;
  }
  const index = notebook.activeCellIndex + 1;
  // Through the shared model, so that everybody who edits this notebook gets the cell.
  model.sharedModel.insertCell(index, { cell_type: 'code', source: code });
  notebook.activeCellIndex = index;
  Notification.info(
    trans.__('Code inserted into %1.', notebooks.currentWidget.title.label),
    { autoClose: 3000 }
  );
}

/** A string as a Python literal; JSON's escapes are Python's too. */
function pythonString(text: string): string {
  return JSON.stringify(text);
}
