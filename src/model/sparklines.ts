/**
 * Short curves of the leading metric, for the rows that have one.
 */
import { isAbort } from '../api/errors';
import type { Run, WireFloat } from '../api/types';
import type { IMLKitClient } from '../tokens';
import { primaryKey } from './primaryMetric';

/** Points of a curve the size of a word. */
const MAX_POINTS = 24;
/** Runs asked for at once. */
const MAX_RUNS = 50;

/**
 * The curves; a run whose metric was logged once has none and is never asked for.
 */
export class Sparklines {
  /**
   * @param client - where the histories come from
   * @param onArrived - called when curves have arrived
   */
  constructor(
    private readonly client: Pick<IMLKitClient, 'metrics'>,
    private readonly onArrived: () => void
  ) {}

  /** The curve of a run, empty where there is none. */
  of(runId: string): readonly number[] {
    return this._values.get(runId)?.values ?? [];
  }

  /** Fetch what these runs lack, or have gained since. */
  async follow(runs: readonly Run[]): Promise<void> {
    const wanted = runs
      .map(run => ({ run, key: primaryKey(run) ?? '', last: lastPoint(run) }))
      .filter(({ run, last }) => {
        const known = this._values.get(run.run_id);
        return last !== null && known?.last !== last;
      })
      .slice(0, MAX_RUNS);
    if (wanted.length === 0 || this._busy) {
      return;
    }
    this._busy = true;
    try {
      const keys = new Set(wanted.map(({ key }) => key));
      const answer = await this.client.metrics(
        {
          run_id: wanted.map(({ run }) => run.run_id),
          key: [...keys],
          max_points: MAX_POINTS
        },
        { background: true }
      );
      for (const { run, key, last } of wanted) {
        const history = answer.items.find(
          item => item.run_id === run.run_id && item.key === key
        );
        const values = (history?.values ?? []).map(number);
        this._values.set(run.run_id, { last, values });
      }
      this.onArrived();
    } catch (reason) {
      // A list without its sparklines is still the list: its own load reports the failure.
      if (!isAbort(reason)) {
        wanted.forEach(({ run, last }) =>
          this._values.set(run.run_id, { last, values: [] })
        );
      }
    } finally {
      this._busy = false;
    }
  }

  private readonly _values = new Map<
    string,
    { last: string | null; values: readonly number[] }
  >();
  private _busy = false;
}

/** What marks the end of a curve, null where the metric was logged at one step only. */
function lastPoint(run: Run): string | null {
  const leading = primaryKey(run);
  const metric = run.metrics.find(({ key }) => key === leading);
  return metric && metric.step > 0
    ? `${metric.step}@${metric.timestamp}`
    : null;
}

function number(value: WireFloat): number {
  return typeof value === 'number' ? value : Number(value);
}
