/**
 * Putting a training together and launching it.
 */
import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import {
  IDefaultFileBrowser,
  IFileBrowserFactory
} from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';

import type { CommandArguments } from '../commands';
import { CommandIDs, describedBy } from '../commands';
import { mlkitIcon } from '../icons';
import { ICubesModel, IJobsModel, IMLKitClient } from '../tokens';
import { MainArea } from './mainArea';
import type { LaunchContent } from './views/launch';

/** Opens the launch form. */
export const train: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlkit:train',
  description: 'Opens the form that launches a training.',
  autoStart: true,
  requires: [IMLKitClient, IJobsModel, ICubesModel],
  optional: [
    ITranslator,
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    IFileBrowserFactory,
    IDefaultFileBrowser
  ],
  activate: (
    app: JupyterFrontEnd,
    client: IMLKitClient,
    jobs: IJobsModel,
    cubes: ICubesModel,
    translator: ITranslator | null,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    browsers: IFileBrowserFactory | null,
    defaultBrowser: IDefaultFileBrowser | null
  ): void => {
    const translation = translator ?? nullTranslator;
    const trans = translation.load('jupyter_mlkit');
    const { commands } = app;
    const area = new MainArea<LaunchContent>({
      app,
      labShell,
      restorer,
      namespace: 'jupyter-mlkit-launch',
      command: CommandIDs.launchTraining
    });

    commands.addCommand(CommandIDs.launchTraining, {
      label: args =>
        args.isLauncher
          ? trans.__('Train on a Cube')
          : trans.__('Train on a Cube…'),
      caption: trans.__('Train a model on a datacube and track it as a run'),
      icon: args => (args.isPalette ? undefined : mlkitIcon),
      describedBy: describedBy.launch,
      execute: args => {
        const { spec = {}, id, rerunOf } = args as CommandArguments.ILaunch;
        return area.open(id ?? specKey(spec), async () => {
          const { createLaunch } = await import('./views/launch');
          const widget = createLaunch({
            client,
            jobs,
            cubes,
            commands,
            manager: browsers ? defaultBrowser?.model.manager : undefined,
            translator: translation,
            trans,
            spec,
            id: id ?? specKey(spec),
            rerunOf
          });
          widget.content.edited.connect(() => void area.tracker.save(widget));
          return widget;
        });
      }
    });
    commands.addCommand(CommandIDs.trainOnCube, {
      label: trans.__('Train on This Cube'),
      caption: trans.__('Open the launch form with this cube'),
      icon: mlkitIcon,
      describedBy: describedBy.trainOnCube,
      execute: args => {
        const { uri = selectedPath(browsers, app) } =
          args as CommandArguments.ITrainOnCube;
        if (!uri) {
          return commands.execute(CommandIDs.launchTraining);
        }
        return commands.execute(CommandIDs.launchTraining, {
          spec: { sources: [{ uri }] }
        });
      }
    });

    addFileTypes(app, trans);
    palette?.addItem({
      command: CommandIDs.launchTraining,
      category: trans.__('ML kit'),
      args: { isPalette: true }
    });
    launcher?.add({
      command: CommandIDs.launchTraining,
      category: trans.__('Other'),
      args: { isLauncher: true },
      rank: 20
    });
  }
};

/** So that the file browser tells cubes from other folders and files. */
function addFileTypes(app: JupyterFrontEnd, trans: TranslationBundle): void {
  app.docRegistry.addFileType({
    name: 'zarr',
    displayName: trans.__('Zarr Cube'),
    extensions: ['.zarr'],
    contentType: 'directory',
    icon: mlkitIcon
  });
  app.docRegistry.addFileType({
    name: 'netcdf',
    displayName: trans.__('NetCDF Cube'),
    extensions: ['.nc', '.nc4'],
    fileFormat: 'base64',
    icon: mlkitIcon
  });
}

/** Path of what is selected in the file browser, as the server knows it. */
function selectedPath(
  browsers: IFileBrowserFactory | null,
  app: JupyterFrontEnd
): string | undefined {
  const selected = browsers?.tracker.currentWidget?.selectedItems().next();
  if (!selected || selected.done) {
    return undefined;
  }
  // A drive of collaborative editing puts its name before the path.
  return app.serviceManager.contents.localPath(selected.value.path);
}

/** One form for a cube, and one for those that start empty. */
function specKey(spec: ReadonlyJSONObject): string {
  const sources = spec.sources as { uri?: string }[] | undefined;
  return sources?.[0]?.uri ?? 'new';
}
