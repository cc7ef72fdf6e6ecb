/**
 * A file's content while a component shows it.
 */
import * as React from 'react';

import type { MLKitError } from '../../api/errors';
import { useAnswer } from './useAnswer';

/** A file as far as it is known: loading where both are null. */
export interface IBlobState {
  blob: Blob | null;
  error: MLKitError | null;
}

/** Read a file; `key` names it, and another key reads again. Null reads nothing. */
export function useBlob(
  key: string | null,
  read: () => Promise<Blob>
): IBlobState {
  const { answer, error } = useAnswer(key, read);
  return { blob: answer, error };
}

/** An object URL for a blob, released when it is not shown any more. */
export function useObjectURL(blob: Blob | null): string | null {
  const [url, setURL] = React.useState<string | null>(null);
  React.useEffect(() => {
    if (!blob) {
      setURL(null);
      return;
    }
    const made = URL.createObjectURL(blob);
    setURL(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return url;
}

/** The first `limit` bytes of a blob as text; null while it is read. */
export function useText(blob: Blob | null, limit: number): string | null {
  const [text, setText] = React.useState<string | null>(null);
  React.useEffect(() => {
    setText(null);
    if (!blob) {
      return;
    }
    const reader = new FileReader();
    reader.onload = () => setText(String(reader.result));
    reader.readAsText(blob.slice(0, limit));
    return () => {
      reader.onload = null;
      reader.abort();
    };
  }, [blob, limit]);
  return text;
}
