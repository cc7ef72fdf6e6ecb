/**
 * Logging in on the strict server, and what goes over the line meanwhile.
 */
import { expect } from '@playwright/test';
import type { Page } from '@playwright/test';

/** Open a page below the prefix, by the login form with the token. */
export async function login(page: Page, where: string): Promise<void> {
  await page.goto(where);
  await page
    .getByLabel('Password or token:')
    .fill(process.env.MLKIT_TOKEN ?? '');
  await page.getByRole('button', { name: 'Log in', exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/user/x/${where}`));
}

/** All addresses that the page asks for, sockets too. */
export function addressesOf(page: Page): URL[] {
  const addresses: URL[] = [];
  const note = (text: string) => {
    const url = new URL(text);
    if (!['data:', 'blob:'].includes(url.protocol)) {
      addresses.push(url);
    }
  };
  page.on('request', request => note(request.url()));
  page.on('websocket', socket => note(socket.url()));
  return addresses;
}
