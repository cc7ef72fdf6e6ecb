/**
 * Beside the form: the preview, and the spec as YAML and as Python.
 */
import * as React from 'react';

import { ErrorBox } from '../shared/errorBox';
import { Tabs } from '../shared/tabs';
import { PreviewPane } from './previewPane';
import { isComplete, omit } from './spec';
import type { ILaunchViewProps, ISpec } from './types';
import { useQuestion } from './useQuestion';

/** Quiet that has to pass before the server is asked, in ms. */
const PREVIEW_DELAY = 700;
const TEXT_DELAY = 300;

type Pane = 'preview' | 'yaml' | 'python';
type Props = Pick<ILaunchViewProps, 'trans' | 'services' | 'onCopy'> & {
  spec: ISpec;
  /** Whether the cube has been described: a preview opens it too. */
  described: boolean;
  /** Came with the spec, perhaps from somebody else's run; a preview would run it. */
  given?: ISpec['prepare'];
};

/** Three tabs that follow the spec. */
export function SidePane(props: Props): JSX.Element {
  const { trans, services, spec, given } = props;
  const [allowed, setAllowed] = React.useState(false);
  const held =
    !allowed &&
    Boolean(given) &&
    JSON.stringify(spec.prepare) === JSON.stringify(given);
  const [pane, setPane] = React.useState<Pane>('preview');
  const complete = isComplete(spec);
  // Only what the preview depends on: a new run name opens no cube.
  const key = JSON.stringify(omit(spec, ['tracking', 'executor']));
  const preview = useQuestion(
    complete && props.described && !held ? key : null,
    signal => services.preview(spec, signal),
    PREVIEW_DELAY
  );
  return (
    <aside className="jp-mlkit-launch-side">
      <Tabs<Pane>
        label={trans.__('Preview and text')}
        selected={pane}
        onSelect={setPane}
        tabs={[
          {
            key: 'preview',
            label: trans.__('Preview'),
            render: () =>
              held ? (
                <HeldCode trans={trans} onAllow={() => setAllowed(true)} />
              ) : (
                <PreviewPane
                  trans={trans}
                  question={preview}
                  complete={complete}
                />
              )
          },
          {
            key: 'yaml',
            label: trans.__('YAML'),
            render: () => <TextPane key="yaml" {...props} kind="yaml" />
          },
          {
            key: 'python',
            label: trans.__('Python'),
            render: () => <TextPane key="python" {...props} kind="python" />
          }
        ]}
      />
    </aside>
  );
}

/** Opening a form runs nobody's code: who reads it decides. */
function HeldCode(
  props: Pick<Props, 'trans'> & { onAllow: () => void }
): JSX.Element {
  const { trans, onAllow } = props;
  return (
    <>
      <p role="status">
        {trans.__(
          'This spec brings code that prepares the cube. It has not been run: read it under Data first.'
        )}
      </p>
      <button type="button" className="jp-mlkit-button" onClick={onAllow}>
        {trans.__('Run it for a preview')}
      </button>
    </>
  );
}

function TextPane(props: Props & { kind: 'yaml' | 'python' }): JSX.Element {
  const { trans, services, spec, kind, onCopy } = props;
  const complete = isComplete(spec);
  const { answer, error, askAgain } = useQuestion(
    complete ? JSON.stringify(spec) : null,
    signal => services.text(spec, signal),
    TEXT_DELAY
  );
  const [copied, setCopied] = React.useState<string | null>(null);
  const text = answer?.[kind];
  const copy = async (what: string) => {
    if (onCopy) {
      onCopy(what);
    } else {
      await navigator.clipboard.writeText(what);
    }
    setCopied(what);
  };
  if (!complete) {
    return (
      <p className="jp-mlkit-dim">
        {trans.__(
          'The text appears once cube, target and features are chosen.'
        )}
      </p>
    );
  }
  if (error) {
    return <ErrorBox trans={trans} error={error} onRetry={askAgain} />;
  }
  if (text === undefined) {
    return <p role="status">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      <button
        type="button"
        className="jp-mlkit-button"
        onClick={() => void copy(text)}
      >
        {copied === text ? trans.__('Copied') : trans.__('Copy')}
      </button>
      <pre
        className="jp-mlkit-text"
        tabIndex={0}
        aria-label={kind === 'yaml' ? trans.__('YAML') : trans.__('Python')}
      >
        {text}
      </pre>
    </>
  );
}
