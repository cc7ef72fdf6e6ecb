/**
 * Whether the scores may be compared: three different words, each with its shape.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Comparison } from '../../api/types';

/** Props of `VerdictBanner`. */
export interface IVerdictBannerProps {
  trans: TranslationBundle;
  comparison: Comparison;
}

const GLYPHS: Record<Comparison['verdict'], string> = {
  comparable: '✓',
  not_comparable: '⚠',
  unknown: '?'
};

/** The verdict and its reasons. */
export function VerdictBanner(props: IVerdictBannerProps): JSX.Element {
  const { trans, comparison } = props;
  const { verdict, reasons } = comparison;
  const words: Record<Comparison['verdict'], [string, string]> = {
    comparable: [
      trans.__('Comparable'),
      trans.__('All runs were scored on the same truth in the same cells.')
    ],
    not_comparable: [
      trans.__('Not comparable'),
      trans.__('The runs were scored on different data: lower is not better.')
    ],
    unknown: [
      trans.__('Unknown'),
      trans.__('At least one run does not say what it was scored on.')
    ]
  };
  const [word, meaning] = words[verdict];
  return (
    <div
      role="status"
      className={`jp-mlkit-verdict jp-mod-${verdict.replace('_', '')}`}
    >
      <span className="jp-mlkit-verdict-glyph" aria-hidden="true">
        {GLYPHS[verdict]}
      </span>
      <div>
        <strong>{word}</strong>
        {'. '}
        {meaning}
        {reasons.length > 0 && (
          <ul>
            {reasons.map((reason, i) => (
              <li key={i}>{reason}</li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}
