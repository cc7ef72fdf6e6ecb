/**
 * The first rows of a table that a run has logged.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ArtifactPreview } from '../../api/types';

/** Props of `TablePreview`. */
export interface ITablePreviewProps {
  trans: TranslationBundle;
  table: NonNullable<ArtifactPreview['table']>;
  label: string;
}

/** Cells as they stand in the file. */
export function TablePreview(props: ITablePreviewProps): JSX.Element {
  const { table, label } = props;
  return (
    <div
      className="jp-mlkit-text"
      tabIndex={0}
      role="region"
      aria-label={label}
    >
      <table className="jp-mlkit-table">
        <thead>
          <tr>
            {table.columns.map((column, i) => (
              <th scope="col" key={i}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, k) => (
                <td key={k}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
