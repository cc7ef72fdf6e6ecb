/**
 * A user without a mouse.
 */
import { expect } from '@playwright/test';
import type { Locator, Page } from '@playwright/test';

/** Far more stops than any view of ours has. */
const MOST = 80;

/** Press Tab (or Shift+Tab) until `target` has the focus. */
export async function tabTo(
  page: Page,
  target: Locator,
  key: 'Tab' | 'Shift+Tab' = 'Tab'
): Promise<void> {
  await expect(target).toBeVisible();
  for (let pressed = 0; pressed < MOST; pressed++) {
    if (await target.evaluate(node => node === document.activeElement)) {
      return;
    }
    await page.keyboard.press(key);
  }
  throw new Error(`${MOST} times ${key} did not reach ${target}`);
}

/** Run a command by its name in the palette. */
export async function runCommand(page: Page, name: string): Promise<void> {
  await page.keyboard.press('ControlOrMeta+Shift+C');
  const palette = page.locator('#command-palette, .jp-ModalCommandPalette');
  const search = palette.locator('input').first();
  await expect(search).toBeFocused();
  await page.keyboard.type(name);
  await expect(
    palette.locator('.lm-CommandPalette-item.lm-mod-active')
  ).toContainText(name);
  await page.keyboard.press('Enter');
}
