/**
 * A file shown as picture or as text; anything else can be downloaded.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Artifact } from '../../api/types';
import { ArtifactImage } from '../shared/artifactImage';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes } from '../shared/format';
import { useBlob, useText } from '../shared/useBlob';

/** Bytes of a text that are shown, and of a file that is fetched to be shown. */
const TEXT_LIMIT = 64 * 1024;
const FETCH_LIMIT = 8 * 1024 * 1024;

// SVG is left out on purpose: it is a document that may hold script.
const IMAGES = /\.(png|jpe?g|gif|webp)$/i;
const TEXTS =
  /(^|\/)(MLmodel|conda\.yaml|requirements\.txt)$|\.(txt|ya?ml|json|csv|tsv|md|py|log|toml|cfg|ini|diff|patch|html?|xml|svg)$/i;

/** Props of `ArtifactPreview`. */
export interface IArtifactPreviewProps {
  trans: TranslationBundle;
  artifact: Artifact;
  served: boolean;
  read: () => Promise<Blob>;
  onDownload: () => void;
}

/** Preview and download of one file. */
export function ArtifactPreview(props: IArtifactPreviewProps): JSX.Element {
  const { trans, artifact, served, read, onDownload } = props;
  const small = artifact.size === null || artifact.size <= FETCH_LIMIT;
  const kind = !served
    ? 'none'
    : !small
      ? 'large'
      : IMAGES.test(artifact.path)
        ? 'image'
        : TEXTS.test(artifact.path)
          ? 'text'
          : 'none';
  return (
    <section className="jp-mlkit-preview" aria-label={artifact.path}>
      <div className="jp-mlkit-preview-head">
        <strong>{artifact.path}</strong>{' '}
        <span className="jp-mlkit-dim">{formatBytes(artifact.size)}</span>
        {served && (
          <button
            type="button"
            className="jp-mlkit-button"
            onClick={onDownload}
          >
            {trans.__('Download')}
          </button>
        )}
      </div>
      {kind === 'image' && (
        <ArtifactImage
          trans={trans}
          imageKey={artifact.path}
          read={read}
          caption={artifact.path}
        />
      )}
      {kind === 'text' && (
        <TextPreview trans={trans} path={artifact.path} read={read} />
      )}
      {kind === 'large' && (
        <p className="jp-mlkit-dim">
          {trans.__('Too large to show here: download it.')}
        </p>
      )}
      {kind === 'none' && (
        <p className="jp-mlkit-dim">{trans.__('No preview.')}</p>
      )}
    </section>
  );
}

function TextPreview(
  props: Pick<IArtifactPreviewProps, 'trans' | 'read'> & { path: string }
): JSX.Element {
  const { trans, path, read } = props;
  const { blob, error } = useBlob(path, read);
  const text = useText(blob, TEXT_LIMIT);
  if (error) {
    return <ErrorBox trans={trans} error={error} />;
  }
  if (!blob || text === null) {
    return <p role="status">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      <pre className="jp-mlkit-text" tabIndex={0} aria-label={path}>
        {text}
      </pre>
      {blob.size > TEXT_LIMIT && (
        <p className="jp-mlkit-dim">
          {trans.__(
            'The first %1 of %2.',
            formatBytes(TEXT_LIMIT),
            formatBytes(blob.size)
          )}
        </p>
      )}
    </>
  );
}
