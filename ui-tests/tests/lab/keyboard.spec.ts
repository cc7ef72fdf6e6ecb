/**
 * The main job without a mouse.
 */
import { expect, test } from '@jupyterlab/galata';

import { runCommand, tabTo } from '../../helpers/keyboard';
import { Kit } from '../../helpers/kit';
import { logRuns } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });

test('train, open and compare with the keyboard alone', async ({ page }) => {
  const kit = new Kit(page);
  const { keyboard } = page;
  logRuns('lab', { keys: ['keys-plain'] });
  await page.goto();
  await runCommand(page, 'Open ML Kit Panel');
  await expect(kit.panel).toBeVisible();

  // Fill the form and launch.
  await tabTo(page, kit.panel.getByRole('button', { name: 'Train…' }));
  await keyboard.press('Enter');
  const form = kit.view;
  await tabTo(page, form.getByLabel('Cube', { exact: true }));
  await keyboard.type('esdc-demo.zarr');
  await keyboard.press('Enter');
  await expect(form.getByText('decoded')).toBeVisible({ timeout: 60000 });
  await tabTo(page, form.getByLabel('Experiment', { exact: true }));
  await keyboard.press('ControlOrMeta+A');
  await keyboard.type('keys');
  await tabTo(page, form.getByLabel('Run name', { exact: true }));
  await keyboard.type('keys-trained');
  const launch = form.getByRole('button', { name: 'Launch' });
  await tabTo(page, launch, 'Shift+Tab');
  await kit.picture('keyboard-1-form');
  await keyboard.press('Enter');
  await kit.waitForRun('keys-trained');

  // Go to the list by the shortcut, and open a run.
  await keyboard.press('ControlOrMeta+Alt+M');
  const rows = kit.section('Runs').getByRole('row');
  await tabTo(page, rows.and(page.locator('[tabindex="0"]')));
  await keyboard.press('Home');
  await downTo(kit, 'keys-trained');
  await kit.picture('keyboard-2-list');
  await keyboard.press('Enter');
  await expect(
    kit.view.getByRole('heading', { name: 'keys-trained' })
  ).toBeVisible();
  const tabs = kit.view.getByRole('tab', { name: 'Overview' });
  await tabTo(page, tabs);
  await keyboard.press('ArrowRight');
  await expect(kit.view.getByRole('tab', { name: 'Charts' })).toBeFocused();

  // Choose two and compare.
  await keyboard.press('ControlOrMeta+Alt+M');
  await tabTo(page, rows.and(page.locator('[tabindex="0"]')));
  await keyboard.press('Home');
  await downTo(kit, 'keys-trained');
  await keyboard.press('Space');
  await expect(kit.run('keys-trained').getByRole('checkbox')).toBeChecked();
  await keyboard.press('Home');
  await downTo(kit, 'keys-plain');
  await keyboard.press('Space');
  const compare = kit.panel.getByRole('button', { name: 'Compare 2' });
  await tabTo(page, compare);
  await keyboard.press('Enter');
  await expect(kit.view).toContainText('keys-plain');
  await expect(kit.view).toContainText('keys-trained');
  await kit.picture('keyboard-3-compare');
});

/** Press the arrow until the row of this run has the focus. */
async function downTo(kit: Kit, name: string): Promise<void> {
  const row = kit.run(name);
  const count = await kit.section('Runs').getByRole('row').count();
  for (let pressed = 0; pressed < count; pressed++) {
    if (await row.evaluate(node => node === document.activeElement)) {
      return;
    }
    await kit.page.keyboard.press('ArrowDown');
  }
  await expect(row).toBeFocused();
}
