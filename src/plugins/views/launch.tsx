/**
 * The launch form in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import type { FileBrowserModel } from '@jupyterlab/filebrowser';
import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { Job } from '../../api/types';
import type { ILaunchServices, ISpec } from '../../components/launch';
import { LaunchView } from '../../components/launch';
import { CommandIDs } from '../../commands';
import { LaunchModel } from '../../model/launch';
import type { ICubesModel, IJobsModel, IMLKitClient } from '../../tokens';
import { frame } from './host';

/** How a launch form is made. */
export interface ILaunchOptions {
  client: IMLKitClient;
  jobs: IJobsModel;
  cubes: ICubesModel;
  commands: CommandRegistry;
  /** Left out: a cube can be typed, not browsed for. */
  manager?: FileBrowserModel['manager'];
  translator: ITranslator;
  trans: TranslationBundle;
  spec: ReadonlyJSONObject;
  id: string;
  /** The job that is repeated. */
  rerunOf?: string;
}

/** Hosts the launch form. */
export class LaunchContent extends ReactWidget {
  constructor(options: ILaunchOptions) {
    super();
    this.addClass('jp-mlkit-root');
    this._options = options;
    const { client, jobs, cubes, spec, rerunOf } = options;
    this._model = new LaunchModel({ client, jobs, cubes, spec, rerunOf });
    this._initial = spec as ISpec;
    this._services = servicesOf(this._model);
  }

  /** Reopens the form as it was left. */
  get args(): ReadonlyJSONObject {
    const { id, rerunOf } = this._options;
    return {
      id,
      spec: this._model.spec as ReadonlyJSONObject,
      ...(rerunOf ? { rerunOf } : {})
    };
  }

  /** The form was edited. */
  get edited(): ISignal<this, void> {
    return this._edited;
  }

  protected override render(): JSX.Element {
    const uri = this._initial.sources?.[0]?.uri;
    return (
      <LaunchView
        trans={this._options.trans}
        services={this._services}
        initialSpec={this._initial}
        describeAtOnce={Boolean(uri)}
        onSpecChange={this._onSpecChange}
        onBrowse={this._options.manager ? this._browse : undefined}
        onLaunched={this._onLaunched}
        onCopy={this._copy}
      />
    );
  }

  private readonly _onSpecChange = (spec: ISpec) => {
    this._model.spec = spec as Readonly<Record<string, unknown>>;
    this._edited.emit();
  };

  private readonly _browse = async (): Promise<string | null> => {
    const { manager, translator, trans } = this._options;
    if (!manager) {
      return null;
    }
    const { FileDialog } = await import('@jupyterlab/filebrowser');
    const result = await FileDialog.getOpenFiles({
      manager,
      translator,
      title: trans.__('Choose a Cube'),
      label: trans.__('A zarr folder or a netCDF file')
    });
    const path = result.button.accept ? result.value?.[0]?.path : undefined;
    return path === undefined
      ? null
      : manager.services.contents.localPath(path);
  };

  private readonly _onLaunched = (job: Job) => {
    const { commands, trans } = this._options;
    Notification.info(trans.__('%1 was launched.', job.name), {
      autoClose: 4000
    });
    void commands.execute(CommandIDs.openPanel);
  };

  private readonly _copy = (text: string) => {
    Clipboard.copyToSystem(text);
    Notification.info(this._options.trans.__('Copied.'), { autoClose: 2000 });
  };

  private readonly _options: ILaunchOptions;
  private readonly _model: LaunchModel;
  private readonly _initial: ISpec;
  private readonly _services: ILaunchServices;
  private readonly _edited = new Signal<this, void>(this);
}

/** The model as the form asks of it. */
function servicesOf(model: LaunchModel): ILaunchServices {
  const plain = (spec: ISpec) => spec as Readonly<Record<string, unknown>>;
  return {
    schema: () => model.schema(),
    kernels: () => model.kernels(),
    checkKernel: name => model.checkKernel(name),
    estimators: kernelspec => model.estimators(kernelspec),
    describe: (request, signal) => model.describe(request, signal),
    preview: (spec, signal) => model.preview(plain(spec), signal),
    text: (spec, signal) => model.text(plain(spec), signal),
    validate: spec => model.validate(plain(spec)),
    launch: spec => model.launch(plain(spec)),
    experiments: () => model.experiments()
  };
}

/** Make a launch form. */
export function createLaunch(
  options: ILaunchOptions
): MainAreaWidget<LaunchContent> {
  const { trans, rerunOf } = options;
  const name = (options.spec as ISpec).tracking?.run_name;
  return frame(
    new LaunchContent(options),
    rerunOf && name ? trans.__('Train %1 again', name) : trans.__('Train'),
    trans.__('Train a model on a datacube')
  );
}
