/**
 * The list of runs: which experiment, which filter and order, which are chosen.
 */
import { MLKitError } from '../api/errors';
import type { Change, Experiment, Run, RunPage } from '../api/types';
import type { ILiveOptions } from './live';
import { LiveModel } from './live';
import { isCost } from './primaryMetric';
import { Sparklines } from './sparklines';

const PAGE = 100;
const MAX_PAGE = 1000;
const MAX_EXPERIMENTS = 1000;
const FILTER_CODES: ReadonlySet<string> = new Set([
  'invalid_filter',
  'invalid_input',
  'invalid_order'
]);

/** An order of the list; null is the newest first. */
export interface IOrder {
  /** Such as `metrics.val_rmse`. */
  by: string;
  ascending: boolean;
}

/** What of the list is kept from one session to the next. */
export interface IRunsState {
  experimentId: string | null;
  order: IOrder | null;
  columns: readonly string[];
}

/**
 * The runs of an experiment, or of all.
 *
 * #### Notes
 * Rows never move under a reader: while the list is being read, new runs are held back and
 * counted in `pending`, and values change in their rows.
 */
export class RunsModel extends LiveModel {
  constructor(options: ILiveOptions) {
    super(options);
    this.sparklines = new Sparklines(options.client, () => this.notify());
  }

  /** Curves of the leading metric, as they arrive. */
  readonly sparklines: Sparklines;

  /** All active experiments. */
  get experiments(): readonly Experiment[] {
    return this._experiments;
  }

  /** The experiment that is shown; null: all. */
  get experimentId(): string | null {
    return this._state.experimentId;
  }

  /** In MLflow's syntax. */
  get filter(): string {
    return this._filter;
  }

  /** Whether the deleted runs are shown instead of the active ones. */
  get showsDeleted(): boolean {
    return this._showsDeleted;
  }

  /** What is wrong with the filter; shown beside its box. */
  get filterError(): MLKitError | null {
    return this._filterError;
  }

  get order(): IOrder | null {
    return this._state.order;
  }

  /** Metrics and params shown beside the leading metric, such as `params.model`. */
  get columns(): readonly string[] {
    return this._state.columns;
  }

  /** The rows. */
  get runs(): readonly Run[] {
    return this._runs;
  }

  /** Number of new runs that wait to be shown. */
  get pending(): number {
    return this._waiting.length;
  }

  /** Whether older runs can be loaded. */
  get hasMore(): boolean {
    return this._next !== null;
  }

  /** Ids of the chosen runs, in the order of choice. */
  get selection(): readonly string[] {
    return this._selection;
  }

  /** What to keep for the next session. */
  get state(): IRunsState {
    return this._state;
  }

  /** Take up where an earlier session left. */
  restore(state: Partial<IRunsState>): void {
    this._state = { ...this._state, ...state };
    if (this.isLoaded) {
      this._again();
    }
  }

  /** Show one experiment, or all (null). */
  setExperiment(experimentId: string | null): void {
    if (experimentId !== this._state.experimentId) {
      this._state = { ...this._state, experimentId };
      this._selection = [];
      this._again();
    }
  }

  /** Show the runs that match. */
  setFilter(filter: string): void {
    if (filter.trim() !== this._filter) {
      this._filter = filter.trim();
      this._again();
    }
  }

  /** Show the runs of all experiments that match. */
  find(filter: string): void {
    this._state = { ...this._state, experimentId: null };
    this._showsDeleted = false;
    this._selection = [];
    this._filter = filter.trim();
    this._again();
  }

  /** Show the deleted runs, or the active ones. */
  setShowsDeleted(deleted: boolean): void {
    this._showsDeleted = deleted;
    this._selection = [];
    this._again();
  }

  /** Delete runs; they can be restored. */
  async remove(runIds: readonly string[]): Promise<void> {
    await this._each(runIds, runId => this.client.deleteRun(runId));
  }

  /** Take runs back from the deleted ones. */
  async restoreRuns(runIds: readonly string[]): Promise<void> {
    await this._each(runIds, runId => this.client.restoreRun(runId));
  }

  setOrder(order: IOrder | null): void {
    this._state = { ...this._state, order };
    this._again();
  }

  setColumns(columns: readonly string[]): void {
    this._state = { ...this._state, columns: [...columns] };
    this.notify();
  }

  /** Whether somebody reads the list, so that its rows must stay where they are. */
  setReading(reading: boolean): void {
    this._reading = reading;
    if (!reading && this._waiting.length > 0) {
      this.showPending();
    }
  }

  /** Show the runs that were held back. */
  showPending(): void {
    this._runs = this._served;
    this._waiting = [];
    this.notify();
    void this.sparklines.follow(this._runs);
  }

  /** Load older runs. */
  async more(): Promise<void> {
    if (this._next !== null) {
      this._count += PAGE;
      await this.refresh();
    }
  }

  /** Choose a run, or no longer. */
  toggle(runId: string): void {
    this._selection = this._selection.includes(runId)
      ? this._selection.filter(id => id !== runId)
      : [...this._selection, runId];
    this.notify();
  }

  clearSelection(): void {
    this._selection = [];
    this.notify();
  }

  /** Keys of all metrics and params in the list, as columns to choose from. */
  get availableColumns(): readonly string[] {
    const keys = new Set<string>();
    for (const run of this._runs) {
      run.metrics.forEach(metric => keys.add(`metrics.${metric.key}`));
      Object.keys(run.params).forEach(key => keys.add(`params.${key}`));
    }
    const isLast = (column: string) =>
      Number(isCost(column.replace(/^metrics\./, '')));
    return [...keys].sort((a, b) => isLast(a) - isLast(b) || (a < b ? -1 : 1));
  }

  override async refresh(
    options: { background?: boolean } = {}
  ): Promise<void> {
    await super.refresh(options);
    void this.sparklines.follow(this._runs);
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const how = { signal, background };
    const [experiments, page] = await Promise.all([
      this.client.experiments({ max_results: MAX_EXPERIMENTS }, how),
      // A filter that was refused would be refused again.
      background && this._filterError ? this._filterError : this._page(how)
    ]);
    return () => {
      this._experiments = experiments.items;
      if (page instanceof MLKitError) {
        this._filterError = page;
      } else {
        this._filterError = null;
        this._apply(page, !background);
      }
    };
  }

  protected concerns(change: Change): boolean {
    if (change.capability === 'runs' && change.kind === 'deleted') {
      change.ids.forEach(id => this._gone.add(id));
    }
    return change.capability === 'runs' || change.capability === 'experiments';
  }

  /** The page of runs, or what is wrong with the filter: then the rows stay. */
  private async _page(how: {
    signal: AbortSignal;
    background: boolean;
  }): Promise<RunPage | MLKitError> {
    const { experimentId, order } = this._state;
    const direction = order?.ascending ? 'ASC' : 'DESC';
    try {
      return await this.client.runs(
        {
          experiment_id: experimentId === null ? [] : [experimentId],
          filter: toFilter(this._filter),
          view: this._showsDeleted ? 'deleted' : 'active',
          order_by: order ? [`${quoted(order.by)} ${direction}`] : [],
          max_results: Math.min(this._count, MAX_PAGE)
        },
        how
      );
    } catch (reason) {
      if (this._isFilterProblem(reason)) {
        return reason;
      }
      throw reason;
    }
  }

  /** Do something to runs that takes them off the list, and show what is left either way. */
  private async _each(
    runIds: readonly string[],
    act: (runId: string) => Promise<void>
  ): Promise<void> {
    try {
      for (const runId of runIds) {
        await act(runId);
      }
    } finally {
      await this.refresh();
    }
  }

  private _isFilterProblem(reason: unknown): reason is MLKitError {
    return (
      this._filter !== '' &&
      reason instanceof MLKitError &&
      (reason.field === 'filter' ||
        (reason.status === 400 && FILTER_CODES.has(reason.code)))
    );
  }

  private _apply(page: RunPage, asked: boolean): void {
    this._served = page.items;
    this._next = this._count < MAX_PAGE ? page.next_page_token : null;
    const fresh = new Map(page.items.map(run => [run.run_id, run]));
    const known = new Set(this._runs.map(run => run.run_id));
    this._runs = this._runs
      .filter(run => fresh.has(run.run_id) || !this._gone.has(run.run_id))
      .map(run => fresh.get(run.run_id) ?? run);
    this._gone.clear();
    this._waiting = page.items.filter(run => !known.has(run.run_id));
    if (asked || !this._reading || known.size === 0) {
      this._runs = page.items;
      this._waiting = [];
    }
    const shown = new Set(this._runs.map(run => run.run_id));
    this._selection = this._selection.filter(id => shown.has(id));
  }

  private _again(): void {
    this._count = PAGE;
    void this.refresh();
  }

  private _experiments: readonly Experiment[] = [];
  private _runs: readonly Run[] = [];
  private _served: readonly Run[] = [];
  private _waiting: readonly Run[] = [];
  private _selection: readonly string[] = [];
  private readonly _gone = new Set<string>();
  private _state: IRunsState = { experimentId: null, order: null, columns: [] };
  private _showsDeleted = false;
  private _filter = '';
  private _filterError: MLKitError | null = null;
  private _next: string | null = null;
  private _count = PAGE;
  private _reading = false;
}

/** `metrics.val rmse` as MLflow's grammar wants it; plain attributes stay bare. */
function quoted(key: string): string {
  const dot = key.indexOf('.');
  return dot < 0 ? key : `${key.slice(0, dot)}.\`${key.slice(dot + 1)}\``;
}

/** Words without an operator are a part of the run's name. */
function toFilter(text: string): string {
  if (text === '' || /[=<>]|\b(i?like|in|is)\b/i.test(text)) {
    return text;
  }
  return `attributes.run_name ILIKE '%${text.replace(/'/g, "''")}%'`;
}
