/**
 * What few need to set about the data: which part of it, and how it is made.
 */
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { FormSchema } from '../../api/types';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { partSchema } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import { cubeURI, nullIfEmpty } from './spec';
import type { Json, JsonObject } from './types';

type Props = ISectionProps & { schema: FormSchema };

/** Region, period, mask, lead time, scaling, storage, more sources, preparation. */
export function DataDetails({ trans, state, schema }: Props): JSX.Element {
  const { spec, edit, errors, description } = state;
  const id = React.useId();
  const region = partSchema(schema.schema, ['region']);
  const period = partSchema(schema.schema, ['period']);
  const options = partSchema(schema.schema, ['sources', 'items', 'options']);
  const scales = (partSchema(schema.schema, ['scale'])?.enum ?? [
    'standardize',
    'normalize',
    'none'
  ]) as string[];
  const names = description?.variables.map(variable => variable.name) ?? [];
  const prepare: JsonObject = spec.prepare ?? {};
  const more = (spec.sources ?? []).slice(1);
  const masks =
    spec.mask && !names.includes(spec.mask) ? [spec.mask, ...names] : names;
  return (
    <>
      {region && (
        <div className="jp-mlkit-launch-group">
          <span aria-hidden="true">{trans.__('Region')}</span>
          <SchemaForm
            trans={trans}
            schema={{ ...region, required: [] }}
            value={spec.region ?? {}}
            path="region"
            label={trans.__('Region')}
            errors={errors}
            onChange={value => edit({ region: nullIfEmpty(value) })}
          />
        </div>
      )}
      {period && (
        <div className="jp-mlkit-launch-group">
          <span aria-hidden="true">{trans.__('Period')}</span>
          <SchemaForm
            trans={trans}
            schema={{ ...period, required: [] }}
            value={spec.period ?? {}}
            path="period"
            label={trans.__('Period')}
            errors={errors}
            onChange={value => edit({ period: nullIfEmpty(value) })}
          />
        </div>
      )}
      <div className="jp-mlkit-form">
        <div className="jp-mlkit-form-field" data-mlkit-field="mask">
          <label htmlFor={`${id}-mask`}>{trans.__('Mask')}</label>
          <select
            id={`${id}-mask`}
            className="jp-mlkit-select"
            value={spec.mask ?? ''}
            onChange={event => edit({ mask: event.target.value || null })}
          >
            <option value="">{trans.__('all cells count')}</option>
            {masks.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <FieldMessages
            id={`${id}-maskError`}
            errors={errorsAt(errors, 'mask')}
          />
        </div>
        <div className="jp-mlkit-form-field" data-mlkit-field="scale">
          <label htmlFor={`${id}-scale`}>{trans.__('Scaling')}</label>
          <select
            id={`${id}-scale`}
            className="jp-mlkit-select"
            value={spec.scale ?? 'standardize'}
            onChange={event => edit({ scale: event.target.value })}
          >
            {scales.map(scale => (
              <option key={scale} value={scale}>
                {scale}
              </option>
            ))}
          </select>
          <FieldMessages
            id={`${id}-scaleError`}
            errors={errorsAt(errors, 'scale')}
          />
        </div>
      </div>
      <TextField
        label={trans.__('Lead time')}
        field="lead"
        value={spec.lead ?? ''}
        placeholder={trans.__('none; 8D predicts the target 8 days ahead')}
        errors={errors}
        onChange={text => edit({ lead: text.trim() || null })}
      />
      {options && (
        <div className="jp-mlkit-launch-group">
          <span aria-hidden="true">{trans.__('Storage')}</span>
          <SchemaForm
            trans={trans}
            schema={options}
            value={spec.sources?.[0]?.options ?? {}}
            path="sources.0.options"
            label={trans.__('Storage')}
            errors={errors}
            onChange={value =>
              edit({
                sources: [{ uri: cubeURI(spec), options: value }, ...more]
              })
            }
          />
        </div>
      )}
      <TextField
        label={trans.__('More cubes, one a line')}
        field="sources.1"
        rows={2}
        value={more.map(source => source.uri).join('\n')}
        placeholder={trans.__('joined where their grids are equal')}
        errors={errors}
        onChange={text =>
          edit({
            sources: [
              spec.sources?.[0] ?? { uri: '' },
              ...text
                .split('\n')
                .map(uri => ({ ...more.find(old => old.uri === uri), uri }))
            ].filter((source, i) => i === 0 || source.uri !== '')
          })
        }
      />
      <TextField
        label={trans.__('Prepare: function')}
        field="prepare"
        value={String(prepare.function ?? '')}
        placeholder={trans.__('package.module:function, or a name in the code')}
        errors={errors}
        onChange={text => edit({ prepare: prepareOf(text, prepare.code) })}
      />
      <TextField
        label={trans.__('Prepare: code')}
        field="prepare.code"
        rows={4}
        value={String(prepare.code ?? '')}
        placeholder={trans.__('def prepare(cube): return cube')}
        errors={errors}
        onChange={text => edit({ prepare: prepareOf(prepare.function, text) })}
      />
    </>
  );
}

function prepareOf(
  name: Json | undefined,
  code: Json | undefined
): JsonObject | null {
  const given = nullIfEmpty({ function: name ?? '', code: code ?? '' });
  return given && { function: '', ...given };
}

function TextField(props: {
  label: string;
  field: string;
  value: string;
  placeholder: string;
  errors: readonly IErrorInfo[];
  onChange: (text: string) => void;
  /** Several lines instead of one. */
  rows?: number;
}): JSX.Element {
  const { label, field, value, placeholder, rows, onChange } = props;
  const id = React.useId();
  const [text, setText] = React.useState(value);
  const errors = errorsAt(props.errors, field, true);
  const attributes = {
    id,
    className: 'jp-mlkit-input',
    value: text,
    placeholder,
    spellCheck: false,
    'aria-invalid': errors.length > 0,
    'aria-describedby': errors.length > 0 ? `${id}-error` : undefined
  };
  const change = (typed: string) => {
    // What is typed stays as typed, the spec gets what it means.
    setText(typed);
    onChange(typed);
  };
  return (
    <div className="jp-mlkit-form-field" data-mlkit-field={field}>
      <label htmlFor={id}>{label}</label>
      {rows ? (
        <textarea
          {...attributes}
          rows={rows}
          onChange={event => change(event.target.value)}
        />
      ) : (
        <input {...attributes} onChange={event => change(event.target.value)} />
      )}
      <FieldMessages id={`${id}-error`} errors={errors} />
    </div>
  );
}
