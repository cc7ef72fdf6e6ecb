/**
 * What the extension costs a browser before anybody opens one of its views.
 */
import { expect, test } from '@jupyterlab/galata';
import { gzipSync } from 'zlib';

const LIMIT_KB = 150;

test.use({ autoGoto: false });

test('initial JavaScript stays below the budget', async ({ page }) => {
  const sizes = new Map<string, number>();
  const pending: Promise<void>[] = [];
  page.on('response', response => {
    const path = new URL(response.url()).pathname;
    if (path.includes('/extensions/jupyter-mlkit/') && path.endsWith('.js')) {
      pending.push(
        response.body().then(body => {
          sizes.set(path, gzipSync(body).length);
        })
      );
    }
  });
  await page.goto();
  await page.sidebar.openTab('jupyter-mlkit-panel');
  await Promise.all(pending);

  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1000;
  const list = [...sizes].map(([path, size]) => `${path}: ${size} B`);
  test.info().annotations.push({
    type: 'initial JavaScript',
    description: `${total.toFixed(1)} kB gzipped`
  });
  expect(sizes.size).toBeGreaterThan(0);
  expect(total, list.join('\n')).toBeLessThanOrEqual(LIMIT_KB);
});
