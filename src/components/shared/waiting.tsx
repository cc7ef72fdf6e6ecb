/**
 * A run that is only in the journal: its store could not be asked yet.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

/** Why a run that waits cannot be changed. */
export function waitingReason(trans: TranslationBundle): string {
  return trans.__(
    'Not possible yet: this run is in the journal on disk only, because its store could not be reached.'
  );
}

/** Says that a run waits. */
export function WaitingBadge(props: { trans: TranslationBundle }): JSX.Element {
  const { trans } = props;
  return (
    <span
      className="jp-mlkit-badge"
      title={trans.__(
        'In the journal on disk only. It is sent as soon as its store can be reached.'
      )}
    >
      {trans.__('not sent yet')}
    </span>
  );
}
