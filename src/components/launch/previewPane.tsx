/**
 * What the spec would train on, before anything is trained.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Preview } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes, formatShare } from '../shared/format';
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
          <Counts trans={trans} preview={answer} />
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
        alt={trans.__('Map of the split: train, validation and test cells')}
      />
    </figure>
  );
}

function Counts(props: {
  trans: TranslationBundle;
  preview: Preview;
}): JSX.Element {
  const { trans, preview } = props;
  const total = preview.roles.reduce((sum, role) => sum + role.cells, 0);
  return (
    <table className="jp-mlkit-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('role')}</th>
          <th scope="col" className="jp-mod-number">
            {trans.__('valid cells')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('share')}
          </th>
          <th scope="col" className="jp-mod-number">
            {trans.__('blocks')}
          </th>
        </tr>
      </thead>
      <tbody>
        {preview.roles.map(role => (
          <tr key={role.role}>
            <th scope="row">{role.role}</th>
            <td className="jp-mod-number">{role.cells.toLocaleString()}</td>
            <td className="jp-mod-number">
              {total > 0 ? formatShare(role.cells / total) : ''}
            </td>
            <td className="jp-mod-number">{role.blocks.toLocaleString()}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
