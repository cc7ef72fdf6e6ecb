/**
 * Runs side by side in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import * as React from 'react';

import type { CompareTab } from '../../components/compare';
import { CompareView } from '../../components/compare';
import { CommandIDs } from '../../commands';
import { CompareModel } from '../../model/compare';
import type { IThemedHostOptions } from './host';
import { frame } from './host';
import { LiveWidget } from './liveWidget';

/** How a comparison is made. */
export interface ICompareOptions extends IThemedHostOptions {
  runIds: readonly string[];
}

/** Hosts a comparison. */
export class CompareContent extends LiveWidget {
  constructor(options: ICompareOptions) {
    const model = new CompareModel(options);
    super([model]);
    this._options = options;
    this._model = model;
    model.stateChanged.connect(this._onChange, this);
    options.themes?.themeChanged.connect(this.update, this);
  }

  get args(): { runIds: string[] } {
    return { runIds: [...this._model.runIds] };
  }

  override dispose(): void {
    this._options.themes?.themeChanged.disconnect(this.update, this);
    this._model.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    const { trans, themes } = this._options;
    const model = this._model;
    return (
      <CompareView
        trans={trans}
        comparison={model.comparison}
        error={model.error}
        onRetry={this._retry}
        histories={model.histories}
        historiesError={model.histories ? null : model.error}
        readArtifact={this._readArtifact}
        onOpenRun={this._openRun}
        onRemoveRun={this._removeRun}
        onTab={this._onTab}
        themeKey={themes?.theme ?? undefined}
      />
    );
  }

  private _onChange(): void {
    const { trans } = this._options;
    const runs = this._model.comparison?.runs ?? [];
    if (runs.length > 0) {
      this.title.caption = runs.map(run => run.run_name).join(', ');
      this.title.label = trans.__('Compare %1 runs', runs.length);
    }
    this.update();
  }

  private readonly _retry = () => {
    void this._model.refresh();
  };

  private readonly _readArtifact = (runId: string, path: string) =>
    this._model.readArtifact(runId, path);

  private readonly _openRun = (runId: string) => {
    void this._options.commands.execute(CommandIDs.openRun, { runId });
  };

  private readonly _removeRun = (runId: string) => this._model.remove(runId);

  private readonly _onTab = (tab: CompareTab) => {
    if (tab === 'curves') {
      this._model.wantHistories();
    }
  };

  private readonly _options: ICompareOptions;
  private readonly _model: CompareModel;
}

/** Make a comparison. */
export function createCompare(
  options: ICompareOptions
): MainAreaWidget<CompareContent> {
  const label = options.trans.__('Compare %1 runs', options.runIds.length);
  return frame(new CompareContent(options), label);
}
