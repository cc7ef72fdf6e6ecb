/**
 * A registered model in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import type { ModelReference } from '../../components/model';
import { ModelView } from '../../components/model';
import { CommandIDs } from '../../commands';
import { VersionsModel } from '../../model/registry';
import type { IHostOptions } from './host';
import { frame } from './host';
import { LiveWidget } from './liveWidget';

/** How the view of a registered model is made. */
export interface IModelOptions extends IHostOptions {
  name: string;
}

/** Hosts the view of a registered model. */
export class ModelContent extends LiveWidget {
  constructor(options: IModelOptions) {
    const model = new VersionsModel(options);
    super([model]);
    this._options = options;
    this._model = model;
    model.stateChanged.connect(() => this.update(), this);
  }

  get args(): { name: string } {
    return { name: this._model.name };
  }

  override dispose(): void {
    this._model.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    const model = this._model;
    return (
      <ModelView
        trans={this._options.trans}
        model={model.model}
        versions={model.versions}
        error={model.error}
        onRetry={this._retry}
        onMore={model.hasMore ? this._more : undefined}
        onDescribe={this._describe}
        onDescribeVersion={this._describeVersion}
        onSetAlias={this._setAlias}
        onDeleteAlias={this._deleteAlias}
        onOpenRun={this._openRun}
        onInsertCode={this._insertCode}
      />
    );
  }

  private readonly _retry = () => {
    void this._model.refresh();
  };

  private readonly _more = () => this._model.more();

  private readonly _describe = (description: string) =>
    this._model.describe(description);

  private readonly _describeVersion = (version: string, description: string) =>
    this._model.describeVersion(version, description);

  private readonly _setAlias = (alias: string, version: string) =>
    this._model.setAlias(alias, version);

  private readonly _deleteAlias = (alias: string) =>
    this._model.deleteAlias(alias);

  private readonly _openRun = (runId: string) => {
    void this._options.commands.execute(CommandIDs.openRun, { runId });
  };

  private readonly _insertCode = (reference: ModelReference) => {
    const { name } = this._model;
    const uri =
      'alias' in reference
        ? `models:/${name}@${reference.alias}`
        : `models:/${name}/${reference.version}`;
    void this._options.commands.execute(CommandIDs.insertLoadModel, { uri });
  };

  private readonly _options: IModelOptions;
  private readonly _model: VersionsModel;
}

/** Make the view of a registered model. */
export function createModel(
  options: IModelOptions
): MainAreaWidget<ModelContent> {
  return frame(new ModelContent(options), options.name);
}
