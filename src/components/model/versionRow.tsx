/**
 * One version of a model: its aliases, its run, and the code that loads it.
 */
import * as React from 'react';

import type { ModelVersion, RegisteredModel } from '../../api/types';
import { EditableText } from '../shared/editableText';
import { ErrorBox } from '../shared/errorBox';
import { RelativeTime } from '../shared/relativeTime';
import { useAction } from '../shared/useAction';
import { AliasForm } from './aliasForm';
import type { IModelViewProps } from './types';

type Props = IModelViewProps & {
  model: RegisteredModel;
  version: ModelVersion;
};

/** A row of the versions table. */
export function VersionRow(props: Props): JSX.Element {
  const { trans, model, version } = props;
  const [adding, setAdding] = React.useState(false);
  const removal = useAction();
  const alias = version.aliases[0];
  return (
    <tr>
      <th scope="row">
        {trans.__('v%1', version.version)}
        {version.status !== 'READY' && (
          <span className="jp-mlkit-badge">{version.status}</span>
        )}
      </th>
      <td>
        <span className="jp-mlkit-model-aliases">
          {version.aliases.map(name => (
            <span key={name} className="jp-mlkit-model-alias">
              {name}
              <button
                type="button"
                className="jp-mlkit-iconButton"
                aria-label={trans.__('Remove alias %1', name)}
                title={trans.__('Remove alias %1', name)}
                disabled={removal.busy}
                onClick={() =>
                  void removal.run(() => props.onDeleteAlias(name))
                }
              >
                <span aria-hidden="true">✕</span>
              </button>
            </span>
          ))}
          {!adding && (
            <button
              type="button"
              className="jp-mlkit-iconButton"
              aria-label={trans.__(
                'Set an alias of version %1',
                version.version
              )}
              title={trans.__('Set an alias of version %1', version.version)}
              onClick={() => setAdding(true)}
            >
              <span aria-hidden="true">+</span>
            </button>
          )}
        </span>
        {adding && (
          <AliasForm
            trans={trans}
            model={model}
            version={version.version}
            onSetAlias={props.onSetAlias}
            onClose={() => setAdding(false)}
          />
        )}
        {removal.error && <ErrorBox trans={trans} error={removal.error} />}
      </td>
      <td>
        <RelativeTime trans={trans} time={version.creation_time} />
      </td>
      <td>
        <RunLink {...props} />
      </td>
      <td className="jp-mlkit-code">{version.source}</td>
      <td>
        <Description {...props} />
      </td>
      <td>
        <button
          type="button"
          className="jp-mlkit-button"
          title={trans.__('Insert code that loads this model')}
          onClick={() => props.onInsertCode({ version: version.version })}
        >
          {trans.__('Insert code')}
        </button>
        {alias && (
          <button
            type="button"
            className="jp-mlkit-button"
            title={trans.__('Insert code that loads whatever the alias names')}
            onClick={() => props.onInsertCode({ alias })}
          >
            @{alias}
          </button>
        )}
      </td>
    </tr>
  );
}

function RunLink({ trans, version, onOpenRun }: Props): JSX.Element {
  const { run_id: runId, run_name: name } = version;
  if (runId === null) {
    return <span className="jp-mlkit-dim">{trans.__('none')}</span>;
  }
  return (
    <button
      type="button"
      className="jp-mlkit-link"
      onClick={() => onOpenRun(runId)}
    >
      {name ?? runId.slice(0, 8)}
    </button>
  );
}

function Description(props: Props): JSX.Element {
  const { trans, version, onDescribeVersion } = props;
  if (!onDescribeVersion) {
    return <span>{version.description}</span>;
  }
  return (
    <EditableText
      trans={trans}
      value={version.description}
      label={trans.__('description of version %1', version.version)}
      maxLength={5000}
      onSave={text => onDescribeVersion(version.version, text)}
    />
  );
}
