/**
 * The sidebar.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILayoutRestorer } from '@jupyterlab/application';
import { Clipboard, ICommandPalette, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
import type { SectionName } from '../components/panel/panel';
import type { IRunsState } from '../model/runs';
import { StatusModel } from '../model/status';
import { SyncModel } from '../model/sync';
import {
  IChanges,
  ICubesModel,
  IJobsModel,
  IMLKitClient,
  IRegistryModel,
  IRunsModel
} from '../tokens';
import { insertCode } from './insertCode';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and activation needs it at once
import { PanelWidget } from './views/panel';

const ID = 'jupyter-mlkit:panel';
/** Between 501 and 899, where third parties belong. */
const RANK = 600;
const SETTINGS_EDITOR = 'settingeditor:open';

/** What the panel remembers. */
interface ISaved {
  folded?: SectionName[];
  runs?: Partial<IRunsState>;
}

/** Adds the sidebar. */
export const panel: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Adds the sidebar with jobs, runs, cubes and models.',
  autoStart: true,
  requires: [
    IMLKitClient,
    IChanges,
    IRunsModel,
    IJobsModel,
    ICubesModel,
    IRegistryModel
  ],
  optional: [
    ITranslator,
    ILayoutRestorer,
    ICommandPalette,
    INotebookTracker,
    IStateDB,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    changes: IChanges,
    runs: IRunsModel,
    jobs: IJobsModel,
    cubes: ICubesModel,
    registry: IRegistryModel,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    notebooks: INotebookTracker | null,
    stateDB: IStateDB | null,
    settings: ISettingRegistry | null
  ): void => {
    const trans = (translator ?? nullTranslator).load('jupyter_mlkit');
    const { commands } = app;
    const status = new StatusModel({ client, changes });
    const sync = new SyncModel({ client, changes });
    const widget = new PanelWidget({
      client,
      status,
      sync,
      changes,
      runs,
      jobs,
      cubes,
      registry,
      commands,
      trans,
      insertCode: code => insertCode(code, notebooks, trans)
    });
    app.shell.add(widget, 'left', { rank: RANK, type: 'ML kit' });
    restorer?.add(widget, widget.id);
    if (stateDB) {
      void remember(widget, runs, stateDB);
    }

    commands.addCommand(CommandIDs.openPanel, {
      label: trans.__('Open ML Kit Panel'),
      caption: trans.__('Show jobs, runs, cubes and models in the sidebar'),
      describedBy: describedBy.openPanel,
      execute: args => {
        const { chooseRun, filter } = args as CommandArguments.IOpenPanel;
        app.shell.activateById(widget.id);
        if (filter !== undefined) {
          runs.find(filter);
        }
        if (chooseRun && !runs.selection.includes(chooseRun)) {
          runs.toggle(chooseRun);
          Notification.info(trans.__('Choose another run, then Compare.'), {
            autoClose: 5000
          });
        }
      }
    });
    commands.addCommand(CommandIDs.refresh, {
      label: trans.__('Refresh'),
      caption: trans.__('Ask the server for jobs, runs and models again'),
      describedBy: describedBy.nothing,
      execute: async () => {
        await Promise.all(
          [status, sync, jobs, runs, registry].map(model => model.refresh())
        );
      }
    });
    commands.addCommand(CommandIDs.copyTrackingUri, {
      label: trans.__('Copy Tracking URI'),
      caption: trans.__('The address of the MLflow store, for scripts'),
      describedBy: describedBy.nothing,
      isEnabled: () => status.status !== null,
      execute: () => {
        Clipboard.copyToSystem(status.status?.tracking_uri ?? '');
      }
    });
    commands.addCommand(CommandIDs.toggleServerStatus, {
      label: trans.__('Server Status'),
      caption: trans.__('Versions, store and folders of the server part'),
      describedBy: describedBy.nothing,
      isToggleable: true,
      isToggled: () => widget.showsStatus,
      execute: () => {
        app.shell.activateById(widget.id);
        widget.showsStatus = !widget.showsStatus;
      }
    });
    commands.addCommand(CommandIDs.openSettings, {
      label: trans.__('Settings'),
      caption: trans.__('What can be set about ML kit'),
      describedBy: describedBy.nothing,
      // Another extension brings the editor, perhaps not in this application.
      isVisible: () => commands.hasCommand(SETTINGS_EDITOR),
      isEnabled: () => commands.hasCommand(SETTINGS_EDITOR),
      execute: () => commands.execute(SETTINGS_EDITOR, { query: 'ML kit' })
    });
    const category = trans.__('ML kit');
    palette?.addItem({ command: CommandIDs.openPanel, category });
    palette?.addItem({ command: CommandIDs.refresh, category });
    palette?.addItem({ command: CommandIDs.toggleServerStatus, category });

    if (settings) {
      void Promise.all([settings.load(ID), app.restored]).then(([loaded]) => {
        if (loaded.get('openAtStart').composite === true) {
          app.shell.activateById(widget.id);
        }
      });
    }
  }
};

/** Take up what the last session left, and keep it for the next. */
async function remember(
  widget: PanelWidget,
  runs: IRunsModel,
  stateDB: IStateDB
): Promise<void> {
  const saved = (await stateDB.fetch(ID)) as ISaved | undefined;
  widget.folded = saved?.folded ?? [];
  runs.restore(saved?.runs ?? {});
  let last = JSON.stringify(saved ?? null);
  const save = () => {
    const state = { folded: widget.folded, runs: runs.state };
    const text = JSON.stringify(state);
    if (text !== last) {
      last = text;
      void stateDB.save(ID, state as unknown as ReadonlyPartialJSONObject);
    }
  };
  widget.foldedChanged.connect(save);
  runs.stateChanged.connect(save);
}
