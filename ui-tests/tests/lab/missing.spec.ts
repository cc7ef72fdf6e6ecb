/**
 * A server that does not know the extension.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

test.use({ autoGoto: false, mockUser: false });

test('says what is missing and how to get it, and comes back', async ({
  page
}) => {
  const kit = new Kit(page);
  const routes = /\/jupyter-mlkit\/api\//;
  await page.route(routes, route =>
    route.fulfill({
      status: 404,
      contentType: 'text/html',
      body: '<!DOCTYPE HTML><html><head><title>Jupyter Server</title></head><body><h1>404 : Not Found</h1></body></html>'
    })
  );
  const errors: string[] = [];
  page.on('pageerror', error => errors.push(error.message));
  await page.goto();
  await kit.openPanel();
  await expect(kit.panel).toContainText('Server extension not available');
  await expect(kit.panel).toContainText(
    'jupyter server extension enable jupyter_mlkit'
  );
  await expect(kit.panel).not.toContainText('DOCTYPE');
  await kit.picture('missing-1');

  await page.unroute(routes);
  await kit.panel.getByRole('button', { name: 'Try again' }).click();
  await expect(kit.section('Runs')).toBeVisible();
  await expect(kit.panel).not.toContainText('not available');
  await kit.picture('missing-2-back');
  expect(errors).toEqual([]);
});
