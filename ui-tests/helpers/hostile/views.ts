/**
 * The views of the main area.
 */
import { expect } from '@playwright/test';

import { HOSTILE, IMG } from './texts';
import type { Tour } from './tour';
import { missing } from './tour';

/** A run of each text, one after the other. */
export async function visitRuns(tour: Tour): Promise<void> {
  const { runs } = tour.seeded;
  await tour.heads(
    'open-run',
    HOSTILE.map(({ name, text }) => ({ args: { runId: runs[name] }, text }))
  );
}

/** All tabs of the run that holds everything. */
export async function visitRun(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  await tour.run('open-run', { runId: seeded.everything });
  const { view } = kit;
  await expect(view.getByRole('heading', { level: 1 })).toContainText(IMG);
  await expect(view.getByText('This is not a picture.').first()).toBeVisible();
  await expect
    .poll(() => missing(view.locator('.jp-mlkit-run-params')))
    .toEqual([]);
  await expect
    .poll(() => missing(view.locator('.jp-mlkit-run-tags')))
    .toEqual([]);
  await tour.look('run, overview', '2-run-overview');
  await view.getByRole('button', { name: 'Edit note' }).click();
  await view.getByRole('button', { name: 'Edit name' }).click();
  await tour.look('run, edited');

  const tab = (name: string) => view.getByRole('tab', { name, exact: true });
  await tab('Charts').click();
  await expect(view.locator('canvas').first()).toBeVisible();
  await view.getByRole('button', { name: /Show more of/ }).click();
  await tour.look('run, charts', '3-run-charts');
  await tab('Data').click();
  await expect
    .poll(() => missing(view.locator('.jp-mlkit-dataset')))
    .toEqual([]);
  await expect(view.getByText('Loading…')).toHaveCount(0);
  await tour.look('run, data', '3-run-data');
  await tab('Log').click();
  await tour.look('run, log');
  await tab('Artifacts').click();
  await visitArtifacts(tour);
}

/** Previews of a file of each type, of a folder of odd names, and of a cube. */
async function visitArtifacts(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  const { view } = kit;
  const files = view.getByRole('list', { name: 'Files' });
  await files.getByRole('button', { name: 'all/' }).click();
  const count = seeded.artifacts.filter(path => path.startsWith('all/')).length;
  await expect(files.getByRole('button')).toHaveCount(count);
  for (const file of await files.getByRole('button').all()) {
    const name = await file.locator('.jp-mlkit-files-name').textContent();
    await file.click();
    await expect(view.locator('.jp-mlkit-preview')).toContainText(name!);
    await expect(view.getByText('Loading…')).toHaveCount(0);
    await tour.look(`artifact ${name}`);
  }
  await kit.picture('xss-3-run-artifacts');
  const top = view.getByRole('button', { name: 'artifacts', exact: true });
  await top.click();
  await files.getByRole('button', { name: 'cube.zarr/' }).click();
  await view.getByRole('button', { name: 'This folder is a cube' }).click();
  await view.getByRole('button', { name: 'Look into this cube' }).click();
  await expect(view.getByRole('columnheader').first()).toBeVisible({
    timeout: 60000
  });
  await tour.look('artifact, cube', '3-run-cube');
}

/** All runs side by side. */
export async function visitComparison(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  const { view } = kit;
  const runIds = [seeded.everything, ...Object.values(seeded.runs)];
  await tour.run('compare-runs', { runIds });
  await expect(view.getByRole('table').first()).toBeVisible();
  await view.getByLabel('Differences only').uncheck();
  await expect.poll(() => missing(view.getByRole('row'))).toEqual([]);
  await tour.look('compare, table', '4-compare');
  // No answer holds the curves of so many.
  await tour.run('compare-runs', { runIds: runIds.slice(0, 9) });
  for (const tab of ['Curves', 'Maps']) {
    await view.getByRole('tab', { name: tab }).click();
    await expect(view.getByRole('tabpanel')).toContainText(IMG);
    await tour.look(`compare, ${tab}`);
  }
}

/** Names that MLflow refuses are shown in an error; so many of them are opened. */
const REFUSED = 4;

/** The registered models, and the one with all versions and aliases. */
export async function visitModels(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  const isRefused = (name: string) => /[/:]/.test(name);
  const opened = [
    ...seeded.models.filter(name => !isRefused(name)),
    ...seeded.models.filter(isRefused).slice(0, REFUSED)
  ];
  await tour.heads(
    'open-model',
    opened.map(name => ({ args: { name }, text: name }))
  );
  await tour.run('open-model', { name: IMG });
  await expect(kit.view.getByRole('row').nth(5)).toBeVisible();
  await tour.look('model', '5-model');
}

/** The launch form with such a spec, on such a cube. */
export async function visitForm(tour: Tour): Promise<void> {
  const { kit, seeded } = tour;
  const { view } = kit;
  await tour.run('open-run', { runId: seeded.everything });
  await view.getByRole('button', { name: 'Re-launch…' }).click();
  await expect(view.getByText('decoded')).toBeVisible({ timeout: 60000 });
  const side = (tab: string) => view.getByRole('tab', { name: tab });
  for (const tab of ['YAML', 'Python']) {
    await side(tab).click();
    await expect(view.getByRole('tabpanel')).toContainText('__xss');
    await tour.look(`launch form, ${tab}`);
  }
  // Code in a spec runs nowhere before somebody says so; then what it does is words, too.
  await side('Preview').click();
  await view.getByRole('button', { name: 'Run it for a preview' }).click();
  await expect(view.getByRole('tabpanel').getByRole('alert')).toBeVisible({
    timeout: 60000
  });
  await view.getByRole('button', { name: 'Validate' }).click();
  await expect(view.getByRole('alert').first()).toBeVisible();
  await tour.look('launch form', '7-form');
}
