/**
 * How cells get their roles; follows the use until a person changes it.
 */
import type { RJSFSchema } from '@rjsf/utils';
import * as React from 'react';

import type { FormSchema } from '../../api/types';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { branchSchema, without } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import { omit, suggestionOf } from './spec';
import type { JsonObject } from './types';

type Props = ISectionProps & { schema: FormSchema };
type Kind = 'block' | 'time';

/** Kind of split and its fields. */
export function SplitSection(props: Props): JSX.Element {
  const { trans, state, schema } = props;
  const id = React.useId();
  const split = state.spec.split ?? { kind: 'block', sizes: {} };
  const kind: Kind = split.kind === 'time' ? 'time' : 'block';
  const part = branchSchema(schema.schema, 'split', kind);
  const errors = errorsAt(state.errors, 'split');
  return (
    <fieldset className="jp-mlkit-launch-section" data-mlkit-field="split">
      <legend>{trans.__('Split')}</legend>
      <div className="jp-mlkit-form-field">
        <label htmlFor={id}>{trans.__('Kind')}</label>
        <select
          id={id}
          className="jp-mlkit-select"
          value={kind}
          onChange={event =>
            state.setSplit(
              startSplit(
                props,
                event.target.value === 'time' ? 'time' : 'block'
              )
            )
          }
        >
          <option value="block">{trans.__('whole blocks')}</option>
          <option value="time">{trans.__('by date')}</option>
        </select>
      </div>
      <FieldMessages id={`${id}-error`} errors={errors} />
      {part && (
        <SchemaForm
          trans={trans}
          key={kind}
          schema={splitSchema(part, props, split)}
          value={fieldsOf(split)}
          path="split"
          label={trans.__('Split')}
          errors={state.errors.filter(error => error.field !== 'split')}
          onChange={value => state.setSplit(fromForm(kind, value))}
        />
      )}
    </fieldset>
  );
}

/** Block sizes get one field per dim of the cube instead of free names. */
function splitSchema(
  part: RJSFSchema,
  { trans, state }: Props,
  split: JsonObject
): RJSFSchema {
  const shown = without(part, ['kind']);
  if (!shown.properties?.sizes) {
    return shown;
  }
  const dims = state.description?.dims.map(dim => dim.name) ?? [];
  const named = Object.keys((split.sizes as JsonObject | undefined) ?? {});
  const names = [...new Set([...dims, ...named])];
  return {
    ...shown,
    // The library checks what is not yet filled in too; the server says it better.
    required: [],
    properties: {
      ...shown.properties,
      sizes: {
        type: 'object',
        title: trans.__('Block sizes, such as 2.25 deg, 20 km, 80D'),
        properties: Object.fromEntries(
          names.map(name => [name, { type: 'string', title: name }])
        )
      }
    }
  };
}

function startSplit({ state }: Props, kind: Kind): JsonObject {
  const suggested = state.description
    ? Object.values(suggestionOf(state.description).splits ?? {})
    : [];
  const empty: JsonObject = kind === 'time' ? { kind } : { kind, sizes: {} };
  return suggested.find(split => split.kind === kind) ?? empty;
}

function fieldsOf(split: JsonObject): JsonObject {
  const rest: JsonObject = omit(split, ['kind']);
  if (typeof rest.sizes === 'object' && rest.sizes !== null) {
    rest.sizes = Object.fromEntries(
      Object.entries(rest.sizes).map(([dim, size]) => [dim, String(size)])
    );
  }
  return rest;
}

/** Digits alone are a number of cells; an empty field leaves the dim whole. */
function fromForm(kind: Kind, value: JsonObject): JsonObject {
  const split: JsonObject = { kind, ...value };
  if (kind === 'block') {
    const sizes = (value.sizes ?? {}) as JsonObject;
    split.sizes = Object.fromEntries(
      Object.entries(sizes)
        .filter(([, size]) => typeof size === 'string' && size.trim() !== '')
        .map(([dim, size]) => [
          dim,
          /^\s*\d+\s*$/.test(String(size)) ? Number(size) : size
        ])
    );
  }
  return split;
}
