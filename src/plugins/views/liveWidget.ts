/**
 * A widget whose models are current while it can be seen, and at rest while it cannot.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';
import { DisposableSet } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';

/** What can be looked at. */
export interface ILookedAt {
  look(): IDisposable;
}

/** Base of the panel and the views. */
export abstract class LiveWidget extends ReactWidget {
  constructor(private readonly models: readonly ILookedAt[]) {
    super();
    this.addClass('jp-mlkit-root');
  }

  override dispose(): void {
    this._look?.dispose();
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._beginLook();
    }
  }

  protected override onBeforeDetach(message: Message): void {
    this._endLook();
    super.onBeforeDetach(message);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._beginLook();
  }

  protected override onBeforeHide(message: Message): void {
    this._endLook();
    super.onBeforeHide(message);
  }

  private _beginLook(): void {
    if (!this._look) {
      this._look = DisposableSet.from(this.models.map(model => model.look()));
    }
  }

  private _endLook(): void {
    this._look?.dispose();
    this._look = null;
  }

  private _look: IDisposable | null = null;
}
