/**
 * Programs with a page of their own: the MLflow UI.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { toMLKitError } from '../api/errors';
import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { ChildrenModel, MLFLOW } from '../model/children';
import { IChanges, IChildrenModel, IMLKitClient } from '../tokens';
import { MainArea } from './mainArea';
import { prepareVisit } from './mlflowVisit';
import type { MlflowUiContent } from './views/mlflowUi';

/** Provides the programs and opens the MLflow UI. */
export const children: JupyterFrontEndPlugin<IChildrenModel> = {
  id: 'jupyter-mlkit:children',
  description: 'Provides the programs with a page of their own: the MLflow UI.',
  autoStart: true,
  requires: [IMLKitClient, IChanges],
  optional: [ITranslator, ILabShell, ILayoutRestorer, ICommandPalette],
  provides: IChildrenModel,
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    changes: IChanges,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null
  ): IChildrenModel => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    const model = new ChildrenModel({ client, changes });
    const area = new MainArea<MlflowUiContent>({
      app,
      labShell,
      restorer,
      namespace: 'jupyter-mlkit-mlflow-ui',
      command: CommandIDs.openMlflowUi
    });
    app.commands.addCommand(CommandIDs.openMlflowUi, {
      label: trans.__('Open in MLflow UI'),
      caption: trans.__(
        "Show MLflow's own page, started where it does not run"
      ),
      describedBy: describedBy.mlflowUi,
      execute: async args => {
        const { runId } = args as CommandArguments.IMlflowUi;
        if (!labShell) {
          return openTab(model, runId, trans);
        }
        let isNew = false;
        const widget = await area.open('mlflow', async () => {
          const { createMlflowUi } = await import('./views/mlflowUi');
          isNew = true;
          const made = createMlflowUi({ children: model, trans, runId });
          made.content.moved.connect(() => void area.tracker.save(made));
          return made;
        });
        if (!isNew) {
          widget.content.goTo(runId);
        }
      }
    });
    palette?.addItem({
      command: CommandIDs.openMlflowUi,
      category: trans.__('ML kit')
    });
    return model;
  }
};

/** Show the page in a browser tab: Notebook 7 has no room for a second document. */
async function openTab(
  model: IChildrenModel,
  runId: string | undefined,
  trans: TranslationBundle
): Promise<void> {
  // Opened at once, while the browser still knows that a click asked for it.
  const tab = window.open('', '_blank');
  try {
    const url = await model.pageOf(await model.open(MLFLOW), runId);
    prepareVisit();
    if (tab) {
      tab.opener = null;
      tab.location.replace(url);
      return;
    }
    Notification.info(trans.__('The MLflow UI is ready.'), {
      actions: [
        {
          label: trans.__('Open'),
          callback: () => void window.open(url, '_blank', 'noopener')
        }
      ]
    });
  } catch (reason) {
    tab?.close();
    const { message, hint } = toMLKitError(reason);
    Notification.error([message, hint].filter(Boolean).join(' '));
  }
}
