/**
 * Step or time, linear or logarithmic: one choice for all charts of a view.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ICurveChoice } from './curves';

/** Props of `CurveControls`. */
export interface ICurveControlsProps {
  trans: TranslationBundle;
  choice: ICurveChoice;
  onChange: (choice: ICurveChoice) => void;
}

/** A select and a checkbox. */
export function CurveControls(props: ICurveControlsProps): JSX.Element {
  const { trans, choice, onChange } = props;
  return (
    <div className="jp-mlkit-curveControls">
      <label>
        {trans.__('Horizontal')}{' '}
        <select
          className="jp-mlkit-select"
          value={choice.xKind}
          onChange={event =>
            onChange({
              ...choice,
              xKind: event.target.value === 'time' ? 'time' : 'step'
            })
          }
        >
          <option value="step">{trans.__('step')}</option>
          <option value="time">{trans.__('wall time')}</option>
        </select>
      </label>
      <label>
        <input
          type="checkbox"
          checked={choice.logY}
          onChange={event =>
            onChange({ ...choice, logY: event.target.checked })
          }
        />{' '}
        {trans.__('Logarithmic')}
      </label>
    </div>
  );
}
