/**
 * What all visits of a store full of such texts share.
 */
import type { Locator, Page } from '@playwright/test';

import { Kit } from '../kit';
import type { Canary } from './canary';
import { WORDS } from './canary';
import type { ISeeded } from './texts';
import { TEXTS } from './texts';

/** Arguments of a command. */
export type Args = Record<string, string | string[]>;

/** A visitor: what there is to see, and who watches. */
export class Tour {
  readonly kit: Kit;
  /** What has been looked at, by name. */
  readonly views: string[] = [];

  constructor(
    readonly page: Page,
    readonly canary: Canary,
    readonly seeded: ISeeded
  ) {
    this.kit = new Kit(page);
  }

  /** Look at what is there now. */
  async look(view: string, picture?: string): Promise<void> {
    await this.canary.look(this.page, view);
    this.views.push(view);
    if (picture) {
      await this.kit.picture(`xss-${picture}`);
    }
  }

  /** Run one of our commands as another extension would. */
  async run(command: string, args: Args = {}): Promise<void> {
    await this.page.evaluate(
      async ([command, args]) => {
        await window.jupyterapp.commands.execute(
          `jupyter-mlkit:${command}`,
          args
        );
      },
      [command, args] as const
    );
  }

  /** Open views, wait until each has its text as head or complains of it, look, and close them. */
  async heads(
    command: string,
    views: readonly { args: Args; text: string }[]
  ): Promise<void> {
    const found = await this.page.evaluate(
      async ([command, views, words]) => {
        const frame = () => new Promise(requestAnimationFrame);
        const found: string[] = [];
        for (const { args, text } of views) {
          const widget = await window.jupyterapp.commands.execute(
            `jupyter-mlkit:${command}`,
            args
          );
          const latest = Date.now() + 20000;
          const head = () => widget.node.querySelector('h1, [role=alert]');
          while (!head()?.textContent.includes(text.trim())) {
            if (Date.now() > latest) {
              throw new Error(`${text} is not the head of its view`);
            }
            await frame();
          }
          await frame();
          found.push(...window.__xssFind(words));
          widget.dispose();
        }
        return found;
      },
      [command, views, WORDS] as const
    );
    this.canary.harm.elements.push(...found);
    this.views.push(...views.map(({ text }) => `${command} ${text}`));
  }
}

/** Texts that none of `elements` shows as it is. */
export async function missing(elements: Locator): Promise<string[]> {
  const all = (await elements.allTextContents()).join('\n');
  return TEXTS.filter(text => !all.includes(text));
}
