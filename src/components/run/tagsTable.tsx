/**
 * Tags of a run: each can be changed or deleted, one can be added.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { EditableText } from '../shared/editableText';
import { ErrorBox } from '../shared/errorBox';
import { useAction } from '../shared/useAction';
import type { IRunEdits } from './types';

/** Props of `TagsTable`. */
export interface ITagsTableProps {
  trans: TranslationBundle;
  tags: Readonly<Record<string, string>>;
  edits: Pick<IRunEdits, 'setTag' | 'deleteTag'>;
  /** Why none can be changed now. */
  locked?: string;
}

/** Kept by MLflow and by us: changing one by hand would make the run lie, so the server refuses. */
const SYSTEM = /^(mlflow|mlkit)\./;

/** The tags, those that people set first. */
export function TagsTable(props: ITagsTableProps): JSX.Element {
  const { trans, tags, edits, locked } = props;
  const action = useAction();
  const keys = Object.keys(tags).sort();
  const own = keys.filter(key => !SYSTEM.test(key));
  const system = keys.filter(key => SYSTEM.test(key));
  return (
    <>
      {own.length > 0 && (
        <dl className="jp-mlkit-pairs">
          {own.map(key => (
            <React.Fragment key={key}>
              <dt>{key}</dt>
              <dd>
                <EditableText
                  trans={trans}
                  value={tags[key]}
                  label={trans.__('tag %1', key)}
                  maxLength={8000}
                  onSave={value => edits.setTag(key, value)}
                  locked={locked}
                />
                <button
                  type="button"
                  className="jp-mlkit-iconButton"
                  aria-label={trans.__('Delete tag %1', key)}
                  title={locked ?? trans.__('Delete tag %1', key)}
                  disabled={action.busy || locked !== undefined}
                  onClick={() => void action.run(() => edits.deleteTag(key))}
                >
                  <span aria-hidden="true">✕</span>
                </button>
              </dd>
            </React.Fragment>
          ))}
        </dl>
      )}
      {action.error && <ErrorBox trans={trans} error={action.error} />}
      {locked === undefined && <AddTag {...props} />}
      {system.length > 0 && (
        <details className="jp-mlkit-details">
          <summary>{trans.__('System tags (%1)', system.length)}</summary>
          <dl className="jp-mlkit-pairs">
            {system.map(key => (
              <React.Fragment key={key}>
                <dt>{key}</dt>
                <dd className="jp-mlkit-code">{tags[key]}</dd>
              </React.Fragment>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

function AddTag({ trans, tags, edits }: ITagsTableProps): JSX.Element {
  const [key, setKey] = React.useState('');
  const [value, setValue] = React.useState('');
  const action = useAction();
  const refused = SYSTEM.test(key.trim());
  const taken = !refused && Object.hasOwn(tags, key.trim());
  const add = async () => {
    if (await action.run(() => edits.setTag(key.trim(), value))) {
      setKey('');
      setValue('');
    }
  };
  return (
    <form
      className="jp-mlkit-addTag"
      onSubmit={event => {
        event.preventDefault();
        void add();
      }}
    >
      <input
        className="jp-mlkit-input"
        aria-label={trans.__('Key of a new tag')}
        placeholder={trans.__('key')}
        value={key}
        maxLength={250}
        onChange={event => setKey(event.target.value)}
      />
      <input
        className="jp-mlkit-input"
        aria-label={trans.__('Value of a new tag')}
        placeholder={trans.__('value')}
        value={value}
        maxLength={8000}
        onChange={event => setValue(event.target.value)}
      />
      <button
        type="submit"
        className="jp-mlkit-button"
        disabled={action.busy || !key.trim() || taken || refused}
      >
        {trans.__('Add tag')}
      </button>
      {taken && (
        <span role="status" className="jp-mlkit-dim">
          {trans.__('This tag exists: change it above.')}
        </span>
      )}
      {refused && (
        <span role="status" className="jp-mlkit-dim">
          {trans.__('Tags that begin so are kept by the system.')}
        </span>
      )}
      {action.error && <ErrorBox trans={trans} error={action.error} />}
    </form>
  );
}
