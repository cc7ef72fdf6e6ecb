/**
 * Where views open, and how an open one is found again.
 */
import type { ILabShell, JupyterFrontEnd } from '@jupyterlab/application';
import type { ILayoutRestorer } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';
import { WidgetTracker } from '@jupyterlab/apputils';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

/** The content of a view: what reopens it, and what tells it from others of its kind. */
export interface IViewContent extends Widget {
  /** Arguments of the command that opens it. */
  readonly args: ReadonlyJSONObject;
}

/** Views of one kind in the main area. */
export class MainArea<T extends IViewContent> {
  constructor(private readonly options: MainArea.IOptions) {
    this.tracker = new WidgetTracker<MainAreaWidget<T>>({
      namespace: options.namespace
    });
    const { restorer, command, namespace } = options;
    if (restorer) {
      void restorer.restore(this.tracker, {
        command,
        args: widget => widget.content.args,
        name: widget => widget.id.slice(namespace.length + 1)
      });
    }
  }

  readonly tracker: WidgetTracker<MainAreaWidget<T>>;

  /**
   * Show the view with this key, made by `create` where it is not open.
   *
   * @param key - tells it from others of its kind
   */
  async open(
    key: string,
    create: () => Promise<MainAreaWidget<T>>
  ): Promise<MainAreaWidget<T>> {
    const id = `${this.options.namespace}-${idPart(key)}`;
    const opening = this._opening.get(id);
    if (opening) {
      return opening;
    }
    const { app, labShell } = this.options;
    const open = this.tracker.find(widget => widget.id === id);
    if (open) {
      app.shell.activateById(id);
      return open;
    }
    const made = create().finally(() => this._opening.delete(id));
    this._opening.set(id, made);
    const widget = await made;
    widget.id = id;
    await this.tracker.add(widget);
    // Notebook 7 shows one widget in its main area: the notebook itself.
    app.shell.add(widget, labShell ? 'main' : 'right');
    app.shell.activateById(id);
    return widget;
  }

  private readonly _opening = new Map<string, Promise<MainAreaWidget<T>>>();
}

/** A key as part of an element's id: names of models and addresses of cubes may hold anything. */
function idPart(key: string): string {
  return /^[\w-]+$/.test(key)
    ? key
    : `.${Array.from(key, char => char.codePointAt(0)!.toString(36)).join('.')}`;
}

/** Statics of the views. */
export namespace MainArea {
  /** How views of one kind are kept. */
  export interface IOptions {
    app: JupyterFrontEnd;
    /** There in Lab only. */
    labShell: ILabShell | null;
    restorer: ILayoutRestorer | null;
    /** Also the beginning of the widgets' ids. */
    namespace: string;
    /** Opens one, given its `args`. */
    command: string;
  }
}
