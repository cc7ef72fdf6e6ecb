/**
 * What a user does with the kit, by the words that he sees. Plain Playwright: Galata's page fits too.
 */
import { expect } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';

/** What to fill into the launch form; the rest stays as it was offered. */
export interface ITraining {
  cube: string;
  name: string;
  experiment?: string;
  estimator?: string;
  /** Further fields by their labels. */
  fields?: Readonly<Record<string, string>>;
}

/** The panel and the views of one Lab page. */
export class Kit {
  constructor(readonly page: Page) {}

  /** The sidebar panel. */
  get panel(): Locator {
    return this.page.locator('#jupyter-mlkit-panel');
  }

  /** A part of the panel. */
  section(name: string): Locator {
    return this.panel.getByRole('region', { name: new RegExp(`^${name}`) });
  }

  /** Runs of the list by name. */
  run(name: string): Locator {
    return this.section('Runs').getByRole('row', { name: new RegExp(name) });
  }

  /** The view that is in front in the main area. */
  get view(): Locator {
    return this.page.locator('.jp-mlkit-view:visible').last();
  }

  /** Open the panel by its tab in the left sidebar. */
  async openPanel(): Promise<void> {
    if (!(await this.panel.isVisible())) {
      await this.page
        .getByRole('tab', { name: 'ML kit' })
        .or(this.page.locator('[data-id="jupyter-mlkit-panel"]'))
        .first()
        .click();
    }
    await expect(this.panel).toBeVisible();
  }

  /** What the form says of its training before it is launched. */
  get preview(): Locator {
    return this.view.getByRole('tabpanel', { name: 'Preview' });
  }

  /** Open a launch form and let it describe a cube. */
  async describe(cube: string): Promise<void> {
    await this.panel.getByRole('button', { name: 'Train…' }).click();
    const form = this.view;
    await form.getByLabel('Cube', { exact: true }).fill(cube);
    await form.getByRole('button', { name: 'Describe' }).click();
    await expect(form.getByText('decoded')).toBeVisible({ timeout: 60000 });
  }

  /** Wait for the preview of what the form holds now. */
  async previewed(): Promise<void> {
    await expect(this.preview.locator('.jp-mlkit-table').first()).toBeVisible({
      timeout: 120000
    });
    await expect(this.preview.getByRole('progressbar')).toHaveCount(0, {
      timeout: 120000
    });
  }

  /** Fill the launch form and start the training. */
  async launch(training: ITraining): Promise<void> {
    await this.describe(training.cube);
    const form = this.view;
    if (training.estimator) {
      await this.chooseEstimator(form, training.estimator);
    }
    for (const [name, value] of Object.entries(training.fields ?? {})) {
      await form.getByLabel(name, { exact: true }).fill(value);
    }
    if (training.experiment) {
      await form
        .getByLabel('Experiment', { exact: true })
        .fill(training.experiment);
    }
    await form.getByLabel('Run name', { exact: true }).fill(training.name);
    await form.getByRole('button', { name: 'Launch' }).click();
  }

  /** Wait for a run to be in the list and finished. */
  async waitForRun(name: string): Promise<void> {
    await expect(this.run(name)).toBeVisible({ timeout: 180000 });
    await expect(this.run(name)).toContainText('finished', { timeout: 180000 });
  }

  /** Save what is seen, for a person to look at. */
  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: `screenshots/${name}.png` });
  }

  private async chooseEstimator(form: Locator, name: string): Promise<void> {
    const search = form.getByLabel('Search estimators');
    await expect(search).toBeVisible({ timeout: 60000 });
    await search.fill(name);
    await form.getByLabel('Estimator', { exact: true }).selectOption({
      label: name
    });
  }
}
