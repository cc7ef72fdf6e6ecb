/**
 * Whether text can be read: the contrast ratio of WCAG 2 (1.4.3), from what the browser computed.
 *
 * A glyph that only repeats a word for the eye counts as a graphic (1.4.11).
 */
import type { Locator } from '@playwright/test';

/** WCAG's level AA, for text of normal size. */
const ENOUGH = { text: 4.5, glyph: 3 };

/** Texts below `box` with too little contrast, each with its ratio. */
export async function hardToRead(box: Locator): Promise<string[]> {
  return box.evaluate((root, enough) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 1;
    const context = canvas.getContext('2d', { willReadFrequently: true })!;
    const paint = (color: string, alpha = 1) => {
      context.globalAlpha = alpha;
      context.fillStyle = color;
      context.fillRect(0, 0, 1, 1);
    };
    const luminance = () => {
      const [r, g, b] = [...context.getImageData(0, 0, 1, 1).data]
        .slice(0, 3)
        .map(value => value / 255)
        .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const ratio = (element: Element) => {
      const line: Element[] = [];
      for (let at: Element | null = element; at; at = at.parentElement) {
        line.unshift(at);
      }
      paint('white');
      line.forEach(at => paint(getComputedStyle(at).backgroundColor));
      const behind = luminance();
      const alpha = line.reduce(
        (product, at) => product * Number(getComputedStyle(at).opacity),
        1
      );
      paint(getComputedStyle(element).color, alpha);
      const text = luminance();
      return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    };
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const found = new Set<string>();
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement!;
      const words = node.textContent!.trim();
      const isSeen =
        words !== '' &&
        element.checkVisibility({ visibilityProperty: true }) &&
        !element.closest('.jp-mlkit-srOnly, :disabled, svg');
      const value = isSeen ? ratio(element) : Infinity;
      const isGlyph = element.closest('[aria-hidden="true"]') !== null;
      if (value < (isGlyph ? enough.glyph : enough.text)) {
        found.add(`${value.toFixed(2)}: ${words.slice(0, 60)}`);
      }
    }
    return [...found];
  }, ENOUGH);
}
