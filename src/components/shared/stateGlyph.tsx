/**
 * The state of a run or job: a shape and a word, never colour alone.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Job, Run } from '../../api/types';

/**
 * States of runs and jobs; `LOST` is a run whose process is gone without a result, `SILENT` one
 * that should be running and shows no sign of life.
 */
export type State = Run['status'] | Job['state'] | 'SILENT';

type Look = 'running' | 'queued' | 'finished' | 'failed' | 'stopped' | 'lost';

const LOOKS: Record<State, Look> = {
  RUNNING: 'running',
  STARTING: 'queued',
  QUEUED: 'queued',
  SCHEDULED: 'queued',
  FINISHED: 'finished',
  DONE: 'finished',
  FAILED: 'failed',
  KILLED: 'stopped',
  STOPPED: 'stopped',
  LOST: 'lost',
  SILENT: 'lost'
};

const GLYPHS: Record<Look, string> = {
  running: '●',
  queued: '○',
  finished: '✓',
  failed: '✗',
  stopped: '■',
  lost: '?'
};

/** The state of a run, told apart from a plain failure where its process was lost. */
export function runState(run: Run): State {
  if (run.lost) {
    return 'SILENT';
  }
  return run.tags['mlkit.end_reason'] === 'lost' ? 'LOST' : run.status;
}

/** The word for a state. */
export function stateWord(trans: TranslationBundle, state: State): string {
  switch (LOOKS[state]) {
    case 'running':
      return trans.__('running');
    case 'queued':
      return state === 'STARTING' ? trans.__('starting') : trans.__('queued');
    case 'finished':
      return trans.__('finished');
    case 'failed':
      return trans.__('failed');
    case 'stopped':
      return trans.__('stopped');
    case 'lost':
      return state === 'SILENT' ? trans.__('lost?') : trans.__('lost');
  }
}

/** What the tooltip of a state says. */
function stateTitle(trans: TranslationBundle, state: State): string {
  return state === 'SILENT'
    ? trans.__(
        'No process of this run has shown signs of life for 10 minutes. It may run on a machine that is cut off, so nothing closes the run.'
      )
    : stateWord(trans, state);
}

/** Props of `StateGlyph`. */
export interface IStateGlyphProps {
  trans: TranslationBundle;
  state: State;
  /** Show the word beside the shape; else only screen readers and the tooltip have it. */
  withWord?: boolean;
}

/** Shape and word of a state. */
export function StateGlyph(props: IStateGlyphProps): JSX.Element {
  const { trans, state, withWord } = props;
  const word = stateWord(trans, state);
  return (
    <span
      className={`jp-mlkit-state jp-mod-${LOOKS[state]}`}
      title={stateTitle(trans, state)}
    >
      <span className="jp-mlkit-state-glyph" aria-hidden="true">
        {GLYPHS[LOOKS[state]]}
      </span>
      <span className={withWord ? 'jp-mlkit-state-word' : 'jp-mlkit-srOnly'}>
        {word}
      </span>
    </span>
  );
}
