/**
 * All of it in the dark theme: every text can be read, in the light one too.
 */
import { expect, test } from '@jupyterlab/galata';

import { hardToRead } from '../../helpers/contrast';
import { Kit } from '../../helpers/kit';
import { logRuns } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });

test('texts can be read in both themes', async ({ page }) => {
  const kit = new Kit(page);
  logRuns('lab', { dark: ['dark-plain'] });
  // A glyph that breathes is pale for a moment.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.goto();
  await page.theme.setDarkTheme();
  await kit.openPanel();

  await kit.launch({
    cube: 'esdc-demo.zarr',
    name: 'dark-trained',
    experiment: 'dark'
  });
  await kit.waitForRun('dark-trained');
  await kit.picture('dark-1-launch');
  expect.soft(await hardToRead(kit.view), 'launch form').toEqual([]);
  expect.soft(await hardToRead(kit.panel), 'panel').toEqual([]);

  await kit.run('dark-trained').dblclick();
  await expect(kit.view.locator('img').first()).toBeVisible();
  await kit.picture('dark-2-run');
  expect.soft(await hardToRead(kit.view), 'run').toEqual([]);
  await page.theme.setLightTheme();
  expect.soft(await hardToRead(kit.view), 'run, light').toEqual([]);
  expect.soft(await hardToRead(kit.panel), 'panel, light').toEqual([]);
  await page.theme.setDarkTheme();

  await kit.run('dark-plain').dblclick();
  await kit.view.getByRole('tab', { name: 'Charts' }).click();
  await expect(kit.view.locator('canvas').first()).toBeVisible();
  await kit.picture('dark-3-charts');
  expect.soft(await hardToRead(kit.view), 'charts').toEqual([]);

  await kit.run('dark-trained').getByRole('checkbox').check();
  await kit.run('dark-plain').getByRole('checkbox').check();
  await kit.panel.getByRole('button', { name: 'Compare 2' }).click();
  await expect(kit.view.getByRole('columnheader').first()).toBeVisible();
  await kit.picture('dark-4-compare');
  expect.soft(await hardToRead(kit.view), 'compare').toEqual([]);
});
