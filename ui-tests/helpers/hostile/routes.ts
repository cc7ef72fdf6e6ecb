/**
 * Each route that answers with what was logged: its headers, as a page, as a part of one.
 */
import { expect } from '@playwright/test';
import type { APIResponse, Page, Request } from '@playwright/test';
import * as fs from 'fs';
import * as path from 'path';

import type { ISeeded } from './texts';
import { IMG, TEXTS } from './texts';

/** Where our routes begin. */
export const API = '/jupyter-mlkit/api/';

/** What was asked for. */
export interface IRoutesVisited {
  /** Answers whose headers were compared with what is promised. */
  answers: number;
  /** Files that opened as a page are a download. */
  downloads: number;
  /** Uses of files as parts of a page. */
  embedded: number;
  /** Routes of the API's description. */
  routes: number;
}

/** Visit them all; fails for one of the description that was left out. */
export async function visitRoutes(
  page: Page,
  seeded: ISeeded,
  jobIds: readonly string[]
): Promise<IRoutesVisited> {
  const run = `${API}runs/${seeded.everything}`;
  const of = (route: string, path: string) =>
    `${run}/artifacts${route}?path=${encodeURIComponent(path)}`;
  const all = seeded.artifacts.filter(path => path.startsWith('all/'));
  const contents = all.map(path => of('/content', path));
  const visited = [...contents];
  const answers = await readContents(page, seeded.artifacts, path =>
    of('/content', path)
  );
  await openContents(page, contents);

  const model = (name: string) =>
    `${API}registry/models/${encodeURIComponent(name)}`;
  const metric = encodeURIComponent(`val_${IMG}`);
  const pages = [
    ...all.map(path => of('/preview', path)),
    of('', ''),
    of('', 'all'),
    of('', IMG),
    run,
    `${run}/spec`,
    `${run}/notebooks`,
    `${API}runs?experiment_id=${seeded.experiments[0]}`,
    `${API}runs?filter=${encodeURIComponent(IMG)}`,
    `${API}experiments`,
    `${API}compare?run_ids=${seeded.everything}`,
    `${API}metrics?run_id=${seeded.everything}&key=${metric}`,
    `${API}jobs`,
    ...jobIds.flatMap(id => [`${API}jobs/${id}`, `${API}jobs/${id}/log`]),
    `${API}registry/models`,
    model(IMG),
    `${model(IMG)}/versions`,
    API + encodeURIComponent(IMG),
    `${API}children`,
    `${API}status`,
    `${API}sync`,
    `${API}train/kernels`,
    `${API}train/schema`
  ];
  const data = [
    ...pages,
    ...seeded.models.map(model),
    ...TEXTS.map(text => API + encodeURIComponent(text))
  ];
  await inTurns(data, async url => {
    expectData(await page.request.get(url), url);
  });
  await openData(page, pages);
  visited.push(...data);
  const parts = ['iframe', 'object', 'embed', 'img', 'script', 'link'];
  await embed(page, contents, parts);

  const described = describedRoutes();
  const forgotten = described.filter(
    route => !visited.some(url => matches(url, route))
  );
  expect(forgotten).toEqual([]);
  return {
    answers: answers + data.length,
    downloads: contents.length,
    embedded: contents.length * parts.length,
    routes: described.length
  };
}

/** Read all files of a run and compare their headers; returns how many were asked for. */
async function readContents(
  page: Page,
  paths: readonly string[],
  urlOf: (path: string) => string
): Promise<number> {
  let served = 0;
  await inTurns(paths, async path => {
    const answer = await page.request.get(urlOf(path));
    if (answer.status() === 200) {
      expectAttachment(answer, path);
      served += 1;
    } else {
      // A name that no path may have.
      expect(answer.status(), path).toBe(400);
      expectData(answer, path);
    }
  });
  expect(served).toBeGreaterThan(0.9 * paths.length);
  return paths.length;
}

/** Open files as pages: each is a download. */
async function openContents(
  page: Page,
  urls: readonly string[]
): Promise<void> {
  const other = await page.context().newPage();
  for (const url of urls) {
    const download = other.waitForEvent('download');
    await other.goto(url).catch(() => undefined);
    await (await download).cancel();
  }
  await other.close();
}

/** Open answers as pages: each is text to the browser. */
async function openData(page: Page, urls: readonly string[]): Promise<void> {
  const other = await page.context().newPage();
  for (const url of urls) {
    const answer = await other.goto(url);
    expect(await answer!.headerValue('content-type'), url).toMatch(
      /^application\/json/
    );
  }
  await other.close();
}

/** Put addresses to every use that a page has for one, and wait until all have come to an end. */
async function embed(
  page: Page,
  urls: readonly string[],
  tags: readonly string[]
): Promise<void> {
  let ended = 0;
  const count = (request: Request) => {
    ended += request.url().includes('/artifacts/content') ? 1 : 0;
  };
  page.on('requestfinished', count);
  page.on('requestfailed', count);
  await page.evaluate(
    ([urls, tags]) => {
      const all = document.createElement('div');
      all.id = 'embedded';
      document.body.append(all);
      for (const url of urls) {
        for (const tag of tags) {
          const element = document.createElement(tag);
          const place =
            tag === 'object' ? 'data' : tag === 'link' ? 'href' : 'src';
          element.setAttribute('rel', 'stylesheet');
          element.setAttribute(place, url);
          all.append(element);
        }
      }
    },
    [urls, tags] as const
  );
  await expect
    .poll(() => ended)
    .toBeGreaterThanOrEqual(urls.length * tags.length);
  await page.evaluate(() => document.getElementById('embedded')!.remove());
}

/** Routes of the API's description that answer to GET. */
function describedRoutes(): string[] {
  const file = path.resolve(
    __dirname,
    '../../../jupyter_mlkit/api/openapi.yaml'
  );
  const lines = fs.readFileSync(file, 'utf8').split('\n');
  const routes: string[] = [];
  let route = '';
  for (const line of lines) {
    route = /^ {2}(\/\S+):$/.exec(line)?.[1] ?? route;
    if (line === '    get:') {
      routes.push(route);
    }
  }
  expect(routes).toContain('/runs/{run_id}/artifacts/content');
  return routes;
}

function matches(url: string, route: string): boolean {
  const pattern = route.slice(1).replace(/\{\w+\}/g, '[^/?]+');
  return new RegExp(`^${API}${pattern}(\\?|$)`).test(url);
}

/** Do something with all, four at a time. */
async function inTurns<T>(
  items: readonly T[],
  act: (item: T) => Promise<void>
): Promise<void> {
  const left = [...items];
  const take = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      await act(item);
    }
  };
  await Promise.all([take(), take(), take(), take()]);
}

/** A file that no browser shows or runs. */
function expectAttachment(answer: APIResponse, what: string): void {
  const headers = answer.headers();
  expect(headers['content-type'], what).toBe('application/octet-stream');
  expect(headers['content-disposition'], what).toMatch(
    /^attachment; filename="[\w. -]*"; filename\*=UTF-8''[\w.~!*'()%-]*$/
  );
  expect(headers['x-content-type-options'], what).toBe('nosniff');
  expect(headers['content-security-policy'], what).toMatch(
    /^sandbox; default-src 'none'/
  );
}

/** JSON, which a browser shows as text. */
function expectData(answer: APIResponse, what: string): void {
  const headers = answer.headers();
  expect(headers['content-type'], what).toMatch(/^application\/json/);
  expect(headers['x-content-type-options'], what).toBe('nosniff');
  expect(headers['content-security-policy'], what).toContain(
    "default-src 'none'"
  );
}
