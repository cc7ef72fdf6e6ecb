/**
 * The MLflow UI in the main area.
 */
import type { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { toMLKitError } from '../../api/errors';
import type { Child } from '../../api/types';
import { ChildView } from '../../components/child/childView';
import { MLFLOW } from '../../model/children';
import type { IChildrenModel } from '../../tokens';
import { prepareVisit } from '../mlflowVisit';
import { frame } from './host';

/** How the view is made. */
export interface IMlflowUiOptions {
  children: IChildrenModel;
  trans: TranslationBundle;
  /** A run to show. */
  runId?: string;
}

/** Hosts MLflow's page; the program starts when the page is first seen. */
export class MlflowUiContent extends ReactWidget {
  constructor(options: IMlflowUiOptions) {
    super();
    this.addClass('jp-mlkit-root');
    this._options = options;
    this._runId = options.runId;
    options.children.stateChanged.connect(this.update, this);
  }

  get args(): { runId?: string } {
    return this._runId ? { runId: this._runId } : {};
  }

  /** Another run is shown. */
  get moved(): ISignal<this, void> {
    return this._moved;
  }

  /** Show a run, or the list of experiments. */
  goTo(runId: string | undefined): void {
    this._runId = runId;
    this._moved.emit();
    void this._open();
  }

  override dispose(): void {
    this._options.children.stateChanged.disconnect(this.update, this);
    Signal.clearData(this);
    super.dispose();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      this._seen();
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._seen();
  }

  protected override render(): JSX.Element {
    const { children, trans } = this._options;
    const child = this._child;
    return (
      <ChildView
        trans={trans}
        title={trans.__('MLflow UI')}
        url={this._url}
        version={this._version}
        isGone={
          child !== null &&
          !children.children.some(other => other.child_id === child.child_id)
        }
        error={this._error}
        onOpen={this._open}
        onOpenTab={this._openTab}
      />
    );
  }

  private _seen(): void {
    if (this._child) {
      // It may have been ended while nobody looked.
      void this._options.children.refresh({ background: true });
    } else if (!this._isOpening) {
      void this._open();
    }
  }

  private readonly _open = async (): Promise<void> => {
    const { children } = this._options;
    const asked = (this._asked += 1);
    this._isOpening = true;
    this._error = null;
    this._child = null;
    this._url = null;
    this.update();
    try {
      const child = await children.open(MLFLOW);
      const url = await children.pageOf(child, this._runId);
      if (this.isDisposed || asked !== this._asked) {
        return;
      }
      prepareVisit();
      this._child = child;
      this._url = url;
      this._version += 1;
    } catch (reason) {
      if (this.isDisposed || asked !== this._asked) {
        return;
      }
      this._error = toMLKitError(reason);
    }
    this._isOpening = false;
    this.update();
  };

  private readonly _openTab = () => {
    if (this._url) {
      window.open(this._url, '_blank', 'noopener');
    }
  };

  private readonly _options: IMlflowUiOptions;
  private readonly _moved = new Signal<this, void>(this);
  private _runId: string | undefined;
  private _child: Child | null = null;
  private _url: string | null = null;
  private _version = 0;
  private _asked = 0;
  private _isOpening = false;
  private _error: MLKitError | null = null;
}

/** Make the view of the MLflow UI. */
export function createMlflowUi(
  options: IMlflowUiOptions
): MainAreaWidget<MlflowUiContent> {
  return frame(new MlflowUiContent(options), options.trans.__('MLflow UI'));
}
