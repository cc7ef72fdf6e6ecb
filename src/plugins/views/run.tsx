/**
 * A run in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { Notification } from '@jupyterlab/apputils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import * as React from 'react';

import { toMLKitError } from '../../api/errors';
import type { Run } from '../../api/types';
import type { RunTab } from '../../components/run';
import { RunView } from '../../components/run';
import { RegisterBar } from '../../components/shared/registerBar';
import type { CommandArguments } from '../../commands';
import { CommandIDs } from '../../commands';
import { RunModel } from '../../model/run';
import type { IThemedHostOptions } from './host';
import { frame } from './host';
import { LiveWidget } from './liveWidget';

/** How the view of a run is made. */
export interface IRunOptions
  extends IThemedHostOptions, CommandArguments.IRun {}

/** Hosts the view of a run. */
export class RunContent extends LiveWidget {
  constructor(options: IRunOptions) {
    const model = new RunModel(options);
    super([model]);
    this._options = options;
    this._model = model;
    model.stateChanged.connect(this._onChange, this);
    options.themes?.themeChanged.connect(this.update, this);
  }

  get args(): { runId: string } {
    return { runId: this._model.runId };
  }

  override dispose(): void {
    this._options.themes?.themeChanged.disconnect(this.update, this);
    this._model.dispose();
    super.dispose();
  }

  protected override render(): JSX.Element {
    const { trans, themes, tab } = this._options;
    const model = this._model;
    const { run, job } = model;
    return (
      <div className="jp-mlkit-host">
        {this._registering && (
          <RegisterBar
            trans={trans}
            onRegister={this._register}
            onClose={() => this._showRegister(false)}
          />
        )}
        <RunView
          trans={trans}
          run={run}
          error={model.error}
          onRetry={this._retry}
          histories={model.histories}
          historiesError={model.histories ? null : model.error}
          artifacts={this._artifacts}
          edits={this._edits}
          job={job}
          log={model.log}
          onFollowLog={this._followLog}
          onTab={this._onTab}
          initialTab={tab}
          onCompare={this._compare}
          onFindRuns={this._findRuns}
          onRegister={
            run && run.models.length > 0
              ? () => this._showRegister(true)
              : undefined
          }
          onRelaunch={model.hasSpec ? this._relaunch : undefined}
          onOpenNotebook={
            run && wasInNotebook(run) ? this._openNotebook : undefined
          }
          onOpenMlflow={run?.waiting ? undefined : this._openMlflow}
          onInsertCode={this._insertCode}
          onStop={
            job && (job.state === 'RUNNING' || job.state === 'STARTING')
              ? this._stop
              : undefined
          }
          themeKey={themes?.theme ?? undefined}
        />
      </div>
    );
  }

  private _onChange(): void {
    const { run } = this._model;
    if (run) {
      this.title.label = run.run_name;
      this.title.caption = run.run_name;
    }
    this.update();
  }

  private readonly _retry = () => {
    void this._model.refresh();
  };

  private readonly _followLog = (follow: boolean) =>
    this._model.followLog(follow);

  private readonly _onTab = (tab: RunTab) => {
    if (tab === 'charts') {
      this._model.wantHistories();
    }
    // Nobody reads the log on another tab.
    this._model.followLog(tab === 'log');
  };

  private readonly _compare = () => {
    const { commands } = this._options;
    void commands.execute(CommandIDs.openPanel, {
      chooseRun: this._model.runId
    });
  };

  private readonly _findRuns = (filter: string) => {
    void this._options.commands.execute(CommandIDs.openPanel, { filter });
  };

  private readonly _relaunch = async () => {
    const { commands } = this._options;
    const { job } = this._model;
    try {
      await commands.execute(CommandIDs.launchTraining, {
        spec: (await this._model.spec()) as ReadonlyJSONObject,
        id: `again-${this._model.runId}`,
        ...(job ? { rerunOf: job.job_id } : {})
      });
    } catch (reason) {
      const { message, hint } = toMLKitError(reason);
      Notification.error([message, hint].filter(Boolean).join(' '));
    }
  };

  private readonly _insertCode = (what: 'load-model' | 'open-run') => {
    const { commands } = this._options;
    const { run, runId } = this._model;
    if (what === 'open-run') {
      void commands.execute(CommandIDs.insertOpenRun, { runId });
    } else {
      const uri = run?.models[run.models.length - 1] ?? `runs:/${runId}/model`;
      void commands.execute(CommandIDs.insertLoadModel, { uri });
    }
  };

  private readonly _openNotebook = async () => {
    if (this._openingNotebook) {
      return;
    }
    this._openingNotebook = true;
    try {
      await this._options.commands.execute(CommandIDs.openRunNotebook, {
        runId: this._model.runId
      });
    } catch (reason) {
      const { message, hint } = toMLKitError(reason);
      Notification.error([message, hint].filter(Boolean).join(' '));
    } finally {
      this._openingNotebook = false;
    }
  };

  private readonly _openMlflow = () => {
    void this._options.commands.execute(CommandIDs.openMlflowUi, {
      runId: this._model.runId
    });
  };

  private readonly _stop = () => {
    void this._options.commands.execute(CommandIDs.stopJob, {
      jobId: this._model.job?.job_id
    });
  };

  private readonly _register = async (name: string) => {
    const version = await this._model.register(name);
    this._showRegister(false);
    void this._options.commands.execute(CommandIDs.openModel, {
      name: version.name
    });
  };

  private _showRegister(show: boolean): void {
    this._registering = show;
    this.update();
  }

  private readonly _artifacts = {
    list: (path: string, pageToken: string | null) =>
      this._model.listArtifacts(path, pageToken),
    read: (path: string) => this._model.readArtifact(path),
    preview: (path: string) => this._model.previewArtifact(path),
    describeCube: (path: string) => this._model.describeArtifact(path),
    download: (path: string) => {
      const link = document.createElement('a');
      link.href = this._model.artifactUrl(path);
      link.download = '';
      link.click();
    }
  };

  private readonly _edits = {
    rename: (name: string) => this._model.rename(name),
    setNote: (note: string) => this._model.setNote(note),
    setTag: (key: string, value: string) => this._model.setTag(key, value),
    deleteTag: (key: string) => this._model.deleteTag(key)
  };

  private readonly _options: IRunOptions;
  private readonly _model: RunModel;
  private _registering = false;
  private _openingNotebook = false;
}

/** Whether cells were kept with the run, or with the one it is a part of. */
function wasInNotebook(run: Run): boolean {
  return (
    !run.waiting && ('mlkit.cells' in run.tags || 'mlkit.notebook' in run.tags)
  );
}

/** Make the view of a run. */
export function createRun(options: IRunOptions): MainAreaWidget<RunContent> {
  const label = options.trans.__('Run');
  return frame(new RunContent(options), label);
}
