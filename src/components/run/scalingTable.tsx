/**
 * What the scaler of a run knows of each variable, in the variable's own unit.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { formatNumber } from '../shared/format';

/** A number; what varies along dims (a constant per level, say) is no number. */
interface IAffine {
  offset: unknown;
  scale: unknown;
}

interface IScaling {
  kind: string;
  variables: Record<string, IAffine>;
}

/** Props of `ScalingTable`. */
export interface IScalingTableProps {
  trans: TranslationBundle;
  scaling: IScaling;
  /** Units by variable, where the dataset of the run tells them. */
  units: Record<string, string>;
}

/** The record as it was logged; null where it is none of ours. */
export function scalingOf(value: unknown): IScaling | null {
  const record = value as Partial<IScaling> | null;
  const known =
    typeof record?.kind === 'string' &&
    typeof record.variables === 'object' &&
    record.variables !== null &&
    Object.values(record.variables).every(
      one => typeof one === 'object' && one !== null && 'offset' in one
    );
  return known ? (record as IScaling) : null;
}

/** One row per variable: mean and spread, or the range. */
export function ScalingTable(props: IScalingTableProps): JSX.Element {
  const { trans, scaling, units } = props;
  if (scaling.kind === 'none') {
    return <p>{trans.__('Variables were not scaled.')}</p>;
  }
  const range = scaling.kind === 'minmax';
  return (
    <table className="jp-mlkit-table">
      <thead>
        <tr>
          <th scope="col">{trans.__('variable')}</th>
          <th scope="col">{trans.__('kind')}</th>
          <th scope="col" className="jp-mod-number">
            {range ? trans.__('minimum') : trans.__('mean')}
          </th>
          <th scope="col" className="jp-mod-number">
            {range ? trans.__('maximum') : trans.__('standard deviation')}
          </th>
          <th scope="col">{trans.__('unit')}</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(scaling.variables).map(([name, { offset, scale }]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{scaling.kind}</td>
            <td className="jp-mod-number">{figures(trans, offset, scale)}</td>
            <td className="jp-mod-number">
              {figures(trans, range ? sum(offset, scale) : scale, scale)}
            </td>
            <td>{units[name] ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** As many decimals as tell a hundredth of the spread: a mean of 287.43 K beside 12.91 K. */
function figures(
  trans: TranslationBundle,
  value: unknown,
  spread: unknown
): string {
  if (typeof value !== 'number') {
    return trans.__('varies along dims');
  }
  const size = Math.abs(value);
  const step = typeof spread === 'number' ? Math.abs(spread) : 0;
  if (size === 0 || step === 0 || size <= step) {
    return formatNumber(value, 4);
  }
  const more = Math.floor(Math.log10(size / step));
  return formatNumber(value, Math.min(8, 4 + more));
}

function sum(offset: unknown, scale: unknown): unknown {
  return typeof offset === 'number' && typeof scale === 'number'
    ? offset + scale
    : offset;
}
