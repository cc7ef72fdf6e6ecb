/**
 * A small button in a row.
 */
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** Props of `RowAction`. */
export interface IRowActionProps {
  icon: LabIcon;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  /** Of a button that unfolds something. */
  expanded?: boolean;
}

/** A button that shows on hover and focus, and is reached by the arrow keys. */
export function RowAction(props: IRowActionProps): JSX.Element {
  const { icon: Icon, label, onClick, disabled, expanded } = props;
  return (
    <button
      type="button"
      className="jp-mlkit-rowAction"
      tabIndex={-1}
      title={label}
      aria-label={label}
      disabled={disabled}
      aria-expanded={expanded}
      onClick={onClick}
    >
      <Icon.react tag="span" className="jp-mlkit-icon" />
    </button>
  );
}
