/**
 * Finding runs: search, order, columns, experiment; and what comes back after a reload.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';
import { logRuns } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });

/** Made anew whenever the runs are: a worker that failed starts again. */
let group = '';

test.beforeAll(() => {
  group = `find-${Date.now()}`;
  logRuns('lab', {
    [group]: ['find-low', 'find-middle', 'find-high'],
    [`${group}-nothing`]: []
  });
});

test('search, order, columns and experiment', async ({ page }) => {
  const kit = new Kit(page);
  await page.goto();
  await kit.openPanel();
  const runs = kit.section('Runs');
  const experiment = runs.getByLabel('Experiment');
  await experiment.selectOption({ label: group });
  const rows = runs.getByRole('row');
  await expect(rows).toHaveCount(3);
  const search = kit.panel.getByLabel('Search runs');

  await search.fill('metrics.val_rmse < 3.5');
  await expect(rows).toHaveCount(2);
  await expect(kit.run('find-high')).toHaveCount(0);

  // A wrong filter says why, and takes nothing away.
  await search.fill('metrics.val_rmse <');
  await expect(search).toHaveAttribute('aria-invalid', 'true');
  await expect(kit.panel.locator('#jp-mlkit-filterError')).not.toBeEmpty();
  await expect(rows).toHaveCount(2);
  await kit.picture('filter-1-wrong');

  await search.fill('middle');
  await expect(rows).toHaveCount(1);
  await expect(search).toHaveAttribute('aria-invalid', 'false');
  await search.press('Escape');
  await expect(rows).toHaveCount(3);

  const order = runs.getByLabel('Order');
  await order.selectOption('-metrics.val_rmse');
  await expect(rows.first()).toContainText('find-high');
  await order.selectOption('+metrics.val_rmse');
  await expect(rows.first()).toContainText('find-low');

  await runs.getByRole('button', { name: 'Columns' }).click();
  await runs.getByRole('checkbox', { name: /model$/ }).check();
  await expect(kit.run('find-low')).toContainText('ridge0');
  await kit.picture('filter-2-columns');
  await page.keyboard.press('Escape');

  await experiment.selectOption({ label: `${group}-nothing` });
  await expect(runs).toContainText('No runs yet.');
  await kit.picture('filter-3-empty');
});

test('panel, list and open run come back after a reload', async ({ page }) => {
  const kit = new Kit(page);
  await page.goto();
  await kit.openPanel();
  const experiment = kit.section('Runs').getByLabel('Experiment');
  await experiment.selectOption({ label: group });
  await expect(kit.section('Runs').getByRole('row')).toHaveCount(3);
  await kit.run('find-low').dblclick();
  const heading = kit.view.getByRole('heading', { name: 'find-low' });
  await expect(heading).toBeVisible();

  // The layout is saved a moment after it changed.
  await page.waitForResponse(
    response =>
      response.url().includes('/api/workspaces') &&
      response.request().method() === 'PUT' &&
      (response.request().postData() ?? '').includes('jupyter-mlkit-run')
  );
  // Galata's own reload waits for the launcher, which is not what comes back here.
  await Promise.all([
    page.waitForEvent('domcontentloaded'),
    page.evaluate(() => window.location.reload())
  ]);
  await expect(kit.panel).toBeVisible();
  await expect(heading).toBeVisible();
  await expect(experiment.locator('option:checked')).toHaveText(group);
  await kit.picture('filter-4-restored');
});
