/**
 * Runs of a notebook, live in the panel.
 */
import { expect, test } from '@jupyterlab/galata';
import * as fs from 'fs';
import * as path from 'path';

import { Kit } from '../../helpers/kit';
import { notebookOf } from '../../helpers/notebook';
import { homeOf } from '../../helpers/runs';

test.use({ autoGoto: false, mockUser: false });

const LIVE = `%%mlkit_run -e nb -n live-nb
import time, mlflow
for step in range(24):
    mlflow.log_metric("val_rmse", 30.5 - step, step=step)
    time.sleep(0.5)
limit = 7
%mlkit_log limit=limit kind="ridge"`;

const FAILING = `%%mlkit_run -e nb -n failing-nb
raise ValueError("on purpose")`;

const PLAIN = `import mlflow
mlflow.set_experiment("nb-plain")
with mlflow.start_run(run_name="plain-nb"):
    mlflow.log_text("hello", "hello.txt")
    print(mlflow.get_artifact_uri())`;

test('runs of a notebook are live in the panel', async ({ page, tmpPath }) => {
  const kit = new Kit(page);
  await page.goto(`tree/${tmpPath}`);
  await page.contents.uploadContent(
    notebookOf('%load_ext jupyter_mlkit', LIVE, FAILING, PLAIN),
    'text',
    `${tmpPath}/live.ipynb`
  );
  await page.notebook.openByPath(`${tmpPath}/live.ipynb`);
  await kit.openPanel();
  await expect(kit.section('Runs').getByLabel('Experiment')).toBeVisible();
  await page.notebook.runCell(0, true);

  // It appears while its cell runs, and its value moves.
  const live = kit.run('live-nb');
  const cell = page.notebook.runCell(1, true);
  await expect(live).toContainText('running', { timeout: 60000 });
  const value = () => live.locator('.jp-mlkit-number').textContent();
  await expect(live.locator('.jp-mlkit-number')).toBeVisible();
  const first = await value();
  await expect.poll(value).not.toBe(first);
  await expect(live).toContainText('running');
  await kit.picture('notebook-1-live');
  await cell;
  await expect(live).toContainText('finished');
  await expect(live).toContainText(/7\.50?/);

  // An error ends the run as failed.
  await page.notebook.runCell(2, true);
  await expect(kit.run('failing-nb')).toContainText('failed');

  // Plain MLflow goes to the same store, and leaves nothing beside the notebook.
  await page.notebook.runCell(3, true);
  await expect(kit.run('plain-nb')).toContainText('finished');
  const home = homeOf('lab');
  const cells = page.locator('.jp-Notebook:visible .jp-CodeCell');
  await expect(cells.nth(3).locator('.jp-OutputArea')).toContainText(
    path.join(home, 'data', 'jupyter_mlkit')
  );
  const beside = fs.readdirSync(path.join(home, 'root', tmpPath));
  expect(beside.filter(name => !name.startsWith('.'))).toEqual(['live.ipynb']);
  await kit.picture('notebook-2-outputs');

  // What %mlkit_log wrote; then code for the notebook.
  await live.dblclick();
  await expect(kit.view).toContainText('limit');
  await expect(kit.view).toContainText('ridge');
  await kit.view.getByRole('button', { name: 'Insert code' }).click();
  await page.activity.activateTab('live.ipynb');
  const inserted = page.locator('.jp-Notebook:visible .jp-CodeCell', {
    hasText: 'mlflow.get_run'
  });
  await expect(inserted).toHaveCount(1);
  await kit.picture('notebook-3-inserted');
});
