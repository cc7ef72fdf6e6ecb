/**
 * The client of the server part.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';

// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { MLKitClient } from '../api/client';
import { IMLKitClient } from '../tokens';

/** Provides the client. */
export const client: JupyterFrontEndPlugin<IMLKitClient> = {
  id: 'jupyter-mlkit:client',
  description: 'Provides the client of the jupyter_mlkit server extension.',
  autoStart: true,
  provides: IMLKitClient,
  activate: (app: JupyterFrontEnd): IMLKitClient =>
    new MLKitClient({ serverSettings: app.serviceManager.serverSettings })
};
