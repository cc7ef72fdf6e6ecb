/**
 * Says aloud what changed.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { State } from '../shared/stateGlyph';
import { stateWord } from '../shared/stateGlyph';

/** Something with a name and a state. */
export interface IAnnounced {
  readonly id: string;
  readonly name: string;
  readonly state: State;
}

/** Props of `Announcer`. */
export interface IAnnouncerProps {
  trans: TranslationBundle;
  items: readonly IAnnounced[];
}

/** A live region for changes of state; what is there at first is not announced. */
export function Announcer(props: IAnnouncerProps): JSX.Element {
  const { trans, items } = props;
  const known = React.useRef<ReadonlyMap<string, State> | null>(null);
  const [words, setWords] = React.useState('');
  React.useEffect(() => {
    const before = known.current;
    known.current = new Map(items.map(item => [item.id, item.state]));
    if (!before || before.size === 0) {
      return;
    }
    const news = items
      .filter(item => before.get(item.id) !== item.state)
      .map(item => trans.__('%1: %2', item.name, stateWord(trans, item.state)));
    if (news.length > 0) {
      setWords(news.join(', '));
    }
  }, [items, trans]);
  return (
    <div role="status" aria-live="polite" className="jp-mlkit-srOnly">
      {words}
    </div>
  );
}
