/**
 * A registered model: what it is, its versions and the aliases that name them.
 */
import * as React from 'react';

import { EditableText } from '../shared/editableText';
import { ErrorBox } from '../shared/errorBox';
import { useAction } from '../shared/useAction';
import type { IModelViewProps } from './types';
import { VersionRow } from './versionRow';

/** The main-area view of a registered model. */
export function ModelView(props: IModelViewProps): JSX.Element {
  const { trans, model, versions, error, onRetry, onMore } = props;
  const more = useAction();
  if (!model) {
    return (
      <div className="jp-mlkit-view">
        {error ? (
          <ErrorBox trans={trans} error={error} onRetry={onRetry} />
        ) : (
          <p role="status">{trans.__('Loading model…')}</p>
        )}
      </div>
    );
  }
  return (
    <div className="jp-mlkit-view jp-mlkit-model">
      {error && <ErrorBox trans={trans} error={error} onRetry={onRetry} />}
      <h1 className="jp-mlkit-run-name">{model.name}</h1>
      <section aria-label={trans.__('Description')}>
        <EditableText
          trans={trans}
          value={model.description}
          label={trans.__('description')}
          placeholder={trans.__('What is this model for?')}
          maxLength={5000}
          onSave={props.onDescribe}
          multiline
        />
      </section>
      <section aria-label={trans.__('Versions')}>
        <h2>{trans.__('Versions')}</h2>
        {versions.length === 0 ? (
          <p className="jp-mlkit-dim">
            {trans.__('No version yet: register the model of a run.')}
          </p>
        ) : (
          <div className="jp-mlkit-compare-scroll">
            <table className="jp-mlkit-table">
              <thead>
                <tr>
                  <th scope="col">{trans.__('version')}</th>
                  <th scope="col">{trans.__('aliases')}</th>
                  <th scope="col">{trans.__('created')}</th>
                  <th scope="col">{trans.__('run')}</th>
                  <th scope="col">{trans.__('source')}</th>
                  <th scope="col">{trans.__('description')}</th>
                  <th scope="col">{trans.__('load')}</th>
                </tr>
              </thead>
              <tbody>
                {versions.map(version => (
                  <VersionRow
                    key={version.version}
                    {...props}
                    model={model}
                    version={version}
                  />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {more.error && <ErrorBox trans={trans} error={more.error} />}
        {onMore && (
          <button
            type="button"
            className="jp-mlkit-button"
            disabled={more.busy}
            onClick={() => void more.run(onMore)}
          >
            {trans.__('Show older versions')}
          </button>
        )}
      </section>
    </div>
  );
}
