/**
 * MLflow's own page below our policy, which is what is promised of it.
 *
 * It breaks where it shows all texts at once, so it is led to runs that hold one each.
 */
import { expect } from '@playwright/test';
import type { Frame } from '@playwright/test';

import { API } from './routes';
import { HOSTILE, IMG } from './texts';
import type { Tour } from './tour';

/** Parts of the policy that keep texts from running and from asking elsewhere. */
const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'self'"
];

/** Runs with one text each that are opened. */
const RUNS = 12;

/** Types that MLflow shows, each in its own way. */
const SHOWN = ['html', 'svg', 'md', 'json'];

/** Start the program, which takes a while. */
export async function startMlflow(tour: Tour): Promise<void> {
  const answer = await tour.page.request.post(`${API}children`, {
    data: { kind: 'mlflow' }
  });
  expect(answer.status(), await answer.text()).toBeLessThan(300);
}

/** Runs, files, experiments and models. */
export async function visitMlflow(tour: Tour): Promise<void> {
  const { seeded } = tour;
  const frame = await openFrame(tour);
  const at = `/experiments/${seeded.experiments[0]}/runs`;
  const img = `${at}/${seeded.runs['img onerror']}`;
  const places: [string, string][] = [
    [img, IMG],
    [`${img}/model-metrics`, IMG],
    ...HOSTILE.slice(0, RUNS).map(({ name, text }): [string, string] => [
      `${at}/${seeded.runs[name]}`,
      text
    ]),
    ['/experiments', 'xss.example/formula'],
    [at, 'Search runs'],
    ['/models', "__xss='terminal'"],
    [`/models/${encodeURIComponent(IMG)}/versions/1`, IMG],
    [`${img}/artifacts`, 'Select a file to preview']
  ];
  for (const [place, text] of places) {
    await frame.evaluate(hash => {
      window.location.hash = hash;
    }, `${place}?workflowType=machine_learning`);
    await expect(frame.locator('body')).toContainText(text);
    tour.views.push(`MLflow ${place}`);
  }
  await frame.getByText('all', { exact: true }).first().click();
  for (const kind of SHOWN) {
    const name = `all.${kind}`;
    const file = tour.page.waitForResponse(
      response =>
        /artifact/.test(response.url()) && response.url().includes(name)
    );
    await frame.getByText(name, { exact: true }).first().click();
    await file;
    tour.views.push(`MLflow ${name}`);
  }
  await tour.kit.picture('xss-9-mlflow');
}

/** Open the view, and compare the headers of its page with what is promised. */
async function openFrame(tour: Tour): Promise<Frame> {
  const { page, seeded } = tour;
  const opened = page.waitForResponse(
    response =>
      /\/jupyter-mlkit\/children\/\w+\/$/.test(response.url()) &&
      response.request().isNavigationRequest()
  );
  await tour.run('open-mlflow-ui', { runId: seeded.runs['img onerror'] });
  const headers = await (await opened).allHeaders();
  const policy = headers['content-security-policy'].split('; ');
  expect(policy).toEqual(expect.arrayContaining(POLICY));
  expect(headers['x-content-type-options']).toBe('nosniff');
  const holder = await page
    .locator('iframe[title="MLflow UI"]')
    .elementHandle();
  return (await holder!.contentFrame())!;
}
