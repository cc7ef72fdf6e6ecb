/**
 * A split that fits the use: chosen by it, judged before anything is trained, kept by the run.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

test.use({ autoGoto: false, mockUser: false });

test('choose a use, read what its split tests, launch, find it in the run', async ({
  page
}) => {
  const kit = new Kit(page);
  await page.goto();
  await kit.openPanel();
  await kit.describe('esdc-demo.zarr');
  const form = kit.view;
  const split = form.getByRole('group', { name: 'Split', exact: true }).first();
  const preview = kit.preview;
  const map = preview.getByRole('img', { name: 'Map of the split' });
  const report = preview.getByRole('region', { name: 'Leakage report' });

  // Gaps: held out in the shape of real ones, and as hard as these.
  await form.getByRole('radio', { name: 'Gaps' }).check();
  await expect(split.getByLabel('Kind')).toHaveValue('gap');
  await kit.previewed();
  for (const role of ['train', 'validation', 'test']) {
    await expect(
      preview.getByRole('row', { name: new RegExp(`^${role} [1-9]`) })
    ).toBeVisible();
  }
  await expect(preview.getByRole('row', { name: /^unused/ })).toHaveCount(0);
  await expect(map).toBeVisible();
  await expect(report).toContainText('Fits the use.');
  await expect(
    report.getByRole('columnheader', { name: 'cells to predict' })
  ).toBeVisible();
  const gaps = await map.getAttribute('src');
  await kit.picture('splits-1-gaps');

  // Both: two parts, and what they do not agree on goes unused.
  await form.getByRole('radio', { name: 'Both' }).check();
  await expect(split.getByLabel('Kind')).toHaveValue('all');
  await expect(split.getByRole('combobox', { name: 'Part 1' })).toHaveValue(
    'block'
  );
  await expect(split.getByRole('combobox', { name: 'Part 2' })).toHaveValue(
    'time'
  );
  await expect(split.getByLabel('lat', { exact: true })).toHaveValue('11 deg');
  await expect(split.getByLabel('Test starts')).toHaveValue(/^2002-/);
  await expect(map).not.toHaveAttribute('src', gaps ?? '');
  await kit.previewed();
  await expect(
    preview.getByRole('row', { name: /^unused [1-9][\d,]+ [1-9]\d* %/ })
  ).toBeVisible();
  await kit.picture('splits-2-both');

  // A feature that is computed; one that cannot be is said beside the field.
  await form.getByRole('radio', { name: 'Gaps' }).check();
  const computed = form.getByLabel('Computed feature');
  await computed.fill('air_temperature_2m**2');
  await computed.press('Enter');
  await expect(
    form.getByRole('checkbox', { name: 'air_temperature_2m**2' })
  ).toBeChecked();
  await expect(computed).toHaveValue('');
  await computed.fill('no_such_variable**2');
  await computed.press('Enter');
  await form.getByRole('button', { name: 'Validate' }).click();
  await expect(
    form.locator('[data-mlkit-field="features"]').getByRole('alert')
  ).toContainText('no_such_variable');
  const wrong = form.getByRole('checkbox', { name: 'no_such_variable**2' });
  await wrong.click();
  await expect(wrong).toHaveCount(0);

  await form.getByLabel('Run name', { exact: true }).fill('filling');
  await form.getByRole('button', { name: 'Launch' }).click();
  await kit.waitForRun('filling');

  // The run says the same of its split.
  await kit.run('filling').dblclick();
  await kit.view.getByRole('tab', { name: 'Data' }).click();
  const part = (name: string) =>
    kit.view.getByRole('region', { name, exact: true });
  await expect(
    part('Split').getByRole('row', { name: /^test [1-9]/ })
  ).toBeVisible();
  await expect(part('Split').getByRole('img')).toBeVisible();
  await expect(part('Leakage report')).toContainText('Fits the use.');
  await expect(
    part('Evaluation').getByRole('row', {
      name: /^val(idation)? rmse \d.* … \d/
    })
  ).toBeVisible();
  await expect(kit.view).toContainText('air_temperature_2m**2');
  await kit.picture('splits-3-data');
});
