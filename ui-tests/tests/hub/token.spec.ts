/**
 * As on a hub: token, XSRF check, and everything below a prefix.
 */
import { expect, test } from '@playwright/test';

import { Kit } from '../../helpers/kit';
import { addressesOf, login } from '../../helpers/login';

test('the main job with token and XSRF, below a prefix', async ({
  page,
  baseURL
}) => {
  const kit = new Kit(page);
  const addresses = addressesOf(page);
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.message));
  await login(page, 'lab');
  await kit.openPanel();
  await kit.launch({
    cube: 'esdc-demo.zarr',
    name: 'hub-trained',
    experiment: 'hub'
  });
  await kit.waitForRun('hub-trained');

  await kit.run('hub-trained').dblclick();
  const map = kit.view
    .getByRole('img', { name: /truth|worst|median/i })
    .first();
  await expect(map).toBeVisible();
  await expect
    .poll(() => map.evaluate((img: HTMLImageElement) => img.naturalWidth))
    .toBeGreaterThan(100);

  // A change passes the XSRF check, and does not without the cookie's value.
  await kit.view.getByRole('button', { name: 'Edit note' }).click();
  await kit.view.getByLabel('note', { exact: true }).fill('Seen on the hub.');
  const patched = page.waitForResponse(
    response => response.request().method() === 'PATCH'
  );
  await kit.view.getByRole('button', { name: 'Save' }).click();
  const response = await patched;
  expect(response.status()).toBe(200);
  await expect(kit.view).toContainText('Seen on the hub.');
  await kit.picture('hub-1-run');
  const status = await page.evaluate(
    url =>
      fetch(url, { method: 'PATCH', body: '{"note": "forged"}' }).then(
        answer => answer.status
      ),
    response.url()
  );
  expect(status).toBe(403);

  const here = new URL(baseURL ?? '');
  const ours = addresses.filter(url =>
    url.pathname.includes('jupyter-mlkit/api/')
  );
  expect(ours.length).toBeGreaterThan(10);
  expect(addresses.filter(url => url.host !== here.host).map(String)).toEqual(
    []
  );
  expect(
    addresses
      .filter(url => !url.pathname.startsWith(here.pathname))
      .map(url => url.pathname)
  ).toEqual([]);
  expect(errors).toEqual([]);
});
