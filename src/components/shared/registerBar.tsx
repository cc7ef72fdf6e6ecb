/**
 * Asks for the name under which a run's model is registered, in place.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { toMLKitError } from '../../api/errors';
import { ErrorBox } from './errorBox';

/** Props of `RegisterBar`. */
export interface IRegisterBarProps {
  trans: TranslationBundle;
  /** Names in use, offered while typing. */
  names?: readonly string[];
  onRegister: (name: string) => Promise<void>;
  onClose: () => void;
}

/** A bar with one field. */
export function RegisterBar(props: IRegisterBarProps): JSX.Element {
  const { trans, names = [], onRegister, onClose } = props;
  const [name, setName] = React.useState('');
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<IErrorInfo | null>(null);
  const listId = React.useId();
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    onRegister(name.trim())
      .catch((reason: unknown) => setError(toMLKitError(reason)))
      .finally(() => setBusy(false));
  };
  return (
    <form
      className="jp-mlkit-registerBar"
      aria-label={trans.__('Register the model')}
      onSubmit={submit}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          onClose();
        }
      }}
    >
      <label>
        {trans.__('Register as')}
        <input
          autoFocus
          required
          className="jp-mlkit-input"
          value={name}
          list={listId}
          onChange={event => setName(event.target.value)}
        />
      </label>
      <datalist id={listId}>
        {names.map(known => (
          <option key={known} value={known} />
        ))}
      </datalist>
      <button
        type="submit"
        className="jp-mlkit-button jp-mod-accept"
        disabled={busy || !name.trim()}
      >
        {busy ? trans.__('Registering…') : trans.__('Register')}
      </button>
      <button type="button" className="jp-mlkit-button" onClick={onClose}>
        {trans.__('Cancel')}
      </button>
      {error && <ErrorBox trans={trans} error={error} />}
    </form>
  );
}
