/**
 * All of it in the dark theme: every text can be read, in the light one too; and what waits for
 * a store that is down.
 */
import { expect, test } from '@jupyterlab/galata';

import { hardToRead } from '../../helpers/contrast';
import { Kit } from '../../helpers/kit';
import { forgetWaiting, logRuns, logWaiting } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });
// What brings it ends with it.
test.afterEach(() => forgetWaiting('lab'));

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

  const waits = kit.panel.getByRole('button', { name: /waiting|all sent/ });
  await expect(waits).toHaveCount(0);
  logWaiting('lab');
  await expect(waits).toHaveText('1.2K waiting');
  await waits.click();
  const details = kit.panel.getByRole('group', { name: /store/ });
  await expect(details).toContainText('1,203');
  await expect(details).toContainText('2 h ago');
  await details.getByRole('button', { name: 'Send now' }).click();
  await expect(details).toContainText('Nobody answers');
  await kit.picture('dark-5-waiting');
  expect.soft(await hardToRead(details), 'what waits').toEqual([]);
  await page.keyboard.press('Escape');
  await expect(details).toHaveCount(0);
  await page.theme.setLightTheme();
  expect.soft(await hardToRead(kit.view), 'run, light').toEqual([]);
  await waits.click();
  await expect(details).toBeVisible();
  await kit.picture('dark-6-waiting-light');
  expect.soft(await hardToRead(kit.panel), 'panel, light').toEqual([]);
  forgetWaiting('lab');
  await expect(waits).toHaveText('all sent');
  await page.keyboard.press('Escape');
  await expect(waits).toHaveCount(0);
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
