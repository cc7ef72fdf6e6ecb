/**
 * A run whose process is cut off, and the notebook as it was for a run.
 */
import { expect, test } from '@jupyterlab/galata';
import * as fs from 'fs';
import * as path from 'path';

import { Kit } from '../../helpers/kit';
import { homeOf, logRestorable } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });

test('a run tells that it may be lost, what it has used, and gives its notebook back', async ({
  page,
  tmpPath
}) => {
  const kit = new Kit(page);
  logRestorable('lab');
  await page.goto(`tree/${tmpPath}`);
  await kit.openPanel();

  const cutOff = kit.run('cut-off');
  await expect(cutOff).toContainText('lost?');
  await expect(cutOff.getByTitle(/10 minutes/)).toBeVisible();
  await kit.picture('provenance-1-lost');

  await kit.run('from-notebook').click();
  const cost = kit.view.getByLabel('Cost');
  await expect(cost).toContainText(/CPU time.* s/);
  await expect(cost).toContainText(/energy.* Wh/);
  await kit.picture('provenance-2-run');

  const again = kit.view.getByRole('button', {
    name: 'Open the notebook as it was'
  });
  await again.click();
  const opened = page.locator('.jp-NotebookPanel:visible');
  await expect(opened.locator('.jp-CodeCell').first()).toContainText('41');
  await kit.picture('provenance-3-notebook');
  // A second time it becomes another file, and the first stays as it is.
  const folder = path.join(homeOf('lab'), 'root', tmpPath);
  const files = () =>
    fs
      .readdirSync(folder)
      .filter(name => /^sea-ice-\w{8}(-1)?.ipynb$/.test(name));
  expect(files()).toHaveLength(1);
  await kit.run('from-notebook').click();
  await again.click();
  await expect.poll(files).toHaveLength(2);
});
