/**
 * Errors beside the field that they name by its dotted path.
 */
import type { ErrorSchema } from '@rjsf/utils';

import type { IErrorInfo } from '../../api/errors';

/** Errors of `field` itself, and with `deep` of what is inside it. */
export function errorsAt(
  errors: readonly IErrorInfo[],
  field: string,
  deep = false
): IErrorInfo[] {
  return errors.filter(
    error =>
      error.field === field || (deep && error.field?.startsWith(`${field}.`))
  );
}

/** Errors without those of the top-level part `root`, which has just been changed. */
export function withoutPart(
  errors: readonly IErrorInfo[],
  root: string
): IErrorInfo[] {
  return errors.filter(
    error => error.field !== root && !error.field?.startsWith(`${root}.`)
  );
}

/** Errors inside the part `prefix` as the form library takes them. */
export function extraErrors(
  errors: readonly IErrorInfo[],
  prefix: string
): ErrorSchema {
  const tree: ErrorSchema = {};
  for (const error of errorsAt(errors, prefix, true)) {
    const path = (error.field ?? '').slice(prefix.length + 1).split('.');
    let node = tree;
    for (const name of path.filter(part => part !== '')) {
      const children = node as Record<string, ErrorSchema>;
      children[name] = Object.hasOwn(children, name) ? children[name] : {};
      node = children[name];
    }
    const text = error.hint ? `${error.message} ${error.hint}` : error.message;
    node.__errors = [...(node.__errors ?? []), text];
  }
  return tree;
}

/** Move the focus to the field that an error names, or to the part that holds it. */
export function focusField(root: HTMLElement | null, field: string): boolean {
  const holders = Array.from(
    root?.querySelectorAll<HTMLElement>('[data-mlkit-field]') ?? []
  ).filter(holder => {
    const path = holder.dataset.mlkitField ?? '';
    return field === path || field.startsWith(`${path}.`);
  });
  holders.sort(
    (a, b) =>
      (b.dataset.mlkitField ?? '').length - (a.dataset.mlkitField ?? '').length
  );
  for (const holder of holders) {
    const folded = holder.closest('details');
    if (folded) {
      folded.open = true;
    }
    const control = holder.querySelector<HTMLElement>(
      'input, select, textarea, button'
    );
    if (control) {
      control.focus();
      control.scrollIntoView?.({ block: 'center' });
      return true;
    }
  }
  return false;
}
