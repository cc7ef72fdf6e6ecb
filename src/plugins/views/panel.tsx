/**
 * The sidebar: from models to props, from callbacks to commands.
 */
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Menu } from '@lumino/widgets';
import * as React from 'react';

import { isAbort, toMLKitError } from '../../api/errors';
import type { Job } from '../../api/types';
import type { SectionName } from '../../components/panel/panel';
import { Panel } from '../../components/panel/panel';
import { CommandIDs } from '../../commands';
import { mlkitIcon } from '../../icons';
import { JobLogModel } from '../../model/jobLog';
import { hasEnded } from '../../model/jobs';
import type { StatusModel } from '../../model/status';
import type { SyncModel } from '../../model/sync';
import type {
  IChanges,
  ICubesModel,
  IJobsModel,
  IMLKitClient,
  IRegistryModel,
  IRunsModel
} from '../../tokens';
import { LiveWidget } from './liveWidget';

/** How the sidebar is made. */
export interface IPanelOptions {
  client: IMLKitClient;
  status: StatusModel;
  sync: SyncModel;
  changes: IChanges;
  runs: IRunsModel;
  jobs: IJobsModel;
  cubes: ICubesModel;
  registry: IRegistryModel;
  commands: CommandRegistry;
  trans: TranslationBundle;
  /** Puts code into the current notebook. */
  insertCode: (code: string) => void;
}

/** The sidebar. */
export class PanelWidget extends LiveWidget {
  constructor(options: IPanelOptions) {
    const { status, sync, runs, jobs, cubes, registry, trans } = options;
    super([status, sync, jobs, runs, registry]);
    this._options = options;
    this.id = 'jupyter-mlkit-panel';
    this.addClass('jp-mlkit-sidebar');
    this.title.icon = mlkitIcon;
    this.title.caption = trans.__('ML kit');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('ML kit'));
    for (const model of [status, sync, runs, jobs, registry]) {
      model.stateChanged.connect(this.update, this);
    }
    cubes.stateChanged.connect(this.update, this);
    jobs.stateChanged.connect(this._followAttempt, this);
  }

  /** What is folded has changed. */
  get foldedChanged(): ISignal<this, void> {
    return this._foldedChanged;
  }

  /** Whether the head shows what the server says of itself. */
  get showsStatus(): boolean {
    return this._showsStatus;
  }

  set showsStatus(shows: boolean) {
    this._showsStatus = shows;
    this.update();
  }

  /** Sections that are folded. */
  get folded(): readonly SectionName[] {
    return this._folded;
  }

  set folded(folded: readonly SectionName[]) {
    this._folded = folded;
    this.update();
  }

  override dispose(): void {
    this._detailed?.log.dispose();
    this._menu?.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._detailed?.log.follow(true);
  }

  protected override onBeforeHide(message: Message): void {
    super.onBeforeHide(message);
    this._detailed?.log.follow(false);
  }

  protected override render(): JSX.Element {
    const { status, trans } = this._options;
    return (
      <Panel
        trans={trans}
        serverError={status.isLoaded ? null : status.error}
        onRetry={this._refresh}
        folded={this._folded}
        onFold={this._fold}
        head={this._head()}
        jobs={this._jobs()}
        runs={this._runs()}
        cubes={this._cubes()}
        models={this._models()}
      />
    );
  }

  private _head() {
    const { status, sync, runs, changes } = this._options;
    return {
      status: status.status,
      isLive: changes.state === 'live',
      filter: runs.filter,
      filterError: runs.filterError,
      onFilter: this._filter,
      onTrain: this._train,
      onMenu: this._openMenu,
      showsStatus: this._showsStatus,
      onCloseStatus: this._closeStatus,
      sync: { state: sync.state, onSend: this._send }
    };
  }

  private _jobs() {
    const { jobs } = this._options;
    return {
      active: jobs.active,
      ended: jobs.jobs.filter(hasEnded),
      isLoaded: jobs.isLoaded,
      error: jobs.error,
      isStopping: (jobId: string) => jobs.isStopping(jobId),
      isMine: (job: Job) => jobs.isMine(job),
      onOpenRun: this._openRun,
      onOpenLog: (jobId: string) => this._run(CommandIDs.openJobLog, { jobId }),
      onStop: (jobId: string) => this._run(CommandIDs.stopJob, { jobId }),
      onRerun: (jobId: string) => this._run(CommandIDs.rerunJob, { jobId }),
      detailed: this._detailed?.jobId ?? null,
      tail: this._detailed?.log.log ?? null,
      onDetail: this._detail,
      onTrain: this._train,
      onRetry: () => void jobs.refresh()
    };
  }

  private _runs() {
    const { runs } = this._options;
    return {
      experiments: runs.experiments,
      experimentId: runs.experimentId,
      runs: runs.runs,
      pending: runs.pending,
      hasMore: runs.hasMore,
      isLoaded: runs.isLoaded,
      error: runs.error,
      filter: runs.filter,
      order: runs.order,
      columns: runs.columns,
      availableColumns: runs.availableColumns,
      selection: runs.selection,
      showsDeleted: runs.showsDeleted,
      curveOf: (runId: string) => runs.sparklines.of(runId),
      onExperiment: (id: string | null) => runs.setExperiment(id),
      onOrder: (order: typeof runs.order) => runs.setOrder(order),
      onColumns: (columns: readonly string[]) => runs.setColumns(columns),
      onShowDeleted: (deleted: boolean) => runs.setShowsDeleted(deleted),
      onToggle: (runId: string) => runs.toggle(runId),
      onOpen: this._openRun,
      onRestoreChosen: () => this._try(runs.restoreRuns(runs.selection)),
      onCompare: () =>
        this._run(CommandIDs.compareRuns, { runIds: [...runs.selection] }),
      onDeleteChosen: () => this._try(this._deleteChosen()),
      onClearSelection: () => runs.clearSelection(),
      onClearFilter: () => runs.setFilter(''),
      onShowPending: () => runs.showPending(),
      onMore: () => void runs.more(),
      onReading: (reading: boolean) => runs.setReading(reading),
      onTrain: this._train,
      onInsertLogging: () => this._options.insertCode(LOGGING_CODE),
      onRetry: () => void runs.refresh()
    };
  }

  private _cubes() {
    const { cubes, insertCode } = this._options;
    return {
      cubes: cubes.cubes,
      isDescribing: (uri: string) => cubes.isDescribing(uri),
      problemOf: (uri: string) => cubes.problem(uri),
      onTrain: (uri: string) => this._run(CommandIDs.trainOnCube, { uri }),
      onDescribe: (uri: string) => {
        cubes.remember(uri);
        // The problem is shown with the cube.
        cubes.describe(uri).catch(() => undefined);
      },
      onInsertCode: (uri: string) => insertCode(openCubeCode(uri)),
      onForget: (uri: string) => cubes.forget(uri)
    };
  }

  private _models() {
    const { registry } = this._options;
    return {
      models: registry.models,
      hasMore: registry.hasMore,
      isLoaded: registry.isLoaded,
      error: registry.error,
      onOpen: (name: string) => this._run(CommandIDs.openModel, { name }),
      onInsertCode: (uri: string) =>
        this._run(CommandIDs.insertLoadModel, { uri }),
      onMore: () => void registry.more(),
      onRetry: () => void registry.refresh()
    };
  }

  private async _deleteChosen(): Promise<void> {
    const { runs, trans } = this._options;
    const { selection } = runs;
    const result = await showDialog({
      title: trans._n('Delete %1 run?', 'Delete %1 runs?', selection.length),
      body: trans.__(
        'Deleted runs can be restored until somebody runs mlflow gc.'
      ),
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.warnButton({ label: trans.__('Delete') })
      ]
    });
    if (result.button.accept) {
      await runs.remove(selection);
    }
  }

  private readonly _refresh = () => this._run(CommandIDs.refresh);

  private readonly _train = () => this._run(CommandIDs.launchTraining);

  private readonly _openRun = (runId: string) =>
    this._run(CommandIDs.openRun, { runId });

  private readonly _filter = (filter: string) =>
    this._options.runs.setFilter(filter);

  private readonly _fold = (section: SectionName, folded: boolean) => {
    this.folded = folded
      ? [...this._folded, section]
      : this._folded.filter(name => name !== section);
    this._foldedChanged.emit();
  };

  /** Unfold one job at most, and read its output only as long as it is seen. */
  private readonly _detail = (jobId: string | null) => {
    const { client, changes, jobs } = this._options;
    this._detailed?.log.dispose();
    this._detailed = jobId
      ? {
          jobId,
          log: new JobLogModel({
            client,
            changes,
            jobId,
            tail: TAIL_BYTES,
            onChanged: () => this.update()
          })
        }
      : null;
    this._detailed?.log.follow(this.isVisible);
    this._followAttempt(jobs);
    this.update();
  };

  private _followAttempt(jobs: IJobsModel): void {
    const { jobId, log } = this._detailed ?? {};
    const job = jobs.jobs.find(other => other.job_id === jobId);
    if (job) {
      log?.setAttempt(job.attempt);
    }
  }

  private readonly _send = () => this._options.sync.send();

  private readonly _closeStatus = () => {
    this.showsStatus = false;
  };

  private readonly _openMenu = (button: HTMLElement) => {
    const { commands } = this._options;
    if (!this._menu) {
      this._menu = new Menu({ commands });
      this._menu.addItem({ command: CommandIDs.refresh });
      this._menu.addItem({ command: CommandIDs.copyTrackingUri });
      this._menu.addItem({ command: CommandIDs.toggleServerStatus });
      this._menu.addItem({ command: CommandIDs.openSettings });
      this._menu.addItem({ type: 'separator' });
      this._menu.addItem({ command: CommandIDs.launchTraining });
      this._menu.addItem({ command: CommandIDs.compareRuns });
      this._menu.addItem({ command: CommandIDs.openMlflowUi });
    }
    const { left, bottom } = button.getBoundingClientRect();
    this._menu.open(left, bottom);
  };

  private _run(command: string, args: Record<string, unknown> = {}): void {
    const { commands } = this._options;
    this._try(commands.execute(command, args as ReadonlyPartialJSONObject));
  }

  /** Nothing a click starts fails in silence. */
  private _try(promise: Promise<unknown>): void {
    promise.catch((reason: unknown) => {
      if (!isAbort(reason)) {
        Notification.error(toMLKitError(reason).message);
      }
    });
  }

  private readonly _options: IPanelOptions;
  private readonly _foldedChanged = new Signal<this, void>(this);
  private _folded: readonly SectionName[] = [];
  private _detailed: { jobId: string; log: JobLogModel } | null = null;
  private _menu: Menu | null = null;
  private _showsStatus = false;
}

/** Read at first of the output whose end is shown. */
const TAIL_BYTES = 8192;

const LOGGING_CODE = [
  'import mlflow',
  '',
  'with mlflow.start_run(run_name="first"):',
  '    mlflow.log_param("model", "mean")',
  '    mlflow.log_metric("val_rmse", 1.0)'
].join('\n');

function openCubeCode(uri: string): string {
  return [
    'from jupyter_mlkit.cubes.source import open_cube',
    '',
    `ds = open_cube(${JSON.stringify(uri)})`,
    'ds'
  ].join('\n');
}
