/**
 * A view with nothing in it says what to do next and does it with one click.
 */
import * as React from 'react';

/** One thing to do. */
export interface IEmptyAction {
  label: string;
  onClick: () => void;
  primary?: boolean;
  /** As a link, where another view already offers it as a button. */
  quiet?: boolean;
}

/** Props of `EmptyView`; its words come translated. */
export interface IEmptyViewProps {
  title: string;
  text?: string;
  actions?: readonly IEmptyAction[];
}

/** What to do where there is nothing to see. */
export function EmptyView(props: IEmptyViewProps): JSX.Element {
  const { title, text, actions = [] } = props;
  return (
    <div className="jp-mlkit-empty">
      <p className="jp-mlkit-empty-title">{title}</p>
      {text && <p className="jp-mlkit-empty-text">{text}</p>}
      {actions.map(action => (
        <button
          key={action.label}
          type="button"
          className={
            action.quiet
              ? 'jp-mlkit-link'
              : `jp-mlkit-button ${action.primary ? 'jp-mod-accept' : ''}`
          }
          onClick={action.onClick}
        >
          {action.label}
        </button>
      ))}
    </div>
  );
}
