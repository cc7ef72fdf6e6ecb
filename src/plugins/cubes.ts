/**
 * The list of recent cubes.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStateDB } from '@jupyterlab/statedb';

import { CubesModel } from '../model/cubes';
import { ICubesModel, IMLKitClient } from '../tokens';

/** Provides the recent cubes. */
export const cubes: JupyterFrontEndPlugin<ICubesModel> = {
  id: 'jupyter-mlkit:cubes',
  description: 'Provides the cubes that were used lately.',
  autoStart: true,
  requires: [IMLKitClient],
  optional: [IStateDB],
  provides: ICubesModel,
  activate: (
    _app: JupyterFrontEnd,
    client: IMLKitClient,
    stateDB: IStateDB | null
  ): ICubesModel => new CubesModel({ client, stateDB })
};
