/**
 * What can be shown of one file; anything else can be downloaded.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type {
  Artifact,
  ArtifactPreview as Preview,
  CubePreview
} from '../../api/types';
import { ArtifactImage } from '../shared/artifactImage';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes } from '../shared/format';
import { useAnswer } from '../shared/useAnswer';
import { CubeArtifact } from './cubeArtifact';
import { NotebookPreview } from './notebookPreview';
import { TablePreview } from './tablePreview';

/** Bytes of a picture that are fetched to be shown. */
const FETCH_LIMIT = 8 * 1024 * 1024;

/** Props of `ArtifactPreview`. */
export interface IArtifactPreviewProps {
  trans: TranslationBundle;
  artifact: Artifact;
  served: boolean;
  read: () => Promise<Blob>;
  preview: () => Promise<Preview>;
  describeCube: () => Promise<CubePreview>;
  onDownload: () => void;
}

/** Preview and download of one file. */
export function ArtifactPreview(props: IArtifactPreviewProps): JSX.Element {
  const { trans, artifact, served, preview, onDownload } = props;
  const { answer, error } = useAnswer(served ? artifact.path : null, preview);
  return (
    <section className="jp-mlkit-preview" aria-label={artifact.path}>
      <div className="jp-mlkit-preview-head">
        <strong>{artifact.path}</strong>{' '}
        <span className="jp-mlkit-dim">{formatBytes(artifact.size)}</span>
        {served && !artifact.is_dir && (
          <button
            type="button"
            className="jp-mlkit-button"
            onClick={onDownload}
          >
            {trans.__('Download')}
          </button>
        )}
      </div>
      {error && <ErrorBox trans={trans} error={error} />}
      {served && !answer && !error && (
        <p role="status">{trans.__('Loading…')}</p>
      )}
      {!served && <p className="jp-mlkit-dim">{trans.__('No preview.')}</p>}
      {answer && <Content {...props} shown={answer} />}
    </section>
  );
}

function Content(
  props: IArtifactPreviewProps & { shown: Preview }
): JSX.Element {
  const { trans, artifact, read, describeCube, shown } = props;
  const { kind, size, truncated, text, table, cells } = shown;
  const small = size !== null && size <= FETCH_LIMIT;
  return (
    <>
      {kind === 'image' && small && (
        <ArtifactImage
          trans={trans}
          imageKey={artifact.path}
          read={read}
          caption={artifact.path}
        />
      )}
      {kind === 'cube' && (
        <CubeArtifact trans={trans} describe={describeCube} />
      )}
      {table && (
        <TablePreview trans={trans} table={table} label={artifact.path} />
      )}
      {cells && <NotebookPreview trans={trans} cells={cells} />}
      {typeof text === 'string' && (
        <pre className="jp-mlkit-text" tabIndex={0} aria-label={artifact.path}>
          {text}
        </pre>
      )}
      {kind === 'none' || (kind === 'image' && !small) ? (
        <p className="jp-mlkit-dim">
          {truncated || kind === 'image'
            ? trans.__('Too large to show here: download it.')
            : trans.__('No preview.')}
        </p>
      ) : (
        truncated && (
          <p className="jp-mlkit-dim">
            {trans.__('This is the beginning of %1.', formatBytes(size))}
          </p>
        )
      )}
    </>
  );
}
