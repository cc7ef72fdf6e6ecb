/**
 * The live channel.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

import { ChangeStream } from '../model/changes';
import { IChanges, IMLKitClient } from '../tokens';

/** Provides news of what changed. */
export const events: JupyterFrontEndPlugin<IChanges> = {
  id: 'jupyter-mlkit:events',
  description: 'Provides news of changes in the tracking store and the jobs.',
  autoStart: true,
  requires: [IMLKitClient],
  provides: IChanges,
  activate: (app: JupyterFrontEnd, client: IMLKitClient): IChanges =>
    new ChangeStream({ client, stream: app.serviceManager.events?.stream })
};
