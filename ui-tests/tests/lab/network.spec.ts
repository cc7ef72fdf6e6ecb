/**
 * A network from the launch form to its curves: which fields it has, its epochs, its run.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

test.use({ autoGoto: false, mockUser: false });

test('train a network, watch its epochs, read its curves', async ({ page }) => {
  const kit = new Kit(page);
  const name = `network-${Date.now()}`;
  await page.goto();
  await kit.openPanel();
  await kit.launch({
    cube: 'esdc-demo.zarr',
    name,
    estimator: 'MLP (PyTorch)',
    fields: { Epochs: '6', 'Batch size': '2048' }
  });
  const row = kit
    .section('Jobs')
    .getByRole('row', { name: new RegExp(name) })
    .first();
  await expect(row).toBeVisible();
  const form = kit.view;
  await form.getByLabel('Epochs', { exact: true }).scrollIntoViewIfNeeded();
  await expect(
    form.getByLabel('Train samples at most', { exact: true })
  ).toHaveCount(0);
  await kit.picture('network-01-form');
  await kit.waitForRun(name);
  await kit.run(name).dblclick();
  await expect(kit.view.getByText('val_rmse').first()).toBeVisible();
  await kit.picture('network-02-run');
  await kit.view.getByRole('tab', { name: 'Charts' }).click();
  for (const curves of ['loss', 'rmse (K)']) {
    await expect(kit.view.getByRole('figure', { name: curves })).toContainText(
      /train: [67] points/
    );
  }
  await kit.picture('network-03-charts');
});
