/**
 * The page of a program that the server runs, in a frame of its own.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import { EmptyView } from '../shared/emptyView';
import { ErrorBox } from '../shared/errorBox';

/** Props of `ChildView`. */
export interface IChildViewProps {
  trans: TranslationBundle;
  /** Of the program, for people. */
  title: string;
  /** Null until it has started. */
  url: string | null;
  /** Another number, the page once more. */
  version: number;
  /** It ran, and runs no more. */
  isGone: boolean;
  error: IErrorInfo | null;
  onOpen: () => void;
  onOpenTab: () => void;
}

/**
 * What a page in the frame may do. It may not lead the Lab's own page elsewhere. That it is of
 * the same origin is what lets it ask its program; its policy says what else it may load and run.
 */
const SANDBOX =
  'allow-scripts allow-same-origin allow-forms allow-popups allow-downloads';

/** The page, what it waits for, or why it is not there. */
export function ChildView(props: IChildViewProps): JSX.Element {
  const { trans, title, url, version, isGone, error } = props;
  const shows = url !== null && !isGone && !error;
  return (
    <div className="jp-mlkit-child">
      <header className="jp-mlkit-child-head">
        <span>{title}</span>
        <button
          type="button"
          className="jp-mlkit-button"
          disabled={!shows}
          onClick={props.onOpen}
        >
          {trans.__('Reload')}
        </button>
        <button
          type="button"
          className="jp-mlkit-button"
          disabled={!shows}
          onClick={props.onOpenTab}
        >
          {trans.__('Open in a browser tab')}
        </button>
      </header>
      {error ? (
        <ErrorBox trans={trans} error={error} onRetry={props.onOpen} />
      ) : isGone ? (
        <EmptyView
          title={trans.__('%1 has ended.', title)}
          text={trans.__(
            'It was stopped, or nobody used it for a while. Nothing is lost.'
          )}
          actions={[
            {
              label: trans.__('Start it again'),
              onClick: props.onOpen,
              primary: true
            }
          ]}
        />
      ) : url === null ? (
        <p className="jp-mlkit-loading" role="status">
          {trans.__('Starting %1…', title)}
        </p>
      ) : (
        <div className="jp-mlkit-child-frame jp-IFrame">
          <iframe
            key={version}
            src={url}
            title={title}
            sandbox={SANDBOX}
            referrerPolicy="same-origin"
          />
        </div>
      )}
    </div>
  );
}
