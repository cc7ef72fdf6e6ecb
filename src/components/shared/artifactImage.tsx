/**
 * A picture that a run has logged, shown through an object URL.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { useBlob, useObjectURL } from './useBlob';

/** Props of `ArtifactImage`. */
export interface IArtifactImageProps {
  trans: TranslationBundle;
  /** Names the file; another key reads again. */
  imageKey: string;
  read: () => Promise<Blob>;
  /** What the picture shows. */
  caption: string;
  /** Say nothing at all where the file is missing. */
  optional?: boolean;
}

/** A figure; a missing one is said in its place, or left out where it is optional. */
export function ArtifactImage(props: IArtifactImageProps): JSX.Element | null {
  const { trans, imageKey, read, caption, optional } = props;
  const { blob, error } = useBlob(imageKey, read);
  const url = useObjectURL(blob);
  const [broken, setBroken] = React.useState(false);
  React.useEffect(() => setBroken(false), [url]);
  if (error && optional) {
    return null;
  }
  return (
    <figure className="jp-mlkit-figure">
      <figcaption>{caption}</figcaption>
      {error || broken ? (
        <p className="jp-mlkit-dim">
          {error ? error.message : trans.__('This is not a picture.')}
        </p>
      ) : url ? (
        <img src={url} alt={caption} onError={() => setBroken(true)} />
      ) : (
        <p className="jp-mlkit-dim" role="status">
          {trans.__('Loading…')}
        </p>
      )}
    </figure>
  );
}
