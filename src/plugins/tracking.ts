/**
 * Runs: the list, one run, several side by side.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import {
  ICommandPalette,
  IThemeManager,
  Notification
} from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { RunsModel } from '../model/runs';
import { IChanges, IMLKitClient, IRunsModel } from '../tokens';
import { insertCode, openRunCode } from './insertCode';
import { MainArea } from './mainArea';
import { saveNotebook } from './saveNotebook';
import type { CompareContent } from './views/compare';
import type { RunContent } from './views/run';

/** Provides the list of runs, opens runs and comparisons. */
export const tracking: JupyterFrontEndPlugin<IRunsModel> = {
  id: 'jupyter-mlkit:tracking',
  description: 'Provides the list of runs and the views of runs.',
  autoStart: true,
  requires: [IMLKitClient, IChanges],
  optional: [
    ITranslator,
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    INotebookTracker,
    IThemeManager,
    IDefaultFileBrowser
  ],
  provides: IRunsModel,
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    changes: IChanges,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    themes: IThemeManager | null,
    browser: IDefaultFileBrowser | null
  ): IRunsModel => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    const { commands } = app;
    const model = new RunsModel({ client, changes });
    const where = { app, labShell, restorer };
    const runs = new MainArea<RunContent>({
      ...where,
      namespace: 'jupyter-mlkit-run',
      command: CommandIDs.openRun
    });
    const comparisons = new MainArea<CompareContent>({
      ...where,
      namespace: 'jupyter-mlkit-compare',
      command: CommandIDs.compareRuns
    });

    commands.addCommand(CommandIDs.openRun, {
      label: trans.__('Open Run'),
      caption: trans.__('Show a run in the main area'),
      describedBy: describedBy.run,
      execute: args => {
        const { runId, tab } = args as unknown as CommandArguments.IRun;
        return runs.open(runId, async () => {
          const { createRun } = await import('./views/run');
          return createRun({
            client,
            changes,
            commands,
            themes,
            trans,
            runId,
            tab
          });
        });
      }
    });
    commands.addCommand(CommandIDs.compareRuns, {
      label: trans.__('Compare Runs'),
      caption: trans.__('Show the chosen runs side by side'),
      describedBy: describedBy.compare,
      isEnabled: args =>
        (args.runIds as string[] | undefined) !== undefined ||
        model.selection.length > 1,
      execute: async args => {
        const { runIds = [...model.selection] } =
          args as CommandArguments.ICompare;
        if (runIds.length < 2) {
          Notification.info(
            trans.__('Choose two or more runs in the panel first.'),
            { autoClose: 4000 }
          );
          return;
        }
        return comparisons.open(runIds.join('-'), async () => {
          const { createCompare } = await import('./views/compare');
          return createCompare({
            client,
            changes,
            commands,
            themes,
            trans,
            runIds
          });
        });
      }
    });
    commands.addCommand(CommandIDs.openRunNotebook, {
      label: trans.__('Open the Notebook as It Was for a Run'),
      caption: trans.__(
        'Write what was executed for a run to a new notebook and open that'
      ),
      describedBy: describedBy.run,
      execute: async args => {
        const { runId } = args as unknown as CommandArguments.IRun;
        const { items } = await client.runNotebooks(runId);
        for (const notebook of items) {
          const path = await saveNotebook(
            app.serviceManager.contents,
            browser?.model.path ?? '',
            notebook
          );
          await commands.execute('docmanager:open', { path });
        }
      }
    });
    commands.addCommand(CommandIDs.insertOpenRun, {
      label: trans.__('Insert Code: Open This Run'),
      caption: trans.__('Put a cell that opens the run into the notebook'),
      describedBy: describedBy.run,
      execute: args => {
        const { runId } = args as unknown as CommandArguments.IRun;
        insertCode(openRunCode(runId), notebooks, trans);
      }
    });
    const changedSelection = () =>
      commands.notifyCommandChanged(CommandIDs.compareRuns);
    model.stateChanged.connect(changedSelection, model);
    palette?.addItem({
      command: CommandIDs.compareRuns,
      category: trans.__('ML kit')
    });
    return model;
  }
};
