/**
 * Which cube, which variables, which part of it.
 */
import * as React from 'react';

import type { CubeDescription, FormSchema } from '../../api/types';
import { formatBytes } from '../shared/format';
import { DataDetails } from './dataDetails';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { cubeURI, withURI } from './spec';
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
        <summary>
          {trans.__('Region, period, mask, lead, scaling, sources')}
        </summary>
        <DataDetails {...props} />
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
