/**
 * Parts of a JSON Schema as forms need them: self-contained, without unions.
 *
 * A nullable field becomes an optional one (left empty = null), and any other union a
 * text in which a person types the value, such as `sqrt`, `0.5` or `null`.
 */
import type { RJSFSchema } from '@rjsf/utils';

import type { JsonObject } from './types';

/** Marks a field whose text stands for a JSON value. */
export const LITERAL = 'x-mlkit-literal';

type Schema = RJSFSchema;

const MAX_DEPTH = 12;

/** The part of `root` at `path` (names of properties, `items` for a list's), simplified. */
export function partSchema(
  root: object,
  path: readonly string[]
): Schema | null {
  const whole = root as Schema;
  let part: Schema = deref(whole, whole);
  for (const name of path) {
    const next =
      name === 'items'
        ? part.items
        : part.properties && Object.hasOwn(part.properties, name)
          ? part.properties[name]
          : undefined;
    if (typeof next !== 'object' || Array.isArray(next)) {
      return null;
    }
    part = deref(whole, next);
  }
  return simplify(whole, part, 0);
}

/** One branch of a union at `path`, found by the constant of its `kind`. */
export function branchSchema(
  root: object,
  path: string,
  kind: string
): Schema | null {
  const whole = root as Schema;
  const union = deref(whole, whole).properties?.[path];
  if (typeof union !== 'object') {
    return null;
  }
  const found = (union.anyOf ?? union.oneOf ?? [])
    .map(branch => deref(whole, branch as Schema))
    .find(branch => {
      const tag = branch.properties?.kind as Schema | undefined;
      return tag?.const === kind || tag?.enum?.includes(kind);
    });
  return found ? simplify(whole, found, 0) : null;
}

/** A schema that stands alone, such as that of an estimator's parameters, simplified. */
export function standaloneSchema(schema: object): Schema {
  return simplify(schema as Schema, deref(schema, schema), 0);
}

/** The schema without some of its properties. */
export function without(schema: Schema, names: readonly string[]): Schema {
  const left = Object.entries(schema.properties ?? {}).filter(
    ([name]) => !names.includes(name)
  );
  return {
    ...schema,
    properties: Object.fromEntries(left),
    required: (schema.required ?? []).filter(name => !names.includes(name))
  };
}

/** Names of the properties whose text stands for a JSON value. */
export function literalNames(schema: Schema): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    (property as JsonObject)[LITERAL] ? [name] : []
  );
}

function deref(root: Schema, schema: Schema): Schema {
  let found = schema;
  for (let i = 0; found.$ref && i < MAX_DEPTH; i++) {
    const { $ref, ...own } = found;
    const target = $ref
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>(
        (at, name) => (at as Record<string, unknown> | undefined)?.[name],
        root
      );
    found = { ...(target as Schema | undefined), ...own };
  }
  return found;
}

function simplify(root: Schema, given: Schema, depth: number): Schema {
  const schema = withoutNull(root, deref(root, given));
  if (depth > MAX_DEPTH) {
    return schema;
  }
  const union = schema.anyOf ?? schema.oneOf;
  const isList = schema.type === 'array' && depth > 0;
  if (union || isList || Array.isArray(schema.type) || isAnything(schema)) {
    return literal(root, schema);
  }
  if (schema.properties) {
    return {
      ...schema,
      type: 'object',
      properties: Object.fromEntries(
        Object.entries(schema.properties)
          .map(([name, property]): [string, Schema] => [
            name,
            simplify(root, property as Schema, depth + 1)
          ])
          // What can only be null leaves nothing to choose.
          .filter(([, property]) => property.type !== 'null')
      )
    };
  }
  return schema;
}

/** A nullable schema as the schema of its other branch. */
function withoutNull(root: Schema, schema: Schema): Schema {
  const { anyOf, oneOf, ...own } = schema;
  const branches = anyOf ?? oneOf;
  if (schema.default !== null && schema.default !== undefined) {
    // Left empty it is the default, so null has to be typed.
    return schema;
  }
  if (branches) {
    const left = branches
      .map(branch => deref(root, branch as Schema))
      .filter(branch => branch.type !== 'null' && branch.const !== null);
    if (left.length === 1) {
      return withoutNullDefault({ ...left[0], ...own });
    }
    return schema;
  }
  if (Array.isArray(schema.type)) {
    const left = schema.type.filter(type => type !== 'null');
    if (left.length === 1) {
      return withoutNullDefault({ ...schema, type: left[0] });
    }
  }
  return schema;
}

function withoutNullDefault(schema: Schema): Schema {
  const { default: value, ...rest } = schema;
  return value === null || value === undefined ? rest : schema;
}

function isAnything(schema: Schema): boolean {
  return (
    !schema.type && !schema.enum && !schema.properties && !('const' in schema)
  );
}

function literal(root: Schema, schema: Schema): Schema {
  const { title, description, default: value } = schema;
  const words = (schema.anyOf ?? schema.oneOf ?? [])
    .map(branch => deref(root, branch as Schema))
    .flatMap(({ enum: choices, type }) => choices ?? type ?? []);
  const choices = [...new Set(words)].join(' | ');
  return {
    title,
    description: choices
      ? `${description ? `${description} ` : ''}(${choices})`
      : description,
    type: 'string',
    ...(value === undefined ? {} : { default: value }),
    [LITERAL]: true
  } as Schema;
}
