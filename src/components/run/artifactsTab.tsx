/**
 * Files of a run, folder by folder, with a preview of what can be shown safely.
 */
import * as React from 'react';

import type { Artifact } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { formatBytes } from '../shared/format';
import { ArtifactPreview } from './artifactPreview';
import type { IRunViewProps } from './types';
import { useFolder } from './useFolder';

/** Artifacts tab of the run view. */
export function ArtifactsTab(
  props: Pick<IRunViewProps, 'trans' | 'artifacts'> & { runId: string }
): JSX.Element {
  const { trans, artifacts, runId } = props;
  const [path, setPath] = React.useState('');
  const [selected, setSelected] = React.useState<Artifact | null>(null);
  const { folder, busy, error, more, retry } = useFolder(
    artifacts,
    runId,
    path
  );
  React.useEffect(() => setSelected(null), [path, runId]);

  const open = (artifact: Artifact) =>
    artifact.is_dir ? setPath(artifact.path) : setSelected(artifact);

  return (
    <div className="jp-mlkit-artifacts">
      <div className="jp-mlkit-artifacts-list">
        <Crumbs trans={trans} path={path} onOpen={setPath} />
        {error && <ErrorBox trans={trans} error={error} onRetry={retry} />}
        {!folder && busy && <p role="status">{trans.__('Loading…')}</p>}
        {folder && !folder.served && (
          <p className="jp-mlkit-hint" role="status">
            {folder.hint ??
              trans.__(
                'This server lists these files but does not serve them.'
              )}
          </p>
        )}
        {folder && isCube(path, folder.items) && (
          <button
            type="button"
            className="jp-mlkit-button"
            onClick={() => setSelected({ path, is_dir: true, size: null })}
          >
            {trans.__('This folder is a cube')}
          </button>
        )}
        {folder && folder.items.length === 0 && (
          <p className="jp-mlkit-dim">{trans.__('This folder is empty.')}</p>
        )}
        <ul className="jp-mlkit-files" aria-label={trans.__('Files')}>
          {folder?.items.map(artifact => (
            <li key={artifact.path}>
              <button
                type="button"
                className="jp-mlkit-files-item"
                aria-pressed={
                  artifact.is_dir ? undefined : selected?.path === artifact.path
                }
                onClick={() => open(artifact)}
              >
                <span aria-hidden="true">{artifact.is_dir ? '▸' : '·'}</span>
                <span className="jp-mlkit-files-name">
                  {baseName(artifact.path)}
                  {artifact.is_dir && '/'}
                </span>
                {!artifact.is_dir && (
                  <span className="jp-mlkit-dim">
                    {formatBytes(artifact.size)}
                  </span>
                )}
              </button>
            </li>
          ))}
        </ul>
        {folder?.next && (
          <button
            type="button"
            className="jp-mlkit-button"
            disabled={busy}
            onClick={more}
          >
            {trans.__('Show more')}
          </button>
        )}
      </div>
      {selected && (
        <ArtifactPreview
          key={selected.path}
          trans={trans}
          artifact={selected}
          served={folder?.served ?? false}
          read={() => artifacts.read(selected.path)}
          preview={() => artifacts.preview(selected.path)}
          describeCube={() => artifacts.describeCube(selected.path)}
          onDownload={() => artifacts.download(selected.path)}
        />
      )}
    </div>
  );
}

/** Marks of zarr 2 begin with a dot and may be hidden. */
function isCube(path: string, items: readonly Artifact[]): boolean {
  return (
    path !== '' &&
    (path.endsWith('.zarr') ||
      items.some(item =>
        /^(zarr\.json|\.zgroup|\.zarray)$/.test(baseName(item.path))
      ))
  );
}

function Crumbs(
  props: Pick<IRunViewProps, 'trans'> & {
    path: string;
    onOpen: (path: string) => void;
  }
): JSX.Element {
  const { trans, path, onOpen } = props;
  const parts = path ? path.split('/') : [];
  return (
    <nav className="jp-mlkit-crumbs" aria-label={trans.__('Folder')}>
      <button
        type="button"
        className="jp-mlkit-link"
        onClick={() => onOpen('')}
      >
        {trans.__('artifacts')}
      </button>
      {parts.map((part, i) => (
        <React.Fragment key={i}>
          <span aria-hidden="true"> / </span>
          <button
            type="button"
            className="jp-mlkit-link"
            aria-current={i === parts.length - 1 ? 'location' : undefined}
            onClick={() => onOpen(parts.slice(0, i + 1).join('/'))}
          >
            {part}
          </button>
        </React.Fragment>
      ))}
    </nav>
  );
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
