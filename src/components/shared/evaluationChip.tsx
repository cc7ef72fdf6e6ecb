/**
 * What a run was scored on, as a shape and a colour that stand for one evaluation.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Evaluation } from '../../api/types';

/** Outlines in a box of 10 by 10; filled, so that they differ at a glance. */
const SHAPES = [
  'M5 0.5 9.5 5 5 9.5 0.5 5Z',
  'M5 0.7a4.3 4.3 0 1 1 0 8.6a4.3 4.3 0 0 1 0-8.6Z',
  'M1 1h8v8H1Z',
  'M5 0.8 9.6 9.2H0.4Z',
  'M2.6 0.9h4.8L9.8 5 7.4 9.1H2.6L0.2 5Z',
  'M3.4 0.5h3.2v2.9h2.9v3.2H6.6v2.9H3.4V6.6H0.5V3.4h2.9Z'
];
const COLOURS = 8;

/** Shape and colour of a hash, the same in every list, session and browser. */
export function chipLook(hash: string): { shape: number; colour: number } {
  // FNV-1a: any spread-out number from the hash's text will do, but it must never change.
  let code = 0x811c9dc5;
  for (const character of hash) {
    code = Math.imul(code ^ character.charCodeAt(0), 0x01000193) >>> 0;
  }
  return { shape: code % SHAPES.length, colour: (code >>> 8) % COLOURS };
}

/** What an evaluation is, in words. */
export function evaluationWords(
  trans: TranslationBundle,
  evaluation: Evaluation | null
): string {
  if (!evaluation) {
    return trans.__(
      'Scored on unknown cells: comparability with other runs is unknown'
    );
  }
  return trans.__(
    'Scored on %1 %2 cells of %3 (%4), evaluation %5',
    evaluation.n_cells.toLocaleString(),
    evaluation.role,
    evaluation.target,
    evaluation.units || '1',
    evaluation.hash.slice(0, 8)
  );
}

/** Props of `EvaluationChip`. */
export interface IEvaluationChipProps {
  trans: TranslationBundle;
  evaluation: Evaluation | null;
}

/** The chip, with its legend on hover and focus. */
export function EvaluationChip(props: IEvaluationChipProps): JSX.Element {
  const { trans, evaluation } = props;
  const words = evaluationWords(trans, evaluation);
  const look = evaluation ? chipLook(evaluation.hash) : null;
  return (
    <span
      className={`jp-mlkit-chip jp-mod-colour${look ? look.colour : 'None'}`}
      role="img"
      aria-label={words}
      title={words}
    >
      <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
        {look ? (
          <path d={SHAPES[look.shape]} />
        ) : (
          <circle cx="5" cy="5" r="3.9" className="jp-mlkit-chip-unknown" />
        )}
      </svg>
    </span>
  );
}
