/**
 * A notebook that a run has logged, as text: nothing in it is rendered or run.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ArtifactPreview } from '../../api/types';

/** Props of `NotebookPreview`. */
export interface INotebookPreviewProps {
  trans: TranslationBundle;
  cells: NonNullable<ArtifactPreview['cells']>;
}

/** Sources of cells and the plain text of their outputs. */
export function NotebookPreview(props: INotebookPreviewProps): JSX.Element {
  const { trans, cells } = props;
  return (
    <ol className="jp-mlkit-cells" aria-label={trans.__('Cells')}>
      {cells.map((cell, i) => (
        <li key={i}>
          <span className="jp-mlkit-dim">
            {cell.kind === 'code'
              ? trans.__('code')
              : cell.kind === 'markdown'
                ? trans.__('text')
                : trans.__('raw')}
          </span>
          <pre className="jp-mlkit-text">{cell.source}</pre>
          {cell.outputs.map((output, k) => (
            <pre className="jp-mlkit-text jp-mod-output" key={k}>
              {output}
            </pre>
          ))}
        </li>
      ))}
    </ol>
  );
}
