/**
 * Whether any text of `texts.json` is ever more than text.
 *
 * Each of them sets `__xss` to its own name or asks `xss.example` for it. Nothing is let out.
 */
import type { BrowserContext, Page } from '@playwright/test';

declare global {
  interface Window {
    /** Hears the name of a text that runs. */
    __xssTold(name: string): Promise<void>;
    /** See `findElements`. */
    __xssFind(words: readonly string[]): string[];
  }
}

/** Where attributes hold words for people, which is all that they may do with such a text. */
export const WORDS = [
  'title',
  'aria-label',
  'alt',
  'label',
  'placeholder',
  'value'
];

/** What must not happen; each list stays empty. */
export interface IHarm {
  /** Names of texts that ran, in any frame. */
  executions: string[];
  /** Dialogs that opened. */
  dialogs: string[];
  /** Addresses of other origins that were asked for, by pages and by sockets. */
  requests: string[];
  /** Pages that opened by themselves. */
  pages: string[];
  /** Elements that hold such a text where it is no text. */
  elements: string[];
}

/** Nothing of it. */
export const NO_HARM: IHarm = {
  executions: [],
  dialogs: [],
  requests: [],
  pages: [],
  elements: []
};

/** Watches all pages and frames of a context; made before anything is opened. */
export class Canary {
  readonly harm: IHarm = structuredClone(NO_HARM);

  static async watch(context: BrowserContext, origin: string): Promise<Canary> {
    const canary = new Canary();
    const { harm } = canary;
    await context.exposeFunction('__xssTold', (name: string) => {
      harm.executions.push(name);
    });
    await context.addInitScript(() => {
      Object.defineProperty(window, '__xss', {
        set: name => {
          void window.__xssTold(String(name));
        }
      });
    });
    await context.addInitScript(`window.__xssFind = ${findElements}`);
    const isForeign = (url: URL) =>
      /^(https?|wss?|ftp):$/.test(url.protocol) &&
      url.host !== new URL(origin).host;
    await context.route(isForeign, route => {
      harm.requests.push(route.request().url());
      return route.abort();
    });
    await context.routeWebSocket(isForeign, socket => {
      harm.requests.push(socket.url());
    });
    const watchPage = (page: Page) => {
      page.on('dialog', dialog => {
        harm.dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      page.on('popup', popup => harm.pages.push(popup.url()));
    };
    context.pages().forEach(watchPage);
    context.on('page', watchPage);
    return canary;
  }

  /** Look through the elements of all frames that are there now. */
  async look(page: Page, where: string): Promise<void> {
    for (const frame of page.frames()) {
      const found = await frame
        .evaluate(words => window.__xssFind(words), WORDS)
        .catch(reason => {
          if (!frame.isDetached()) {
            throw reason;
          }
          return [];
        });
      this.harm.elements.push(...found.map(what => `${where}: ${what}`));
    }
  }
}

/** Elements with such a text in an attribute that does something, or in a script or a style. */
function findElements(words: readonly string[]): string[] {
  const marks = /__xss|xss\.example/;
  const found: string[] = [];
  for (const element of document.querySelectorAll('*')) {
    const attributes = [...element.attributes].filter(
      ({ name, value }) =>
        marks.test(name) || (marks.test(value) && !words.includes(name))
    );
    const isCode =
      /^(script|style|iframe|template|noscript)$/i.test(element.localName) &&
      marks.test(element.textContent ?? '');
    if (attributes.length > 0 || isCode) {
      found.push((element.cloneNode() as Element).outerHTML.slice(0, 300));
    }
  }
  return found;
}
