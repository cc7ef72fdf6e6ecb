/**
 * All that is wrong with the spec, each line a way to its field.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { focusField } from './fieldErrors';

/** Props of `ErrorSummary`. */
export interface IErrorSummaryProps {
  trans: TranslationBundle;
  errors: readonly IErrorInfo[];
  /** Where the fields are looked for. */
  form: React.RefObject<HTMLElement>;
}

/** The summary; nothing where nothing is wrong. */
export function ErrorSummary(props: IErrorSummaryProps): JSX.Element | null {
  const { trans, errors, form } = props;
  if (errors.length === 0) {
    return null;
  }
  return (
    <div className="jp-mlkit-error jp-mlkit-launch-summary" role="alert">
      <p>
        {trans._n(
          '%1 thing to correct before launch:',
          '%1 things to correct before launch:',
          errors.length
        )}
      </p>
      <ul>
        {errors.map((error, i) => (
          <li key={i}>
            {error.field ? (
              <button
                type="button"
                className="jp-mlkit-link"
                onClick={() => focusField(form.current, error.field ?? '')}
              >
                {error.field}
              </button>
            ) : null}
            {error.field ? ': ' : ''}
            {error.message}
            {!error.field && error.hint ? ` ${error.hint}` : ''}
          </li>
        ))}
      </ul>
    </div>
  );
}
