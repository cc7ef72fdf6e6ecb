/**
 * From a cube in the file browser to the form, and what the form says to bad input.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

test.use({ autoGoto: false, mockUser: false });

test('train on a cube of the file browser; errors stand beside the field', async ({
  page
}) => {
  const kit = new Kit(page);
  await page.goto();
  await page.filebrowser.openHomeDirectory();
  const item = page.locator('.jp-DirListing-item', {
    hasText: 'esdc-demo.zarr'
  });
  await item.click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Train on This Cube' }).click();

  const form = kit.view;
  const cube = form.getByLabel('Cube', { exact: true });
  await expect(cube).toHaveValue('esdc-demo.zarr');
  await expect(form.getByText('decoded')).toBeVisible({ timeout: 60000 });
  const field = (name: string) =>
    form.locator(`[data-mlkit-field="${name}"]`).first();

  const target = form.getByLabel('Target', { exact: true });
  await expect(target).toHaveValue('land_surface_temperature');
  await target.selectOption('');
  await form.getByRole('button', { name: 'Launch' }).click();
  await expect(field('target').getByRole('alert')).toBeVisible();
  await expect(target).toHaveAttribute('aria-invalid', 'true');
  await kit.picture('filebrowser-1-target');

  await cube.fill('nowhere.zarr');
  await form.getByRole('button', { name: 'Describe' }).click();
  await expect(field('sources').getByRole('alert')).toContainText(
    'nowhere.zarr'
  );
  await expect(cube).toHaveAttribute('aria-invalid', 'true');
  await kit.picture('filebrowser-2-cube');

  // Put right, the message goes.
  await cube.fill('esdc-demo.zarr');
  await form.getByRole('button', { name: 'Describe' }).click();
  await expect(field('sources').getByRole('alert')).toHaveCount(0);
});
