/**
 * A training from its launch to its end: progress, output, stop, once more with changes, what is
 * told of its end, what runs, and MLflow's page.
 */
import { expect, test } from '@jupyterlab/galata';

import { Kit } from '../../helpers/kit';

// Galata answers every URL that begins like `api/me`, our metrics too, with a made-up user.
test.use({ autoGoto: false, mockUser: false });

test('watch a training, stop it, train again with changes', async ({
  page
}) => {
  const kit = new Kit(page);
  // Made anew for each try: a worker that failed starts again on the same server.
  const [watched, changed] = ['watched', 'changed'].map(
    name => `${name}-${Date.now()}`
  );
  await page.goto();
  await kit.openPanel();
  await kit.launch({
    cube: 'esdc-demo.zarr',
    name: watched,
    estimator: 'GradientBoostingRegressor',
    fields: { n_estimators: '2000', 'Train samples at most': '20000' }
  });
  const jobs = kit.section('Jobs');
  const row = jobs.getByRole('row', { name: new RegExp(watched) }).first();
  await expect(row).toBeVisible();

  // By keyboard into the details; a bar from the start, its share from the fit, its output live.
  await row.focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  const toggle = row.getByRole('button', { name: `Details of ${watched}` });
  await expect(toggle).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(toggle).toHaveAttribute('aria-expanded', 'true');
  await expect(row.getByRole('progressbar')).toBeVisible();
  const details = jobs.getByRole('group', { name: `Details of ${watched}` });
  const output = details.getByLabel(`End of the output of ${watched}`);
  await expect(output).toContainText(/\d\d:\d\d:\d\d \w+/);
  await expect(row.getByRole('progressbar')).toHaveAttribute('value', /0\.\d/, {
    timeout: 60000
  });
  await expect(output).toContainText(/member \d+ of 2000: .*val_rmse 2\.\d+/);
  await expect(details).toContainText(/fitting · member \d+ of 2000/);
  await kit.picture('jobs-01-fitting');

  // It is among what runs, and is stopped there.
  await page.sidebar.openTab('jp-running-sessions');
  const running = page.locator('#jp-running-sessions');
  const training = running
    .getByRole('region', { name: /^Trainings/ })
    .getByRole('treeitem', { name: new RegExp(watched) });
  await expect(training).toContainText(/\d+ %/);
  await training.hover();
  await kit.picture('jobs-02-running');
  await training.getByTitle('Stop Training').click();
  await expect(page.getByText(`${watched} was stopped.`).first()).toBeVisible();
  await expect(training).toHaveCount(0);

  // Again with changes.
  await kit.openPanel();
  await expect(row).toContainText('stopped');
  await details.getByRole('button', { name: 'Train again…' }).click();
  await expect(
    page.getByRole('tab', { name: `Train ${watched} again` })
  ).toBeVisible();
  const members = kit.view.getByLabel('n_estimators', { exact: true });
  await expect(members).toHaveValue('2000');
  await members.fill('20');
  await kit.view.getByLabel('Run name', { exact: true }).fill(changed);
  await kit.view.getByRole('button', { name: 'Launch' }).click();
  await expect(
    jobs.getByRole('row', { name: new RegExp(changed) }).first()
  ).toBeVisible();

  // Meanwhile the run of the first one, and MLflow's own page at that run, with its charts.
  await details.getByRole('button', { name: 'Open run' }).click();
  await kit.view.getByRole('button', { name: 'MLflow UI' }).click();
  await page.sidebar.close('left');
  const mlflow = page.frameLocator('iframe[title="MLflow UI"]');
  await expect(mlflow.getByText(watched).first()).toBeVisible({
    timeout: 120000
  });
  await mlflow.getByRole('tab', { name: 'Model metrics' }).click();
  await expect(mlflow.locator('.js-plotly-plot .main-svg').first()).toBeVisible(
    { timeout: 60000 }
  );
  await expect(mlflow.getByText('Welcome to MLflow Assistant')).toHaveCount(0);
  await kit.picture('jobs-03-mlflow');

  // It runs until it is stopped, and says so.
  await page.sidebar.openTab('jp-running-sessions');
  const program = running
    .getByRole('region', { name: /^ML Programs/ })
    .getByRole('treeitem', { name: 'MLflow UI' });
  await program.hover();
  await program.getByTitle('Stop Program').click();
  await expect(page.getByText('MLflow UI has ended.')).toBeVisible();

  // The end of the training was told of although the panel is closed; the bell keeps what was.
  await page.locator('.jp-Notification-Status').click();
  const told = page
    .locator('.jp-Notification-List')
    .getByRole('listitem')
    .filter({
      hasText: new RegExp(`${changed} has finished: val \\d+\\.\\d+ K`)
    });
  await expect(told).toBeVisible({ timeout: 120000 });
  await kit.picture('jobs-04-told');
  await told.getByRole('button', { name: 'Open run' }).click();
  await expect(kit.view).toContainText(/model\.n_estimators\s*20/);
});
