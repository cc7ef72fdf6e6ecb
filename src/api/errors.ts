/**
 * The one error that everything behind the client throws.
 */
import type { ErrorBody } from './types';

/** What a person is told about a failure; `MLKitError` and the wire's `ErrorBody` both fit. */
export interface IErrorInfo {
  readonly message: string;
  readonly code?: string;
  readonly hint?: string | null;
  readonly field?: string | null;
}

/** Codes that this side gives, beside those of the server. */
export type LocalCode = 'server_missing' | 'network' | 'bad_answer';

/**
 * A failed request: a machine code, a sentence for the person and, where known, a hint and
 * the input field that is wrong.
 */
export class MLKitError extends Error implements IErrorInfo {
  constructor(body: IErrorInfo, status: number) {
    super(body.message);
    this.name = 'MLKitError';
    this.code = body.code ?? 'internal_error';
    this.hint = body.hint ?? null;
    this.field = body.field ?? null;
    this.status = status;
  }

  /** Stable across versions. */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string | null;
  /** Dotted path of the input that is wrong. */
  readonly field: string | null;
  /** HTTP status, 0 where no answer came. */
  readonly status: number;
}

/** Whether a request was given up by the caller, which nobody needs to be told. */
export function isAbort(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'AbortError';
}

/** Whatever was thrown, as an error that can be shown. */
export function toMLKitError(reason: unknown): MLKitError {
  if (reason instanceof MLKitError) {
    return reason;
  }
  const message = reason instanceof Error ? reason.message : String(reason);
  return new MLKitError({ message, code: 'internal_error' }, 0);
}

/** Whether a parsed answer is an error of our API. */
export function isErrorBody(data: unknown): data is ErrorBody {
  return (
    typeof data === 'object' &&
    data !== null &&
    typeof (data as ErrorBody).message === 'string' &&
    typeof (data as ErrorBody).code === 'string'
  );
}
