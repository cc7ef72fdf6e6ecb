/**
 * The files of one folder of a run, page by page.
 */
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { toMLKitError } from '../../api/errors';
import type { Artifact } from '../../api/types';
import type { IArtifactReader } from './types';

/** What is known of a folder. */
export interface IFolder {
  items: readonly Artifact[];
  next: string | null;
  served: boolean;
  hint: string | null;
}

/** A folder, whether it is being read, and why it could not be. */
export interface IFolderState {
  folder: IFolder | null;
  busy: boolean;
  error: MLKitError | null;
  more: () => void;
  retry: () => void;
}

/** Read the folder `path`; another path or run forgets the one before. */
export function useFolder(
  artifacts: IArtifactReader,
  runId: string,
  path: string
): IFolderState {
  const [folder, setFolder] = React.useState<IFolder | null>(null);
  const [busy, setBusy] = React.useState(true);
  const [error, setError] = React.useState<MLKitError | null>(null);
  const [attempt, setAttempt] = React.useState(0);
  const turn = React.useRef(0);
  const reader = React.useRef(artifacts);
  reader.current = artifacts;

  const read = React.useCallback(
    async (token: string | null, before: readonly Artifact[]) => {
      turn.current += 1;
      const mine = turn.current;
      setBusy(true);
      setError(null);
      try {
        const page = await reader.current.list(path, token);
        // Another folder may have been opened while this one was on its way.
        if (mine === turn.current) {
          setFolder({
            items: [...before, ...page.items],
            next: page.next_page_token,
            served: page.served,
            hint: page.hint
          });
        }
      } catch (reason) {
        if (mine === turn.current) {
          setError(toMLKitError(reason));
        }
      }
      if (mine === turn.current) {
        setBusy(false);
      }
    },
    [path]
  );

  React.useEffect(() => {
    setFolder(null);
    void read(null, []);
    return () => {
      turn.current += 1;
    };
  }, [read, runId, attempt]);

  return {
    folder,
    busy,
    error,
    more: () => folder?.next && void read(folder.next, folder.items),
    retry: () => setAttempt(attempt + 1)
  };
}
