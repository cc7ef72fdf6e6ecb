/**
 * The question that comes first, because the right split follows from it.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ILaunchState } from './useLaunch';
import type { Use } from './types';

/** Props that every section of the form gets. */
export interface ISectionProps {
  trans: TranslationBundle;
  state: ILaunchState;
}

/** What must it predict? */
export function PredictSection(props: ISectionProps): JSX.Element {
  const { trans, state } = props;
  const name = React.useId();
  const uses: [Use, string, string][] = [
    [
      'gaps',
      trans.__('Gaps in this region and period'),
      trans.__('Held out in the shape of real gaps at other dates.')
    ],
    [
      'places',
      trans.__('New places'),
      trans.__('Blocks are held out, with a free strip around them.')
    ],
    [
      'times',
      trans.__('Later times'),
      trans.__('Trained on the past, tested on what came after.')
    ],
    [
      'both',
      trans.__('Both: elsewhere and later'),
      trans.__('Held out in space and in time at once: the hardest test.')
    ]
  ];
  return (
    <fieldset className="jp-mlkit-launch-section" data-mlkit-field="use">
      <legend>{trans.__('What must it predict?')}</legend>
      {uses.map(([use, label, hint]) => (
        <label key={use} className="jp-mlkit-launch-radio">
          <input
            type="radio"
            name={name}
            value={use}
            checked={state.spec.use === use}
            onChange={() => state.setUse(use)}
          />
          <span>
            {label}
            <span className="jp-mlkit-dim"> {hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
