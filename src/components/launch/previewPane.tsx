/**
 * What the spec would train on, before anything is trained.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Preview } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes, formatShare } from '../shared/format';
import { LeakageView } from '../shared/leakageView';
import { RoleTable } from '../shared/roleTable';
import type { IQuestion } from './useQuestion';

/** Props of `PreviewPane`. */
export interface IPreviewPaneProps {
  trans: TranslationBundle;
  question: IQuestion<Preview>;
  /** Whether cube, target, features and split are there. */
  complete: boolean;
}

/** Map, counts, cost, warnings. */
export function PreviewPane(props: IPreviewPaneProps): JSX.Element {
  const { trans, question, complete } = props;
  const { answer, busy, error } = question;
  return (
    <>
      <p role="status" className="jp-mlkit-launch-busy">
        {!complete
          ? trans.__('Choose a cube, a target and features to see the split.')
          : busy
            ? trans.__('Counting cells…')
            : ''}
        {complete && busy && (
          <progress aria-label={trans.__('Making the preview')} />
        )}
      </p>
      {complete && error && (
        <ErrorBox trans={trans} error={error} onRetry={question.askAgain} />
      )}
      {complete && answer && !error && (
        <div className={busy ? 'jp-mod-stale' : ''}>
          <PreviewMap trans={trans} png={answer.map_png} />
          <RoleTable trans={trans} roles={answer.roles} />
          <p>
            {trans.__(
              '%1 of cells valid · %2 decoded · memory about %3',
              formatShare(answer.valid_share),
              formatBytes(answer.decoded_bytes),
              formatBytes(answer.memory_bytes)
            )}
          </p>
          <ul className="jp-mlkit-launch-warnings">
            {answer.warnings.map((warning, i) => (
              <li key={i}>
                <span aria-hidden="true">⚠ </span>
                {warning.message}
                {warning.hint && (
                  <span className="jp-mlkit-launch-fieldHint">
                    {' '}
                    {warning.hint}
                  </span>
                )}
              </li>
            ))}
          </ul>
          {answer.leakage && (
            <LeakageView trans={trans} report={answer.leakage} />
          )}
        </div>
      )}
    </>
  );
}

function PreviewMap(props: {
  trans: TranslationBundle;
  png: string | null;
}): JSX.Element | null {
  const { trans, png } = props;
  if (png === null) {
    return null;
  }
  return (
    <figure className="jp-mlkit-figure">
      <img
        src={`data:image/png;base64,${png}`}
        alt={trans.__(
          'Map of the split: train, validation, test and unused cells'
        )}
      />
    </figure>
  );
}
