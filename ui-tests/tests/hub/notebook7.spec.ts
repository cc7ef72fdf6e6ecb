/**
 * In Notebook 7, whose main area shows one widget.
 */
import { expect, test } from '@playwright/test';

import { runCommand } from '../../helpers/keyboard';
import { Kit } from '../../helpers/kit';
import { login } from '../../helpers/login';
import { logRuns } from '../../helpers/runs';

test('panel and run view open beside the file list', async ({ page }) => {
  const kit = new Kit(page);
  logRuns('hub', { nb7: ['nb7-run'] });
  const errors: string[] = [];
  page.on('pageerror', error => {
    // Notebook's own core throws on start, without any extension too.
    if (error.stack?.includes('jupyter-mlkit')) {
      errors.push(error.stack);
    }
  });
  await login(page, 'tree');
  await expect(page.getByText('esdc-demo.zarr')).toBeVisible();
  await runCommand(page, 'Open ML Kit Panel');
  await expect(kit.panel).toBeVisible();
  await kit.run('nb7-run').dblclick();
  await expect(
    kit.view.getByRole('heading', { name: 'nb7-run' })
  ).toBeVisible();
  await kit.view.getByRole('tab', { name: 'Charts' }).click();
  await expect(kit.view.locator('canvas').first()).toBeVisible();
  await kit.picture('notebook7-1');
  expect(errors).toEqual([]);
});
