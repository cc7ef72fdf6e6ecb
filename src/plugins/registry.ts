/**
 * Registered models.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { RegistryModel } from '../model/registry';
import { IChanges, IMLKitClient, IRegistryModel } from '../tokens';
import { insertCode, loadModelCode } from './insertCode';
import { MainArea } from './mainArea';
import type { ModelContent } from './views/model';

/** Provides the registered models and opens them. */
export const registry: JupyterFrontEndPlugin<IRegistryModel> = {
  id: 'jupyter-mlkit:registry',
  description: 'Provides the registered models and the view of one.',
  autoStart: true,
  requires: [IMLKitClient, IChanges],
  optional: [ITranslator, ILabShell, ILayoutRestorer, INotebookTracker],
  provides: IRegistryModel,
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    changes: IChanges,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    notebooks: INotebookTracker | null
  ): IRegistryModel => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    const { commands } = app;
    const model = new RegistryModel({ client, changes });
    const area = new MainArea<ModelContent>({
      app,
      labShell,
      restorer,
      namespace: 'jupyter-mlkit-model',
      command: CommandIDs.openModel
    });

    commands.addCommand(CommandIDs.openModel, {
      label: trans.__('Open Registered Model'),
      caption: trans.__('Show versions and aliases of a registered model'),
      describedBy: describedBy.model,
      execute: args => {
        const { name } = args as unknown as CommandArguments.IModel;
        return area.open(name, async () => {
          const { createModel } = await import('./views/model');
          return createModel({ client, changes, commands, trans, name });
        });
      }
    });
    commands.addCommand(CommandIDs.insertLoadModel, {
      label: trans.__('Insert Code: Load This Model'),
      caption: trans.__('Put a cell that loads the model into the notebook'),
      describedBy: describedBy.loadModel,
      execute: args => {
        const { uri } = args as unknown as CommandArguments.ILoadModel;
        insertCode(loadModelCode(uri), notebooks, trans);
      }
    });
    return model;
  }
};
