/**
 * Programs with a page of their own that this server runs.
 */
import type { Change, Child } from '../api/types';
import { LiveModel } from './live';

/** The MLflow UI, as the API calls it. */
export const MLFLOW = 'mlflow';

/**
 * The programs.
 */
export class ChildrenModel extends LiveModel {
  /** Those that run. */
  get children(): readonly Child[] {
    return this._children;
  }

  /** Open one of a kind, started where it does not run yet. */
  async open(kind: string): Promise<Child> {
    const child = await this.client.openChild(kind);
    this._children = [
      ...this._children.filter(other => other.child_id !== child.child_id),
      child
    ];
    this.notify();
    // Overtakes an answer from before it was there.
    void this.refresh({ background: true });
    return child;
  }

  /** End one and all that it has started. */
  async stop(childId: string): Promise<void> {
    await this.client.stopChild(childId);
    this._children = this._children.filter(child => child.child_id !== childId);
    this.notify();
  }

  /** Address of a program's page; of a run's page where a run is named. */
  async pageOf(child: Child, runId?: string): Promise<string> {
    const page = this.client.childUrl(child);
    if (!runId) {
      return page;
    }
    const run = await this.client.run(runId);
    const [experiment, id] = [run.experiment_id, runId].map(encodeURIComponent);
    // Without it MLflow shows the navigation of its tools for language models.
    return `${page}#/experiments/${experiment}/runs/${id}?workflowType=machine_learning`;
  }

  protected async load(
    signal: AbortSignal,
    background: boolean
  ): Promise<() => void> {
    const list = await this.client.children({ signal, background });
    return () => {
      this._children = list.items;
    };
  }

  /** Nobody tells of programs, but they may have been ended when anything may have changed. */
  protected concerns(change: Change): boolean {
    return change.capability === 'jobs' && change.ids.length === 0;
  }

  private _children: readonly Child[] = [];
}
