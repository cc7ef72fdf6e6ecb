/**
 * What MLflow accepts as an alias, told before the server is asked.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

const MAX_LENGTH = 255;

/** Why `alias` cannot be an alias, in words; null where it can. */
export function aliasProblem(
  alias: string,
  trans: TranslationBundle
): string | null {
  if (!alias) {
    return trans.__('An alias needs a name.');
  }
  if (alias.length > MAX_LENGTH) {
    return trans.__('An alias has at most %1 characters.', MAX_LENGTH);
  }
  if (!/^[\w-]+$/.test(alias)) {
    return trans.__(
      'An alias consists of letters, digits, underscores and dashes.'
    );
  }
  if (/^latest$/i.test(alias) || /^v\d+$/i.test(alias)) {
    return trans.__('“%1” is reserved: versions are called so.', alias);
  }
  return null;
}
