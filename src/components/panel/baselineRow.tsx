/**
 * What the runs above have to beat; no run, so it can be neither opened nor chosen.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IBaseline } from '../shared/baseline';
import { formatNumber } from '../shared/format';

/** Props of `BaselineRow`. */
export interface IBaselineRowProps {
  trans: TranslationBundle;
  baseline: IBaseline;
}

/** A muted line in the columns of the runs. */
export function BaselineRow(props: IBaselineRowProps): JSX.Element {
  const { trans, baseline } = props;
  const { name, role, value, units } = baseline;
  return (
    <div
      className="jp-mlkit-row jp-mod-baseline"
      role="note"
      title={trans.__('Best baseline on the same cells: %1', name)}
    >
      <span className="jp-mlkit-cell-check" />
      <span className="jp-mlkit-cell-state" aria-hidden="true">
        <span className="jp-mlkit-state-glyph">┄</span>
      </span>
      <span className="jp-mlkit-cell-name">{trans.__('baseline')}</span>
      <span className="jp-mlkit-cell-metric">
        {role && <abbr>{role}</abbr>}{' '}
        <span className="jp-mlkit-number">{formatNumber(value)}</span>{' '}
        {units && <span className="jp-mlkit-units">{units}</span>}
      </span>
      <span className="jp-mlkit-cell-baseline">{name}</span>
    </div>
  );
}
