/**
 * Whoever may log decides what names, notes, files and outputs are: to the reader all of it is text.
 *
 * Everything is logged at once, then every view and every route of the artifacts is visited.
 */
import { expect, test } from '@jupyterlab/galata';
import type { Browser, Page } from '@playwright/test';

import { Canary, NO_HARM } from '../../helpers/hostile/canary';
import { startMlflow, visitMlflow } from '../../helpers/hostile/mlflow';
import {
  launchHostile,
  stateOf,
  visitJobs,
  visitPanel
} from '../../helpers/hostile/panel';
import { visitRoutes } from '../../helpers/hostile/routes';
import {
  copyJob,
  HOSTILE,
  IMG,
  seed,
  TEXTS
} from '../../helpers/hostile/texts';
import type { Fields } from '../../helpers/hostile/texts';
import { Tour } from '../../helpers/hostile/tour';
import {
  visitComparison,
  visitForm,
  visitModels,
  visitRun,
  visitRuns
} from '../../helpers/hostile/views';

test.use({ autoGoto: false, mockUser: false });

/** So many of them run or ask for something where they are taken for HTML or for an address. */
const HARMFUL = 38;

/** So many different texts are in each field. */
const FEWEST = 50;

test('texts from runs stay texts in every view and on every route', async ({
  page,
  browser,
  baseURL
}) => {
  const started = Date.now();
  const canary = await Canary.watch(page.context(), baseURL!);
  const seeding = seed('hostile');
  await test.step('a page that takes them for HTML is harmed', () =>
    harm(browser, baseURL!));
  await page.goto();
  const seeded = await seeding;
  // MLflow's client takes nearly none of them as a key; then its checks were taken away.
  expect(seeded.refused).toMatchObject({ tag: TEXTS.length - 1 });

  const tour = new Tour(page, canary, seeded);
  const step = (title: string, visit: () => Promise<void>) =>
    test.step(title, async () => {
      try {
        await visit();
      } finally {
        // Harm may well be why it failed.
        expect.soft(canary.harm, title).toEqual(NO_HARM);
      }
    });
  await tour.kit.openPanel();
  const jobs = hostileJobs(page);
  await step('panel', () => visitPanel(tour));
  await step('runs', () => visitRuns(tour));
  const mlflow = startMlflow(tour);
  await step('run', () => visitRun(tour));
  await step('compare', () => visitComparison(tour));
  await step('models', () => visitModels(tour));
  await step('form', () => visitForm(tour));
  const { jobIds, fields: fieldsOfJobs } = await jobs;
  await step('jobs', () => visitJobs(tour, jobIds));
  await step('reload', () => visitReload(tour));
  await mlflow;
  await step('MLflow', () => visitMlflow(tour));
  const routes = await visitRoutes(page, seeded, jobIds);
  expect(canary.harm).toEqual(NO_HARM);

  const fields = { ...seeded.fields, ...fieldsOfJobs };
  const few = Object.entries(fields).filter(([, count]) => count < FEWEST);
  expect(few).toEqual([]);
  const { executions, requests } = canary.harm;
  console.log(
    `${TEXTS.length} texts in ${Object.keys(fields).length} fields:`,
    `${tour.views.length} views,`,
    `${routes.routes} routes with ${routes.answers} answers,`,
    `${routes.downloads} downloads and ${routes.embedded} embeddings:`,
    `${executions.length} executions, ${requests.length} outbound requests;`,
    `${Math.round((Date.now() - started) / 1000)} s`
  );
});

/** What comes back with the layout. */
async function visitReload(tour: Tour): Promise<void> {
  const { kit, page, seeded } = tour;
  const runId = seeded.runs['img onerror'];
  const saved = page.waitForResponse(response =>
    (response.request().postData() ?? '').includes(`jupyter-mlkit-run:${runId}`)
  );
  await tour.run('open-run', { runId });
  await expect(kit.view.getByRole('heading', { level: 1 })).toContainText(IMG);
  await saved;
  // Galata's own reload waits for the launcher, which is not what comes back here.
  await Promise.all([
    page.waitForEvent('domcontentloaded'),
    page.evaluate(() => window.location.reload())
  ]);
  await expect(kit.view.getByRole('heading', { level: 1 })).toContainText(IMG);
  await tour.run('open-panel');
  await tour.look('after a reload', '8-reload');
}

/** A job that has failed with all texts, and copies of it. */
async function hostileJobs(
  page: Page
): Promise<{ jobIds: string[]; fields: Fields }> {
  const jobId = await launchHostile(page);
  await expect
    .poll(() => stateOf(page, jobId), { timeout: 60000 })
    .toBe('FAILED');
  const { jobs, fields } = await copyJob('hostile', jobId);
  return { jobIds: [jobId, jobs[0]], fields };
}

/** Show that the texts would harm, and that it would be noticed. */
async function harm(browser: Browser, origin: string): Promise<void> {
  const context = await browser.newContext();
  const canary = await Canary.watch(context, origin);
  await context.route('**/a-bad-page', route =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' })
  );
  await context.route('**/x', route => route.abort());
  const page = await context.newPage();
  await page.goto(`${origin}/a-bad-page`);
  await page.evaluate(texts => {
    for (const text of texts) {
      const frame = document.createElement('iframe');
      if (/^(javascript|data):/.test(text)) {
        frame.src = text;
      } else {
        frame.srcdoc = text;
      }
      frame.onload = () =>
        frame.contentDocument
          ?.querySelectorAll<HTMLElement>('a[href*="script"], button')
          .forEach(link => link.click());
      document.body.append(frame);
    }
  }, TEXTS);
  const harmful = () =>
    HOSTILE.filter(
      ({ name }) =>
        canary.harm.executions.includes(name) ||
        canary.harm.requests.some(url => url.includes(addressOf(name)))
    );
  await expect.poll(() => harmful().length).toBeGreaterThanOrEqual(HARMFUL);
  await canary.look(page, 'a bad page');
  expect(canary.harm.elements.length).toBeGreaterThanOrEqual(HARMFUL);
  await context.close();
}

/** What a text asks for in vain. */
function addressOf(name: string): string {
  return `xss.example/${name.replace(/,/g, '').replace(/ /g, '-')}`;
}
