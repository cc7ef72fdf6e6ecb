/**
 * Gives a version an alias, or moves one to it, and says which of the two it will do.
 */
import * as React from 'react';

import type { RegisteredModel } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { useAction } from '../shared/useAction';
import { aliasProblem } from './aliasRules';
import type { IModelViewProps } from './types';

/** Props of `AliasForm`. */
export interface IAliasFormProps extends Pick<
  IModelViewProps,
  'trans' | 'onSetAlias'
> {
  model: RegisteredModel;
  version: string;
  onClose: () => void;
}

/** A field with the aliases of the model on offer. */
export function AliasForm(props: IAliasFormProps): JSX.Element {
  const { trans, model, version, onSetAlias, onClose } = props;
  const [alias, setAlias] = React.useState('');
  const [tried, setTried] = React.useState(false);
  const action = useAction();
  const id = React.useId();
  const problem = aliasProblem(alias, trans);
  const held = Object.hasOwn(model.aliases, alias)
    ? model.aliases[alias]
    : undefined;
  const submit = async () => {
    setTried(true);
    if (problem || held === version) {
      return;
    }
    if (await action.run(() => onSetAlias(alias, version))) {
      onClose();
    }
  };
  const message =
    problem !== null
      ? tried || alias
        ? problem
        : null
      : held === version
        ? trans.__('Version %1 has this alias.', version)
        : held
          ? trans.__('Moves “%1” from version %2 to %3.', alias, held, version)
          : null;
  return (
    <form
      className="jp-mlkit-model-aliasForm"
      onSubmit={event => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onClose();
        }
      }}
    >
      <input
        className="jp-mlkit-input"
        aria-label={trans.__('Alias of version %1', version)}
        aria-invalid={(tried || alias !== '') && problem !== null}
        aria-describedby={message ? `${id}-message` : undefined}
        placeholder={trans.__('champion')}
        list={`${id}-aliases`}
        value={alias}
        autoFocus
        onChange={event => setAlias(event.target.value.trim())}
      />
      <datalist id={`${id}-aliases`}>
        {Object.keys(model.aliases).map(name => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="submit" className="jp-mlkit-button" disabled={action.busy}>
        {held && held !== version ? trans.__('Move') : trans.__('Set alias')}
      </button>
      <button type="button" className="jp-mlkit-button" onClick={onClose}>
        {trans.__('Cancel')}
      </button>
      {message && (
        <span
          id={`${id}-message`}
          role="status"
          className={problem ? 'jp-mlkit-fieldError' : 'jp-mlkit-dim'}
        >
          {message}
        </span>
      )}
      {action.error && <ErrorBox trans={trans} error={action.error} />}
    </form>
  );
}
