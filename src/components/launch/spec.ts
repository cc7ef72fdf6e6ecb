/**
 * Steps on a spec while a person fills it in; all return a new spec.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IErrorInfo } from '../../api/errors';
import type { CubeDescription } from '../../api/types';
import type { ISpec, Json, JsonObject, Use } from './types';

/** Parts of a spec that a description suggests. */
export interface ISuggestion {
  target?: string;
  features?: string[];
  splits?: Partial<Record<Use, JsonObject>>;
}

export const DEFAULT_ESTIMATOR = 'sklearn.linear_model.LinearRegression';

/** A spec with the choices that a person would have to make anyway made well. */
export function startSpec(given: ISpec | undefined, kernel: string): ISpec {
  return {
    use: 'places',
    kernelspec: kernel,
    ...given,
    model: { class: DEFAULT_ESTIMATOR, ...given?.model },
    sources: given?.sources?.length ? given.sources : [{ uri: '' }]
  };
}

/** What a description suggests; the wire holds it as any JSON. */
export function suggestionOf(description: CubeDescription): ISuggestion {
  return description.suggestion as ISuggestion;
}

/** Address of the cube, empty where none is given yet. */
export function cubeURI(spec: ISpec): string {
  return spec.sources?.[0]?.uri ?? '';
}

/** The spec on another cube; target and features are those of the old one and go. */
export function withURI(spec: ISpec, uri: string): ISpec {
  return {
    ...spec,
    sources: [{ ...spec.sources?.[0], uri }, ...(spec.sources ?? []).slice(1)]
  };
}

/** Fill in what the cube suggests where the spec has nothing that fits the cube. */
export function withDescription(
  spec: ISpec,
  description: CubeDescription,
  splitEdited: boolean
): ISpec {
  const suggestion = suggestionOf(description);
  const names = new Set(description.variables.map(variable => variable.name));
  const target =
    spec.target && names.has(spec.target) ? spec.target : suggestion.target;
  const kept = (spec.features ?? []).filter(
    // What is no plain name is computed, and the server says whether it can be.
    name => (names.has(name) || /\W/.test(name)) && name !== target
  );
  const features =
    kept.length > 0
      ? kept
      : (suggestion.features ?? []).filter(name => name !== target);
  const filled = { ...spec, target, features };
  return splitEdited && spec.split
    ? filled
    : withSuggestedSplit(filled, description);
}

/** The spec with the split that fits its use on this cube. */
export function withSuggestedSplit(
  spec: ISpec,
  description: CubeDescription | null
): ISpec {
  const split = description
    ? suggestionOf(description).splits?.[spec.use ?? 'places']
    : undefined;
  return split ? { ...spec, split } : spec;
}

/** Whether the server can be asked what the spec would do. */
export function isComplete(spec: ISpec): boolean {
  return (
    cubeURI(spec) !== '' &&
    !!spec.target &&
    (spec.features ?? []).length > 0 &&
    !!spec.split
  );
}

/** What is plainly missing, beside its field, without asking the server. */
export function missingParts(
  spec: ISpec,
  trans: TranslationBundle
): IErrorInfo[] {
  const missing: IErrorInfo[] = [];
  const need = (ok: boolean, field: string, message: string) => {
    if (!ok) {
      missing.push({ message, code: 'invalid_spec', hint: null, field });
    }
  };
  need(
    cubeURI(spec) !== '',
    'sources.0.uri',
    trans.__('Which cube? Type its path or URL, or browse.')
  );
  need(!!spec.target, 'target', trans.__('Which variable is the target?'));
  need(
    (spec.features ?? []).length > 0,
    'features',
    trans.__('A model needs at least one feature.')
  );
  need(!!spec.split, 'split', trans.__('Describe the cube to get a split.'));
  return missing;
}

/** Null for an object in which nothing is filled in, else the object without the gaps. */
export function nullIfEmpty(value: JsonObject): JsonObject | null {
  const filled = Object.entries(value).filter(
    ([, item]) => item !== undefined && item !== null && item !== ''
  );
  return filled.length > 0 ? Object.fromEntries(filled) : null;
}

/** A value as people type it: `sqrt`, `0.5`, `null`, `[1, 2]`. */
export function literalText(value: Json | undefined): string {
  if (value === undefined) {
    return '';
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** What a person typed, as the JSON that it looks like; undefined where nothing. */
export function parseLiteral(text: string | undefined): Json | undefined {
  const trimmed = (text ?? '').trim();
  const python: Record<string, Json> = { None: null, True: true, False: false };
  if (trimmed === '') {
    return undefined;
  }
  if (Object.hasOwn(python, trimmed)) {
    return python[trimmed];
  }
  try {
    return JSON.parse(trimmed) as Json;
  } catch (reason) {
    if (reason instanceof SyntaxError) {
      return trimmed;
    }
    throw reason;
  }
}

/** `value` without some of its entries. */
export function omit<T extends object, K extends keyof T>(
  value: T,
  names: readonly K[]
): Omit<T, K> {
  const left = Object.entries(value).filter(
    ([name]) => !(names as readonly string[]).includes(name)
  );
  return Object.fromEntries(left) as Omit<T, K>;
}
