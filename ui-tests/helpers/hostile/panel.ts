/**
 * The panel, the news of jobs and their outputs.
 */
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

import { API } from './routes';
import { IMG, TEXTS } from './texts';
import type { Tour } from './tour';
import { missing } from './tour';

/** Lists, choosers and words of the panel. */
export async function visitPanel(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  const runs = kit.section('Runs');
  const experiment = runs.getByLabel('Experiment');
  await experiment.selectOption(seeded.experiments[0]);
  await expect(runs.getByRole('row')).not.toHaveCount(0);
  const older = runs.getByRole('button', { name: 'Show older runs' });
  while (await older.isVisible()) {
    await older.click();
    await expect(older).toBeEnabled();
  }
  await expect(runs.getByRole('row').nth(TEXTS.length)).toBeVisible();
  await expect.poll(() => missing(runs.getByRole('row'))).toEqual([]);
  await expect.poll(() => missing(experiment.locator('option'))).toEqual([]);
  await runs.getByRole('button', { name: 'Columns' }).click();
  await runs.getByRole('checkbox', { name: IMG }).first().check();
  await kit.page.keyboard.press('Escape');
  await tour.look('panel, runs', '1-panel');

  const search = kit.panel.getByLabel('Search runs');
  await search.fill(`metrics.${IMG} <`);
  await expect(kit.panel.locator('#jp-mlkit-filterError')).not.toBeEmpty();
  await tour.look('panel, filter');
  await search.press('Escape');

  await runs.getByRole('checkbox').first().check();
  await runs.getByRole('button', { name: 'Clear' }).click();
  await expect
    .poll(() => missing(kit.section('Models').getByRole('row')))
    .toEqual([]);
  const cubes = kit.section('Cubes');
  await cubes.getByLabel('Path or URL of a cube').fill(`${IMG}/hostile.zarr`);
  await cubes.getByRole('button', { name: 'Add' }).click();
  await tour.run('toggle-server-status');
  await tour.look('panel, models and cubes');
  await tour.run('toggle-server-status');
}

/** A real training that prints all texts and fails with them, named by one; returns its id. */
export async function launchHostile(page: Page): Promise<string> {
  const answer = await page.request.post(`${API}jobs`, {
    data: {
      spec: {
        sources: [{ uri: 'esdc-demo.zarr' }],
        prepare: {
          function: 'shout',
          code: [
            'import sys',
            'def shout(ds):',
            `    text = ${JSON.stringify(TEXTS.join('\n'))}`,
            '    if "job" in sys.argv:',
            '        print(text)',
            '        raise ValueError(text)',
            '    return ds'
          ].join('\n')
        },
        target: 'land_surface_temperature',
        features: ['air_temperature_2m'],
        split: { kind: 'random' },
        tracking: {
          experiment: IMG,
          run_name: IMG,
          tags: Object.fromEntries(TEXTS.map(text => [text, text]))
        }
      }
    }
  });
  expect(answer.status(), await answer.text()).toBe(201);
  return (await answer.json()).job_id;
}

/** How a job stands. */
export async function stateOf(page: Page, jobId: string): Promise<string> {
  const answer = await page.request.get(`${API}jobs/${jobId}`);
  return (await answer.json()).state;
}

/** The news of a job that has failed, the list of jobs, their details and their outputs. */
export async function visitJobs(
  tour: Tour,
  jobIds: readonly string[]
): Promise<void> {
  const { kit, page } = tour;
  const toast = page.locator('.jp-toast-message').first();
  await expect(toast).toContainText('has failed');
  await tour.look('news of a job');
  await tour.run('refresh');
  const jobs = kit.section('Jobs');
  await jobs.getByRole('button', { name: /Show \d+ older/ }).click();
  await expect.poll(() => missing(jobs.getByRole('row'))).toEqual([]);
  await tour.look('panel, jobs');
  for (const id of jobIds) {
    await tour.run('open-job-log', { jobId: id });
    const output = page.locator('.jp-mlkit-jobLog-text:visible').last();
    await expect.poll(() => missing(output)).toEqual([]);
    await tour.look('output of a job');
  }
  await jobs.getByRole('button', { name: 'Details of ' }).first().click();
  const end = jobs.getByLabel(/End of the output of/);
  await expect(end).toContainText('xss.example/formula');
  await tour.look('panel, details of a job', '6-jobs');
}
