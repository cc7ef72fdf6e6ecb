/**
 * The main job as a newcomer does it, on a real server with real jobs.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

// Galata answers every URL that begins like `api/me`, our metrics too, with a made-up user.
test.use({ autoGoto: false, mockUser: false });

test('train, watch, open, compare, register and alias', async ({ page }) => {
  test.setTimeout(300000);
  const kit = new Kit(page);
  await page.goto();
  await kit.openPanel();
  await expect(kit.section('Runs').getByLabel('Experiment')).toBeVisible();
  await kit.picture('01-empty-panel');

  // Launch, and see the run come and finish without a reload.
  await kit.launch({ cube: 'esdc-demo.zarr', name: 'linear' });
  await expect(kit.section('Jobs')).toContainText('linear');
  await kit.picture('02-launched');
  await kit.waitForRun('linear');
  await expect(kit.run('linear')).toContainText(/val\s+2\.\d+\s+K/);

  await kit.launch({
    cube: 'esdc-demo.zarr',
    name: 'boosting',
    estimator: 'HistGradientBoostingRegressor'
  });
  await kit.waitForRun('boosting');
  await kit.picture('03-two-runs');

  // Open it: score, maps, curves.
  await kit.run('boosting').dblclick();
  await expect(kit.view.getByRole('tab', { name: 'Overview' })).toBeVisible();
  await expect(kit.view).toContainText(/val_rmse|rmse/);
  const map = kit.view
    .getByRole('img', { name: /truth|worst|median/i })
    .first();
  await expect(map).toBeVisible();
  await expect
    .poll(() => map.evaluate((img: HTMLImageElement) => img.naturalWidth))
    .toBeGreaterThan(100);
  await kit.picture('04-run');
  await kit.view.getByRole('tab', { name: 'Charts' }).click();
  await expect(kit.view.locator('canvas').first()).toBeVisible();
  await kit.picture('05-charts');
  await kit.view.getByRole('tab', { name: 'Data' }).click();
  await expect(kit.view).toContainText('air_temperature_2m');
  await kit.picture('06-data');
  await kit.view.getByRole('tab', { name: 'Artifacts' }).click();
  await kit.picture('07-artifacts');
  await kit.view.getByRole('tab', { name: 'Log' }).click();
  await kit.picture('08-log');

  // Compare the two.
  await kit.run('linear').getByRole('checkbox').check();
  await kit.run('boosting').getByRole('checkbox').check();
  await kit.panel.getByRole('button', { name: 'Compare 2' }).click();
  await expect(kit.view.getByText('Comparable', { exact: true })).toBeVisible();
  await kit.picture('09-compare');
  await kit.view.getByRole('tab', { name: 'Maps' }).click();
  await expect(kit.view.locator('img')).toHaveCount(2);
  await kit.picture('10-compare-maps');

  // Register the better one and give it an alias.
  await kit.run('linear').dblclick();
  await kit.view.getByRole('button', { name: 'Register…' }).click();
  await page.getByLabel('Register as').fill('lst-demo');
  await page.getByRole('button', { name: 'Register', exact: true }).click();
  const model = kit.section('Models').getByText('lst-demo');
  await expect(model).toBeVisible();
  await model.dblclick();
  await kit.view
    .getByRole('button', { name: /Set an alias of version 1/ })
    .click();
  await kit.view.getByLabel('Alias of version 1').fill('champion');
  await kit.view.getByRole('button', { name: 'Set alias' }).click();
  await expect(
    kit.view.getByRole('button', { name: 'Remove alias champion' })
  ).toBeVisible();
  await expect(kit.section('Models')).toContainText('champion');
  await kit.picture('11-model');
});
