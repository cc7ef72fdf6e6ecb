/**
 * A part of the panel that folds.
 */
import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

/** Props of `Section`. */
export interface ISectionProps {
  title: string;
  /** Shown at the right; null while unknown. */
  count?: string | number | null;
  isOpen: boolean;
  onToggle: (open: boolean) => void;
  children: React.ReactNode;
}

/** A heading with a count, and what belongs to it. */
export function Section(props: ISectionProps): JSX.Element {
  const { title, count, isOpen, onToggle, children } = props;
  const id = React.useId();
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <section className="jp-mlkit-section" aria-labelledby={id}>
      <h3 className="jp-mlkit-section-title">
        <button
          type="button"
          id={id}
          aria-expanded={isOpen}
          onClick={() => onToggle(!isOpen)}
        >
          <Caret.react tag="span" className="jp-mlkit-caret" />
          <span className="jp-mlkit-section-name">{title}</span>
          {count !== null && count !== undefined && (
            <span className="jp-mlkit-count">{count}</span>
          )}
        </button>
      </h3>
      {isOpen && <div className="jp-mlkit-section-body">{children}</div>}
    </section>
  );
}
