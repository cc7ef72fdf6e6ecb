/**
 * What the server part says of itself.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Status } from '../../api/types';

/** Props of `ServerStatus`. */
export interface IServerStatusProps {
  trans: TranslationBundle;
  /** Null until the server has answered. */
  status: Status | null;
  isLive: boolean;
  onClose: () => void;
}

/** Versions, store and folders; problems stand below it anyway. */
export function ServerStatus(props: IServerStatusProps): JSX.Element {
  const { trans, status, isLive, onClose } = props;
  const id = React.useId();
  const pairs: [string, string][] = status
    ? [
        [trans.__('ML kit'), status.version],
        [trans.__('MLflow'), status.mlflow_version],
        [
          trans.__('Store'),
          status.store === 'local' ? trans.__('local') : trans.__('remote')
        ],
        [trans.__('Tracking URI'), status.tracking_uri],
        [trans.__('Artifacts'), status.artifact_root ?? trans.__('elsewhere')],
        [trans.__('Changes'), isLive ? trans.__('live') : trans.__('polled')],
        [
          trans.__('Problems'),
          status.problems.length === 0
            ? trans.__('none')
            : trans._n('%1, see below', '%1, see below', status.problems.length)
        ]
      ]
    : [];
  return (
    <section className="jp-mlkit-status" aria-labelledby={id}>
      <h3 id={id}>{trans.__('Server status')}</h3>
      <button
        type="button"
        className="jp-mlkit-iconButton"
        aria-label={trans.__('Close the server status')}
        title={trans.__('Close')}
        onClick={onClose}
      >
        <closeIcon.react tag="span" className="jp-mlkit-icon" />
      </button>
      {status ? (
        <dl>
          {pairs.map(([name, value]) => (
            <React.Fragment key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </React.Fragment>
          ))}
        </dl>
      ) : (
        <p>{trans.__('The server has not answered yet.')}</p>
      )}
    </section>
  );
}
