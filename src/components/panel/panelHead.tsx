/**
 * The head of the panel: which store, what is wrong, train, search.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, ellipsesIcon, searchIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { Status } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { ServerStatus } from './serverStatus';
import type { ISyncStatusProps } from './syncStatus';
import { SyncStatus } from './syncStatus';

/** Props of `PanelHead`. */
export interface IPanelHeadProps {
  trans: TranslationBundle;
  status: Status | null;
  isLive: boolean;
  filter: string;
  filterError: IErrorInfo | null;
  onFilter: (filter: string) => void;
  onTrain: () => void;
  /** Open the menu below its button. */
  onMenu: (button: HTMLElement) => void;
  /** Whether versions, store and folders are shown. */
  showsStatus: boolean;
  onCloseStatus: () => void;
  /** What is not in the store yet. */
  sync: Omit<ISyncStatusProps, 'trans'>;
}

/** Wait for the end of a word before asking the server. */
const TYPING_MS = 400;

/** The head. */
export function PanelHead(props: IPanelHeadProps): JSX.Element {
  const { trans, status, isLive } = props;
  return (
    <header className="jp-mlkit-head">
      <div className="jp-mlkit-head-line">
        <span
          className="jp-mlkit-store"
          title={
            status
              ? `${status.tracking_uri}\nMLflow ${status.mlflow_version}`
              : undefined
          }
        >
          <span
            className={`jp-mlkit-live ${isLive ? 'jp-mod-live' : ''}`}
            aria-hidden="true"
          />
          {storeWord(trans, status)}
          <span className="jp-mlkit-srOnly">
            {isLive ? trans.__('live') : trans.__('updated now and then')}
          </span>
        </span>
        <SyncStatus trans={trans} {...props.sync} />
        <button
          type="button"
          className="jp-mlkit-iconButton"
          aria-label={trans.__('More')}
          title={trans.__('More')}
          aria-haspopup="menu"
          onClick={event => props.onMenu(event.currentTarget)}
        >
          <ellipsesIcon.react tag="span" className="jp-mlkit-icon" />
        </button>
      </div>
      <div className="jp-mlkit-head-line">
        <button
          type="button"
          className="jp-mlkit-button jp-mod-accept jp-mlkit-train"
          onClick={props.onTrain}
        >
          <addIcon.react tag="span" className="jp-mlkit-icon" />
          {trans.__('Train…')}
        </button>
        <SearchBox {...props} />
      </div>
      {props.filterError && (
        <p
          className="jp-mlkit-fieldError"
          role="alert"
          id="jp-mlkit-filterError"
        >
          {props.filterError.message}
          {props.filterError.hint && <span> {props.filterError.hint}</span>}
        </p>
      )}
      {props.showsStatus && (
        <ServerStatus
          trans={trans}
          status={status}
          isLive={isLive}
          onClose={props.onCloseStatus}
        />
      )}
      {status?.problems.map(problem => (
        <ErrorBox key={problem.code} trans={trans} error={problem} />
      ))}
    </header>
  );
}

function storeWord(trans: TranslationBundle, status: Status | null): string {
  if (!status) {
    return trans.__('Connecting…');
  }
  return status.store === 'local'
    ? trans.__('local store')
    : trans.__('remote store');
}

/** Search in MLflow's filter syntax; words alone search names. */
function SearchBox(props: IPanelHeadProps): JSX.Element {
  const { trans, filter, filterError, onFilter } = props;
  const [text, setText] = React.useState(filter);
  React.useEffect(() => setText(filter), [filter]);
  React.useEffect(() => {
    if (text.trim() === filter) {
      return undefined;
    }
    const timer = window.setTimeout(() => onFilter(text), TYPING_MS);
    return () => window.clearTimeout(timer);
  }, [text, filter, onFilter]);
  return (
    <div className="jp-mlkit-search" role="search">
      <searchIcon.react tag="span" className="jp-mlkit-icon" />
      <input
        type="search"
        className="jp-mlkit-input"
        value={text}
        spellCheck={false}
        aria-label={trans.__('Search runs')}
        aria-invalid={filterError !== null}
        aria-describedby={filterError ? 'jp-mlkit-filterError' : undefined}
        placeholder={trans.__('name or metrics.val_rmse < 2')}
        title={trans.__(
          "Part of a name, or MLflow’s filter syntax: metrics.val_rmse < 2 and params.model LIKE '%Forest%'"
        )}
        onChange={event => setText(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') {
            onFilter(text);
          } else if (event.key === 'Escape' && text) {
            setText('');
            onFilter('');
          }
        }}
      />
    </div>
  );
}
