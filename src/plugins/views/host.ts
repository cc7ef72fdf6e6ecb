/**
 * What every view in the main area is made with.
 */
import type { IThemeManager } from '@jupyterlab/apputils';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';

import { mlkitIcon } from '../../icons';
import type { IChanges, IMLKitClient } from '../../tokens';

/** What the views need of the application. */
export interface IHostOptions {
  client: IMLKitClient;
  changes: IChanges;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

/** Views with charts draw them again when the theme changes. */
export interface IThemedHostOptions extends IHostOptions {
  themes: IThemeManager | null;
}

/** Put a view into the frame that the main area wants, with its title. */
export function frame<T extends Widget>(
  content: T,
  label: string,
  caption = label
): MainAreaWidget<T> {
  const widget = new MainAreaWidget({ content });
  content.title.label = label;
  content.title.caption = caption;
  content.title.icon = mlkitIcon;
  content.title.closable = true;
  widget.title.closable = true;
  // Our views have their own heads.
  widget.toolbar.hide();
  return widget;
}
