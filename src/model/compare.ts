/**
 * Two or more runs side by side.
 */
import type { Change, Comparison, MetricHistory } from '../api/types';
import type { ILiveOptions } from './live';
import { LiveModel } from './live';

const CURVE_POINTS = 300;
const FEWEST = 2;

/**
 * A comparison.
 */
export class CompareModel extends LiveModel {
  constructor(options: ILiveOptions & { runIds: readonly string[] }) {
    super(options);
    this._runIds = [...options.runIds];
  }

  /** The compared runs in their order. */
  get runIds(): readonly string[] {
    return this._runIds;
  }

  /** Null until it is loaded. */
  get comparison(): Comparison | null {
    return this._comparison;
  }

  /** Curves of the metrics; null until asked for. */
  get histories(): readonly MetricHistory[] | null {
    return this._histories;
  }

  /** Leave a run out; two stay. */
  remove(runId: string): void {
    if (this._runIds.length > FEWEST) {
      this._runIds = this._runIds.filter(id => id !== runId);
      void this.refresh();
    }
  }

  /** Load the curves and keep them current. */
  wantHistories(): void {
    if (!this._wantsHistories) {
      this._wantsHistories = true;
      void this.refresh({ background: true });
    }
  }

  readArtifact(runId: string, path: string): Promise<Blob> {
    return this.client.artifactContent(runId, path);
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const how = { signal, background };
    const comparison = await this.client.compare(this._runIds, how);
    const keys = new Set(
      comparison.runs.flatMap(run => run.metrics.map(metric => metric.key))
    );
    const histories =
      this._wantsHistories && keys.size > 0
        ? await this.client.metrics(
            {
              run_id: this._runIds,
              key: [...keys],
              max_points: CURVE_POINTS
            },
            how
          )
        : null;
    return () => {
      this._comparison = comparison;
      if (this._wantsHistories) {
        this._histories = histories?.items ?? [];
      }
    };
  }

  protected concerns(change: Change): boolean {
    return (
      change.capability === 'runs' &&
      (change.ids.length === 0 ||
        change.ids.some(id => this._runIds.includes(id)))
    );
  }

  private _runIds: readonly string[];
  private _comparison: Comparison | null = null;
  private _histories: readonly MetricHistory[] | null = null;
  private _wantsHistories = false;
}
