/**
 * How cells get their roles; follows the use until a person changes it.
 */
import * as React from 'react';

import type { FormSchema } from '../../api/types';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { branchSchema } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import {
  kindOf,
  partsOf,
  splitFields,
  splitFromFields,
  splitKinds,
  splitSchema,
  startSplit
} from './splitKinds';
import type { JsonObject } from './types';

type Props = ISectionProps & { schema: FormSchema };

/** Kind of split and its fields; of a combined one those of its parts. */
export function SplitSection(props: Props): JSX.Element {
  const { trans, state } = props;
  const split = state.spec.split ?? { kind: 'block', sizes: {} };
  const parts = partsOf(split);
  return (
    <fieldset className="jp-mlkit-launch-section" data-mlkit-field="split">
      <legend>{trans.__('Split')}</legend>
      <SplitEditor
        {...props}
        split={split}
        path="split"
        label={trans.__('Kind')}
        onChange={state.setSplit}
      />
      {kindOf(split) === 'all' && (
        <>
          <p className="jp-mlkit-hint">
            {trans.__(
              'A cell has a role where both splits agree; all others go unused.'
            )}
          </p>
          {parts.map((part, i) => (
            <SplitEditor
              {...props}
              key={i}
              split={part}
              path={`split.parts.${i}`}
              label={trans.__('Part %1', i + 1)}
              inside
              onChange={changed =>
                state.setSplit({
                  ...split,
                  parts: parts.map((other, j) => (j === i ? changed : other))
                })
              }
            />
          ))}
        </>
      )}
    </fieldset>
  );
}

function SplitEditor(
  props: Props & {
    split: JsonObject;
    path: string;
    label: string;
    inside?: boolean;
    onChange: (split: JsonObject) => void;
  }
): JSX.Element {
  const { trans, state, schema, split, path, label, onChange } = props;
  const id = React.useId();
  const kind = kindOf(split);
  const part =
    kind === 'all' ? null : branchSchema(schema.schema, 'split', kind);
  const errors = errorsAt(state.errors, path);
  const dims = state.description?.dims.map(dim => dim.name) ?? [];
  return (
    <>
      <div className="jp-mlkit-form-field" data-mlkit-field={path}>
        <label htmlFor={id}>{label}</label>
        <select
          id={id}
          className="jp-mlkit-select"
          value={kind}
          onChange={event =>
            onChange(
              startSplit(
                kindOf({ kind: event.target.value }),
                state.description
              )
            )
          }
        >
          {splitKinds(trans, props.inside ?? false).map(([name, words]) => (
            <option key={name} value={name}>
              {words}
            </option>
          ))}
        </select>
      </div>
      {kind === 'random' && (
        <p className="jp-mlkit-hint">
          {trans.__(
            'Neighbours of a test cell train the model: the scores flatter it.'
          )}
        </p>
      )}
      <FieldMessages id={`${id}-error`} errors={errors} />
      {part && (
        <SchemaForm
          trans={trans}
          key={kind}
          schema={splitSchema(part, split, dims, trans)}
          value={splitFields(split)}
          path={path}
          label={props.inside ? label : trans.__('Split')}
          errors={state.errors.filter(error => error.field !== path)}
          onChange={value => onChange(splitFromFields(kind, value))}
        />
      )}
    </>
  );
}
