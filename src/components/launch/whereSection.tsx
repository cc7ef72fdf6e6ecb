/**
 * Where the run is tracked and in which kernel's environment it is made.
 */
import * as React from 'react';

import type { FormSchema, Kernel, KernelList } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { partSchema, without } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import { omit } from './spec';
import type { IQuestion } from './useQuestion';

type Props = ISectionProps & {
  schema: FormSchema;
  kernels: IQuestion<KernelList>;
  checked: IQuestion<Kernel>;
  experiments: readonly string[];
};

/** Track and Where. */
export function WhereSection(props: Props): JSX.Element {
  const { trans, state, schema, experiments } = props;
  const tracking = partSchema(schema.schema, ['tracking']);
  const shown = tracking && without(tracking, ['tags']);
  const experiment = shown?.properties?.experiment;
  return (
    <>
      {shown && (
        <fieldset className="jp-mlkit-launch-section">
          <legend>{trans.__('Track')}</legend>
          <SchemaForm
            trans={trans}
            schema={{
              ...shown,
              properties: {
                ...shown.properties,
                ...(typeof experiment === 'object' && experiments.length > 0
                  ? {
                      experiment: { ...experiment, examples: [...experiments] }
                    }
                  : {})
              }
            }}
            // Tags have no field here, and the form takes them for a mistake.
            value={omit(state.spec.tracking ?? {}, ['tags'])}
            path="tracking"
            label={trans.__('Track')}
            errors={state.errors}
            onChange={value =>
              state.edit({
                tracking: state.spec.tracking?.tags
                  ? { ...value, tags: state.spec.tracking.tags }
                  : value
              })
            }
          />
        </fieldset>
      )}
      <KernelField {...props} />
    </>
  );
}

function KernelField(props: Props): JSX.Element {
  const { trans, state, kernels, checked } = props;
  const id = React.useId();
  const errors = errorsAt(state.errors, 'kernelspec');
  const selected = state.spec.kernelspec ?? '';
  const items = kernels.answer?.items ?? [];
  const kernel = checked.answer?.name === selected ? checked.answer : null;
  return (
    <fieldset className="jp-mlkit-launch-section" data-mlkit-field="kernelspec">
      <legend>{trans.__('Where')}</legend>
      {kernels.error && (
        <ErrorBox
          trans={trans}
          error={kernels.error}
          onRetry={kernels.askAgain}
        />
      )}
      <div className="jp-mlkit-form-field">
        <label htmlFor={id}>{trans.__('Kernel')}</label>
        <select
          id={id}
          className="jp-mlkit-select"
          value={selected}
          onChange={event => state.edit({ kernelspec: event.target.value })}
        >
          {!items.some(item => item.name === selected) && (
            <option value={selected}>{selected}</option>
          )}
          {items.map(item => (
            <option key={item.name} value={item.name}>
              {item.display_name}
            </option>
          ))}
        </select>
        <p role="status" className="jp-mlkit-dim">
          {checked.busy
            ? trans.__('Looking into the kernel’s environment…')
            : kernel && !kernel.problem
              ? trans.__('✓ can train here, on this machine')
              : ''}
        </p>
      </div>
      {checked.error && (
        <ErrorBox
          trans={trans}
          error={checked.error}
          onRetry={checked.askAgain}
        />
      )}
      {kernel?.problem && (
        <ErrorBox
          trans={trans}
          error={kernel.problem}
          onRetry={checked.askAgain}
        />
      )}
      <FieldMessages id={`${id}-error`} errors={errors} />
    </fieldset>
  );
}
