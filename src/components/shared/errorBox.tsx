/**
 * What happened, why, and what to do; the details fold out and can be copied.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';

export type { IErrorInfo } from '../../api/errors';

/** Props of `ErrorBox`. */
export interface IErrorBoxProps {
  trans: TranslationBundle;
  error: IErrorInfo;
  /** Offers to try again. */
  onRetry?: () => void;
}

/** An error in place. */
export function ErrorBox(props: IErrorBoxProps): JSX.Element {
  const { trans, error, onRetry } = props;
  const [copied, setCopied] = React.useState(false);
  const details = JSON.stringify(
    {
      message: error.message,
      code: error.code,
      hint: error.hint,
      field: error.field
    },
    undefined,
    2
  );
  const copy = () => {
    void navigator.clipboard?.writeText(details).then(() => setCopied(true));
  };
  return (
    <div className="jp-mlkit-error" role="alert">
      <p className="jp-mlkit-error-message">{error.message}</p>
      {error.hint && <p className="jp-mlkit-error-hint">{error.hint}</p>}
      <div className="jp-mlkit-error-foot">
        {onRetry && (
          <button type="button" className="jp-mlkit-link" onClick={onRetry}>
            {trans.__('Try again')}
          </button>
        )}
        <details className="jp-mlkit-error-details">
          <summary>{trans.__('Details')}</summary>
          <pre>{details}</pre>
          <button type="button" className="jp-mlkit-link" onClick={copy}>
            {copied ? trans.__('Copied') : trans.__('Copy')}
          </button>
        </details>
      </div>
    </div>
  );
}
