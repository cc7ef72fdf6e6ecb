import { ServerConnection } from '@jupyterlab/services';

import { MLKitClient } from '../client';
import { MLKitError } from '../errors';

/**
 * Node's `Request`, without the signal: its newer versions take their own `AbortSignal` only, and
 * jsdom has another. That a signal ends a request is the browser's business.
 */
class RequestWithoutSignal extends globalThis.Request {
  constructor(url: string, init: RequestInit) {
    super(url, { ...init, signal: undefined });
  }
}

/** A client whose network is a function. */
function clientOf(fetch: (request: Request) => Promise<Response>): MLKitClient {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost/user/x/',
    token: '',
    fetch: fetch as typeof globalThis.fetch,
    Request: RequestWithoutSignal as typeof globalThis.Request,
    Headers: globalThis.Headers
  });
  return new MLKitClient({ serverSettings });
}

function answer(body: string, status = 200): Promise<Response> {
  return Promise.resolve(new Response(body, { status }));
}

describe('MLKitClient', () => {
  it('stays below the base URL and repeats keys', async () => {
    const urls: string[] = [];
    const client = clientOf(request => {
      urls.push(request.url);
      return answer('{"items": [], "next_page_token": null}');
    });
    await client.runs(
      { experiment_id: ['1', '2'], filter: 'a = "b&c"', page_token: null },
      { background: true }
    );
    const url = new URL(urls[0]);
    expect(url.pathname).toBe('/user/x/jupyter-mlkit/api/runs');
    expect(url.searchParams.getAll('experiment_id')).toEqual(['1', '2']);
    expect(url.searchParams.get('filter')).toBe('a = "b&c"');
    expect(url.searchParams.get('no_track_activity')).toBe('1');
    expect(url.searchParams.has('page_token')).toBe(false);
  });

  it('asks for the curves of many metrics in parts', async () => {
    const asked: string[][] = [];
    const client = clientOf(request => {
      const keys = new URL(request.url).searchParams.getAll('key');
      asked.push(keys);
      return answer(JSON.stringify({ items: keys.map(key => ({ key })) }));
    });
    const key = Array.from({ length: 120 }, (_, i) => `m${i}`);
    const { items } = await client.metrics({ run_id: ['r'], key });
    expect(asked.map(keys => keys.length)).toEqual([50, 50, 20]);
    expect(items.map(item => item.key)).toEqual(key);
  });

  it('encodes names in paths', async () => {
    const urls: string[] = [];
    const client = clientOf(request => {
      urls.push(request.url);
      return answer('', 204);
    });
    await client.deleteAlias('a/b c', 'x?').catch(() => undefined);
    expect(urls[0]).toContain('/registry/models/a%2Fb%20c/aliases/x%3F');
  });

  it('shares one request among those who ask the same at once', async () => {
    let count = 0;
    const client = clientOf(() => {
      count += 1;
      return answer('{}');
    });
    await Promise.all([client.status(), client.status()]);
    expect(count).toBe(1);
    await client.status();
    expect(count).toBe(2);
  });

  it('throws the error of the answer, with its hint and field', async () => {
    const body = { message: 'm', code: 'c', hint: 'h', field: 'f' };
    const client = clientOf(() => answer(JSON.stringify(body), 400));
    const error = await client.status().catch(reason => reason);
    expect(error).toBeInstanceOf(MLKitError);
    expect(error).toMatchObject({ ...body, status: 400 });
  });

  it('tells a missing server part from a missing run', async () => {
    const page = '<html><body><h1>404 : Not Found</h1></body></html>';
    const missing = clientOf(() => answer(page, 404));
    await expect(missing.status()).rejects.toMatchObject({
      code: 'server_missing'
    });
    const gone = clientOf(() =>
      answer('{"message": "no such run", "code": "not_found"}', 404)
    );
    await expect(gone.run('x')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('shortens error pages to their words', async () => {
    const page = `<html><style>p {}</style><body>bad ${'x'.repeat(900)}</body>`;
    const client = clientOf(() => answer(page, 502));
    const error: MLKitError = await client.status().catch(reason => reason);
    expect(error.message).toMatch(/^HTTP 502: bad x+…$/);
    expect(error.message.length).toBeLessThan(250);
  });

  it('calls a broken connection that, and an abort an abort', async () => {
    const broken = clientOf(() => Promise.reject(new TypeError('failed')));
    await expect(broken.status()).rejects.toMatchObject({ code: 'network' });
    const controller = new AbortController();
    const slow = clientOf(() => {
      controller.abort();
      return Promise.reject(new DOMException('stop', 'AbortError'));
    });
    const given = await slow
      .status({ signal: controller.signal })
      .catch((reason: Error) => reason);
    expect(String(given)).toBe('AbortError: The request was given up.');
  });
});
