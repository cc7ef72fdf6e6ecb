/**
 * A text that turns into a field: Enter (or Ctrl+Enter where it has lines) saves, Escape gives up.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ErrorBox } from './errorBox';
import { useAction } from './useAction';

/** Props of `EditableText`. */
export interface IEditableTextProps {
  trans: TranslationBundle;
  value: string;
  /** What is edited, such as `Name`. */
  label: string;
  onSave: (value: string) => Promise<void>;
  /** Shown where the text is empty. */
  placeholder?: string;
  multiline?: boolean;
  /** An empty text is not saved. */
  required?: boolean;
  maxLength?: number;
  /** Why it cannot be edited now. */
  locked?: string;
}

/** A plain text with a button to edit it in place. */
export function EditableText(props: IEditableTextProps): JSX.Element {
  const { trans, value, label, multiline, placeholder, locked } = props;
  const [draft, setDraft] = React.useState<string | null>(null);
  const button = React.useRef<HTMLButtonElement>(null);
  const action = useAction();

  const close = () => {
    setDraft(null);
    action.clear();
    // The field is gone; the keyboard goes on where it came from.
    window.setTimeout(() => button.current?.focus());
  };
  const save = async (text: string) => {
    const cleaned = multiline ? text : text.trim();
    if (props.required && !cleaned.trim()) {
      return;
    }
    if (cleaned === value || (await action.run(() => props.onSave(cleaned)))) {
      close();
    }
  };

  if (draft === null) {
    return (
      <span className={`jp-mlkit-editable ${multiline ? 'jp-mod-lines' : ''}`}>
        <span className={value ? undefined : 'jp-mlkit-dim'}>
          {value || placeholder}
        </span>
        <button
          ref={button}
          type="button"
          className="jp-mlkit-iconButton"
          aria-label={trans.__('Edit %1', label)}
          title={locked ?? trans.__('Edit %1', label)}
          disabled={locked !== undefined}
          onClick={() => setDraft(value)}
        >
          <span aria-hidden="true">✎</span>
        </button>
      </span>
    );
  }

  const field = {
    className: 'jp-mlkit-input',
    'aria-label': label,
    autoFocus: true,
    value: draft,
    maxLength: props.maxLength,
    disabled: action.busy,
    onChange: (
      event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>
    ) => setDraft(event.target.value),
    onKeyDown: (event: React.KeyboardEvent) => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        close();
      } else if (
        event.key === 'Enter' &&
        (!multiline || event.ctrlKey || event.metaKey)
      ) {
        event.preventDefault();
        void save(draft);
      }
    }
  };
  return (
    <form
      className="jp-mlkit-editable jp-mod-editing"
      onSubmit={event => {
        event.preventDefault();
        void save(draft);
      }}
    >
      {multiline ? <textarea rows={4} {...field} /> : <input {...field} />}
      <button type="submit" className="jp-mlkit-button" disabled={action.busy}>
        {trans.__('Save')}
      </button>
      <button type="button" className="jp-mlkit-button" onClick={close}>
        {trans.__('Cancel')}
      </button>
      {action.error && <ErrorBox trans={trans} error={action.error} />}
    </form>
  );
}
