/**
 * What is wrong with one field, beside it.
 */
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';

/** Props of `FieldMessages`. */
export interface IFieldMessagesProps {
  id: string;
  errors: readonly IErrorInfo[];
}

/** The messages with their hints; nothing where there are none. */
export function FieldMessages(props: IFieldMessagesProps): JSX.Element | null {
  const { id, errors } = props;
  if (errors.length === 0) {
    return null;
  }
  return (
    <div id={id} className="jp-mlkit-fieldError" role="alert">
      {errors.map((error, i) => (
        <p key={i}>
          {error.message}
          {error.hint && (
            <span className="jp-mlkit-launch-fieldHint"> {error.hint}</span>
          )}
        </p>
      ))}
    </div>
  );
}
