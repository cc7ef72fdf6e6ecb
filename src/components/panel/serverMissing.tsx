/**
 * The server part is not there: say so, and how to get it.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

const COMMANDS = [
  'pip install --force-reinstall jupyter_mlkit',
  'jupyter server extension enable jupyter_mlkit',
  'jupyter server extension list'
];

/** Props of `ServerMissing`. */
export interface IServerMissingProps {
  trans: TranslationBundle;
  onRetry: () => void;
}

/** Cause and fix. */
export function ServerMissing(props: IServerMissingProps): JSX.Element {
  const { trans, onRetry } = props;
  return (
    <div className="jp-mlkit-empty jp-mlkit-serverMissing" role="alert">
      <p className="jp-mlkit-empty-title">
        {trans.__('Server extension not available')}
      </p>
      <p>
        {trans.__(
          'This panel is installed, but the Jupyter server that runs this page does not answer for jupyter_mlkit: it is missing in the server’s environment, disabled, or the server was started before it was installed.'
        )}
      </p>
      <p>
        {trans.__(
          'In the environment of the Jupyter server (not of a kernel), run:'
        )}
      </p>
      <pre tabIndex={0}>{COMMANDS.join('\n')}</pre>
      <p>{trans.__('Then restart the server and reload this page.')}</p>
      <button type="button" className="jp-mlkit-button" onClick={onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}
