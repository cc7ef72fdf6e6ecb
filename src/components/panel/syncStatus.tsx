/**
 * What was logged and is not in its store yet: a word in the head, the rest where one asks.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { checkIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { SyncState, SyncTrouble } from '../../api/types';
import { waitingIcon, warningIcon } from '../../icons';
import { ErrorBox } from '../shared/errorBox';
import { formatCount } from '../shared/format';
import { RelativeTime } from '../shared/relativeTime';
import { useAction } from '../shared/useAction';

/** Shown of those that one cause may have in plenty. */
const MOST_TROUBLES = 3;

/** Props of `SyncStatus`. */
export interface ISyncStatusProps {
  trans: TranslationBundle;
  /** Null until the server has answered. */
  state: SyncState | null;
  /** Have what waits brought to its store. */
  onSend: () => Promise<void>;
}

/** Whether there is something to say: what waits no longer than it does where all is well is not. */
function isTold(state: SyncState): boolean {
  return state.late || state.troubles.length > 0 || state.refused > 0;
}

/** How much waits; nothing where nothing does, unless it is looked at while it goes. */
export function SyncStatus(props: ISyncStatusProps): JSX.Element | null {
  const { trans, state, onSend } = props;
  const [isOpen, setOpen] = React.useState(false);
  const button = React.useRef<HTMLButtonElement>(null);
  if (!state || !(isTold(state) || isOpen)) {
    return null;
  }
  const isWrong = state.troubles.length > 0 || state.refused > 0;
  const Icon = isWrong ? warningIcon : isTold(state) ? waitingIcon : checkIcon;
  return (
    <div
      className={`jp-mlkit-sync ${isWrong ? 'jp-mod-wrong' : ''}`}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          setOpen(false);
          button.current?.focus();
        }
      }}
      onBlur={event => {
        if (!event.currentTarget.contains(event.relatedTarget)) {
          setOpen(false);
        }
      }}
    >
      <button
        ref={button}
        type="button"
        className="jp-mlkit-sync-button"
        title={sentence(trans, state)}
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Icon.react tag="span" className="jp-mlkit-icon" />
        {word(trans, state)}
      </button>
      {isOpen && <SyncDetails trans={trans} state={state} onSend={onSend} />}
    </div>
  );
}

/** As short as it gets. */
function word(trans: TranslationBundle, state: SyncState): string {
  if (state.entries > 0) {
    return trans.__('%1 waiting', formatCount(state.entries));
  }
  if (state.troubles.length > 0) {
    return trans.__('not sent');
  }
  return state.refused > 0
    ? trans.__('%1 refused', formatCount(state.refused))
    : trans.__('all sent');
}

/** For a tooltip, which screen readers read after the word. */
function sentence(trans: TranslationBundle, state: SyncState): string {
  if (state.entries > 0) {
    return trans._n(
      '%2 logged entry is not in the store yet',
      '%2 logged entries are not in the store yet',
      state.entries,
      state.entries.toLocaleString('en')
    );
  }
  if (state.troubles.length > 0) {
    return trans.__('Something that was logged cannot be sent to the store');
  }
  return state.refused > 0
    ? trans._n(
        'The store does not take %2 logged entry',
        'The store does not take %2 logged entries',
        state.refused,
        state.refused.toLocaleString('en')
      )
    : trans.__('All that was logged is in the store');
}

/** How much, since when, why, and what can be done. */
function SyncDetails(props: {
  trans: TranslationBundle;
  state: SyncState;
  onSend: () => Promise<void>;
}): JSX.Element {
  const { trans, state, onSend } = props;
  const id = React.useId();
  const { busy, error, run } = useAction();
  const [isAsked, setAsked] = React.useState(false);
  const waits = state.entries > 0;
  const more = state.troubles.length - MOST_TROUBLES;
  return (
    // Takes the focus, so that a click on its text does not close it.
    <div
      className="jp-mlkit-sync-details"
      role="group"
      aria-labelledby={id}
      tabIndex={-1}
    >
      <h3 id={id}>
        {waits || state.troubles.length > 0
          ? trans.__('Not in the store yet')
          : trans.__('In the store')}
      </h3>
      <dl>
        <dt>{trans.__('Entries')}</dt>
        <dd>{state.entries.toLocaleString('en')}</dd>
        {waits && (
          <>
            <dt>{trans.__('Runs')}</dt>
            <dd>{state.runs.toLocaleString('en')}</dd>
          </>
        )}
        {state.oldest !== null && (
          <>
            <dt>{trans.__('Oldest')}</dt>
            <dd>
              <RelativeTime trans={trans} time={state.oldest} />
            </dd>
          </>
        )}
        {state.refused > 0 && (
          <>
            <dt>{trans.__('Refused')}</dt>
            <dd>{state.refused.toLocaleString('en')}</dd>
          </>
        )}
      </dl>
      {state.troubles.slice(0, MOST_TROUBLES).map(trouble => (
        <Trouble key={trouble.where} trans={trans} trouble={trouble} />
      ))}
      {more > 0 && (
        <p>
          {trans._n(
            'and %1 more: jupyter mlkit sync --status',
            'and %1 more: jupyter mlkit sync --status',
            more
          )}
        </p>
      )}
      {state.refused > 0 && (
        <p>
          {trans.__(
            'What a store refuses for good is kept; jupyter mlkit doctor says where, and why.'
          )}
        </p>
      )}
      <p className="jp-mlkit-dim">
        {waits
          ? trans.__(
              'Nothing is lost: it is kept on disk and sent as soon as the store takes it, even while JupyterLab is closed.'
            )
          : trans.__('All that can be sent is in the store.')}
      </p>
      {error && <ErrorBox trans={trans} error={error} />}
      {waits && (
        <div className="jp-mlkit-sync-foot">
          <button
            type="button"
            className="jp-mlkit-button jp-mod-accept"
            // Not disabled, which would take the focus away.
            aria-disabled={busy}
            onClick={() => void run(onSend).then(setAsked)}
          >
            {trans.__('Send now')}
          </button>
          <span className="jp-mlkit-dim" role="status">
            {(busy || isAsked) && trans.__('being tried')}
          </span>
        </div>
      )}
    </div>
  );
}

/** Why something waits. */
function Trouble(props: {
  trans: TranslationBundle;
  trouble: SyncTrouble;
}): JSX.Element {
  const { trans, trouble } = props;
  const { where, error, hint, failures } = trouble;
  return (
    <div className="jp-mlkit-error">
      <p className="jp-mlkit-error-message">{error}</p>
      {hint && <p className="jp-mlkit-error-hint">{hint}</p>}
      <p className="jp-mlkit-sync-where">
        {/[/:]/.test(where) ? where : trans.__('Run %1', where)}
        {failures > 1 && (
          <>
            {' · '}
            {trans.__('tried %1 times', failures.toLocaleString('en'))}
          </>
        )}
      </p>
    </div>
  );
}
