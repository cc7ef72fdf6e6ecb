/**
 * Which cube, which variables, which part of it.
 */
import * as React from 'react';

import type { CubeDescription, FormSchema } from '../../api/types';
import { formatBytes } from '../shared/format';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { partSchema } from './formSchema';
import { SchemaForm } from './schemaForm';
import { cubeURI, nullIfEmpty, withURI } from './spec';
import type { ILaunchViewProps } from './types';
import type { ISectionProps } from './predictSection';
import { FeaturePicker, TargetPicker } from './variablePicker';

type Props = ISectionProps &
  Pick<ILaunchViewProps, 'onBrowse'> & { schema: FormSchema };

/** Cube, target, features, and what is folded away: part, mask, scaling, storage. */
export function DataSection(props: Props): JSX.Element {
  const { trans, state } = props;
  return (
    <fieldset className="jp-mlkit-launch-section">
      <legend>{trans.__('Data')}</legend>
      <CubeField {...props} />
      {state.description && (
        <CubeFacts trans={trans} description={state.description} />
      )}
      <TargetPicker trans={trans} state={state} />
      <FeaturePicker trans={trans} state={state} />
      <details className="jp-mlkit-details">
        <summary>{trans.__('Region, period, mask, scaling, storage')}</summary>
        <Part {...props} />
      </details>
    </fieldset>
  );
}

function CubeField({ trans, state, onBrowse }: Props): JSX.Element {
  const id = React.useId();
  const errors = errorsAt(state.errors, 'sources', true).filter(
    error => !error.field?.includes('.options')
  );
  const setURI = (uri: string) => state.edit(withURI(state.spec, uri));
  const browse = async (pick: () => Promise<string | null>) => {
    const uri = await pick();
    if (uri !== null) {
      setURI(uri);
      state.describe(uri);
    }
  };
  return (
    <div className="jp-mlkit-form-field" data-mlkit-field="sources">
      <label htmlFor={id}>{trans.__('Cube')}</label>
      <div className="jp-mlkit-launch-cube">
        <input
          id={id}
          className="jp-mlkit-input"
          value={cubeURI(state.spec)}
          placeholder={trans.__('path, https:// or s3:// of a zarr or netCDF')}
          spellCheck={false}
          aria-invalid={errors.length > 0}
          aria-describedby={errors.length > 0 ? `${id}-error` : undefined}
          onChange={event => setURI(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              state.describe();
            }
          }}
        />
        {onBrowse && (
          <button
            type="button"
            className="jp-mlkit-button"
            onClick={() => void browse(onBrowse)}
          >
            {trans.__('Browse…')}
          </button>
        )}
        <button
          type="button"
          className="jp-mlkit-button"
          disabled={state.describing || !cubeURI(state.spec)}
          onClick={() => state.describe()}
        >
          {trans.__('Describe')}
        </button>
      </div>
      {state.describing && (
        <p role="status" className="jp-mlkit-launch-busy">
          <progress aria-label={trans.__('Describing the cube')} />{' '}
          {trans.__('Opening the cube in the kernel’s environment…')}
        </p>
      )}
      <FieldMessages id={`${id}-error`} errors={errors} />
    </div>
  );
}

function CubeFacts(
  props: Pick<ISectionProps, 'trans'> & { description: CubeDescription }
): JSX.Element {
  const { trans, description } = props;
  const dims = description.dims
    .map(dim =>
      dim.step
        ? `${dim.name} ${dim.size} (${dim.step})`
        : `${dim.name} ${dim.size}`
    )
    .join(' × ');
  return (
    <div className="jp-mlkit-launch-facts" role="status">
      <p>
        {description.title && <strong>{description.title} </strong>}
        {dims}
        {description.period && ` · ${description.period.join(' – ')}`}
        {' · '}
        {trans.__('%1 decoded', formatBytes(description.decoded_bytes))}
      </p>
      {description.problems.map((problem, i) => (
        <p key={i} className="jp-mlkit-hint">
          <span aria-hidden="true">⚠ </span>
          {problem.message} {problem.hint}
        </p>
      ))}
    </div>
  );
}

function Part({ trans, state, schema }: Props): JSX.Element {
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
  const masks =
    spec.mask && !names.includes(spec.mask) ? [spec.mask, ...names] : names;
  return (
    <>
      {region && (
        <SchemaForm
          trans={trans}
          schema={{ ...region, required: [] }}
          value={spec.region ?? {}}
          path="region"
          label={trans.__('Region')}
          errors={errors}
          onChange={value => edit({ region: nullIfEmpty(value) })}
        />
      )}
      {period && (
        <SchemaForm
          trans={trans}
          schema={{ ...period, required: [] }}
          value={spec.period ?? {}}
          path="period"
          label={trans.__('Period')}
          errors={errors}
          onChange={value => edit({ period: nullIfEmpty(value) })}
        />
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
      {options && (
        <SchemaForm
          trans={trans}
          schema={options}
          value={spec.sources?.[0]?.options ?? {}}
          path="sources.0.options"
          label={trans.__('Storage')}
          errors={errors}
          onChange={value =>
            edit({ sources: [{ uri: cubeURI(spec), options: value }] })
          }
        />
      )}
    </>
  );
}
