/**
 * Splits as a form has them: which kinds there are, where each starts, and how its fields
 * are typed.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RJSFSchema } from '@rjsf/utils';

import type { CubeDescription } from '../../api/types';
import { without } from './formSchema';
import { omit, suggestionOf } from './spec';
import type { Json, JsonObject } from './types';

export type SplitKind = 'block' | 'gap' | 'region' | 'time' | 'random' | 'all';

const KINDS: readonly SplitKind[] = [
  'block',
  'gap',
  'region',
  'time',
  'random',
  'all'
];

/** Kinds with the words that a person chooses by; `all` joins others and is not inside itself. */
export function splitKinds(
  trans: TranslationBundle,
  inside: boolean
): [SplitKind, string][] {
  const words: Record<SplitKind, string> = {
    block: trans.__('whole blocks'),
    gap: trans.__('shapes of real gaps'),
    region: trans.__('regions'),
    time: trans.__('by date'),
    random: trans.__('single cells at random'),
    all: trans.__('two splits at once')
  };
  return KINDS.filter(kind => !(inside && kind === 'all')).map(kind => [
    kind,
    words[kind]
  ]);
}

/** Kind of a split; blocks where it says nothing that is known. */
export function kindOf(split: JsonObject | undefined): SplitKind {
  return KINDS.find(kind => kind === split?.kind) ?? 'block';
}

/** Where a person starts who chooses a kind: what the cube suggests, else empty fields. */
export function startSplit(
  kind: SplitKind,
  description: CubeDescription | null
): JsonObject {
  const suggested = description
    ? Object.values(suggestionOf(description).splits ?? {})
    : [];
  const parts = suggested.flatMap(split => [split, ...partsOf(split)]);
  const found = parts.find(split => split.kind === kind);
  if (found) {
    return found;
  }
  switch (kind) {
    case 'block':
      return { kind, sizes: {} };
    case 'all':
      return {
        kind,
        parts: [
          startSplit('block', description),
          startSplit('time', description)
        ]
      };
    case 'region':
      return { kind, validation: [], test: [] };
    default:
      return { kind };
  }
}

/** The splits that a combined one joins. */
export function partsOf(split: JsonObject): JsonObject[] {
  return Array.isArray(split.parts) ? (split.parts as JsonObject[]) : [];
}

/** Fields of a split as its form shows them. */
export function splitSchema(
  part: RJSFSchema,
  split: JsonObject,
  dims: readonly string[],
  trans: TranslationBundle
): RJSFSchema {
  // The library checks what is not yet filled in too; the server says it better.
  const shown: RJSFSchema = { ...without(part, ['kind']), required: [] };
  const properties = { ...shown.properties };
  if (properties.sizes) {
    // Block sizes get one field per dim of the cube instead of free names.
    const named = Object.keys((split.sizes as JsonObject | undefined) ?? {});
    const names = [...new Set([...dims, ...named])];
    properties.sizes = {
      type: 'object',
      title: trans.__('Block sizes, such as 2.25 deg, 20 km, 80D'),
      properties: Object.fromEntries(
        names.map(name => [name, { type: 'string', title: name }])
      )
    };
  }
  if (kindOf(split) === 'region') {
    // Roles in the order in which all views have them.
    const { validation, test, ...rest } = properties;
    const areas = (title: string): RJSFSchema => ({
      type: 'string',
      title,
      description: trans.__(
        'west/south/east/north or a name such as srex:AMZ; several with ;'
      )
    });
    return {
      ...shown,
      properties: {
        ...(validation && { validation: areas(trans.__('Validation areas')) }),
        ...(test && { test: areas(trans.__('Test areas')) }),
        ...rest
      }
    };
  }
  return { ...shown, properties };
}

/** Values of the fields: sizes and areas as text. */
export function splitFields(split: JsonObject): JsonObject {
  const rest: JsonObject = omit(split, ['kind']);
  if (isObject(rest.sizes)) {
    rest.sizes = Object.fromEntries(
      Object.entries(rest.sizes).map(([dim, size]) => [dim, String(size)])
    );
  }
  for (const role of ['validation', 'test']) {
    if (Array.isArray(rest[role])) {
      rest[role] = areasText(rest[role] as Json[]);
    }
  }
  return rest;
}

/** The split that the fields say; an empty size leaves its dim whole. */
export function splitFromFields(
  kind: SplitKind,
  value: JsonObject
): JsonObject {
  const split: JsonObject = { kind, ...value };
  if (kind === 'block') {
    const sizes = isObject(value.sizes) ? value.sizes : {};
    split.sizes = Object.fromEntries(
      Object.entries(sizes)
        .filter(([, size]) => typeof size === 'string' && size.trim() !== '')
        // Digits alone are a number of cells.
        .map(([dim, size]) => [
          dim,
          /^\s*\d+\s*$/.test(String(size)) ? Number(size) : size
        ])
    );
  }
  if (kind === 'region') {
    split.validation = parseAreas(value.validation);
    split.test = parseAreas(value.test);
  }
  return split;
}

const EDGES = ['west', 'south', 'east', 'north'] as const;

function areasText(areas: readonly Json[]): string {
  return areas
    .map(area =>
      isObject(area)
        ? EDGES.map(edge => String(area[edge] ?? '')).join('/')
        : String(area)
    )
    .join('; ');
}

function parseAreas(text: Json | undefined): Json[] {
  return String(text ?? '')
    .split(';')
    .map(area => area.trim())
    .filter(area => area !== '')
    .map(area => {
      const numbers = area.split('/').map(edge => Number(edge.trim()));
      return numbers.length === 4 && numbers.every(Number.isFinite)
        ? Object.fromEntries(EDGES.map((edge, i) => [edge, numbers[i]]))
        : area;
    });
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
