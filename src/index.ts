/**
 * jupyter_mlkit: datacube machine-learning experiment tracking in JupyterLab.
 */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { children } from './plugins/children';
import { client } from './plugins/client';
import { cubes } from './plugins/cubes';
import { events } from './plugins/events';
import { jobs } from './plugins/jobs';
import { panel } from './plugins/panel';
import { registry } from './plugins/registry';
import { running } from './plugins/running';
import { tracking } from './plugins/tracking';
import { train } from './plugins/train';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each provides another service
const plugins: JupyterFrontEndPlugin<any>[] = [
  client,
  events,
  jobs,
  tracking,
  cubes,
  registry,
  children,
  running,
  train,
  panel
];

export default plugins;
