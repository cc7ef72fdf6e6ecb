/**
 * One request to the server part: URL, XSRF header, JSON and errors.
 */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { MLKitError, isAbort, isErrorBody } from './errors';

/** Where the routes live, below the server's base URL. */
export const NAMESPACE = 'jupyter-mlkit/api';

const MAX_EXCERPT = 200;

/** Values of a query string; an array repeats its key, what is undefined is left out. */
export type Query = Readonly<
  Record<string, string | number | readonly string[] | null | undefined>
>;

/** How a request is made. */
export interface IRequestOptions {
  /** Gives the request up. */
  signal?: AbortSignal;
  /** Nobody asked for this one: it must not keep an idle server alive. */
  background?: boolean;
}

/** A request with its parts. */
export interface IRequest extends IRequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path below the namespace, its segments already encoded. */
  path: string;
  query?: Query;
  body?: unknown;
}

/** The absolute URL of a route. */
export function routeUrl(
  settings: ServerConnection.ISettings,
  path: string,
  query: Query = {},
  background = false
): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') {
      continue;
    }
    for (const item of Array.isArray(value) ? value : [value]) {
      params.append(key, String(item));
    }
  }
  if (background) {
    params.append('no_track_activity', '1');
  }
  const text = params.toString();
  const url = URLExt.join(settings.baseUrl, NAMESPACE, path);
  return text ? `${url}?${text}` : url;
}

/**
 * Make a request and return its parsed answer.
 *
 * @throws MLKitError - for every answer that is not 2xx and where none came;
 * an `AbortError` where the caller gave up.
 */
export async function request<T>(
  what: IRequest,
  settings: ServerConnection.ISettings
): Promise<T> {
  const response = await send(what, settings);
  const text = await read(() => response.text(), what.signal);
  const data = parse(text);
  if (data === undefined && text !== '') {
    throw new MLKitError(
      { message: excerpt(text), code: 'bad_answer' },
      response.status
    );
  }
  return data as T;
}

/** Make a request and return the bytes of its answer; it fails as `request` does. */
export async function requestBlob(
  what: IRequest,
  settings: ServerConnection.ISettings
): Promise<Blob> {
  const response = await send(what, settings);
  return read(() => response.blob(), what.signal);
}

async function send(
  what: IRequest,
  settings: ServerConnection.ISettings
): Promise<Response> {
  const { method = 'GET', path, query, body, signal, background } = what;
  const init: RequestInit = { method };
  if (signal) {
    init.signal = signal;
  }
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { 'Content-Type': 'application/json' };
  }
  const url = routeUrl(settings, path, query, background);
  const response = await read(
    () => ServerConnection.makeRequest(url, init, settings),
    signal
  );
  if (!response.ok) {
    const text = await read(() => response.text(), signal);
    throw toError(response.status, parse(text), text);
  }
  return response;
}

/** Wait for the network, telling a caller who gave up from a connection that broke. */
async function read<T>(
  wait: () => Promise<T>,
  signal?: AbortSignal
): Promise<T> {
  try {
    return await wait();
  } catch (reason) {
    if (isAbort(reason) || signal?.aborted) {
      throw new DOMException('The request was given up.', 'AbortError');
    }
    const message = reason instanceof Error ? reason.message : String(reason);
    throw new MLKitError({ message, code: 'network' }, 0);
  }
}

function parse(text: string): unknown {
  if (text === '') {
    return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toError(status: number, data: unknown, text: string): MLKitError {
  if (isErrorBody(data)) {
    return new MLKitError(data, status);
  }
  // Ours answer in JSON with a code; a 404 without one comes from a server that lacks the route.
  if (status === 404) {
    return new MLKitError(
      { message: `HTTP ${status}`, code: 'server_missing' },
      status
    );
  }
  const message =
    typeof data === 'object' && data !== null && 'message' in data
      ? String(data.message)
      : '';
  return new MLKitError(
    {
      message: message || `HTTP ${status}: ${excerpt(text)}`,
      code: status === 403 ? 'forbidden' : 'bad_answer'
    },
    status
  );
}

/** The beginning of an answer without its markup: an error page is no message. */
function excerpt(text: string): string {
  const words = text
    .replace(/<(style|script)[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return words.length > MAX_EXCERPT ? `${words.slice(0, MAX_EXCERPT)}…` : words;
}
