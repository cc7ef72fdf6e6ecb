/**
 * Which estimator, with which parameters, fitted how.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Estimator, FormSchema } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { partSchema, standaloneSchema } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import type { IQuestion } from './useQuestion';

type Props = ISectionProps & {
  estimators: IQuestion<readonly Estimator[]>;
};

/** Estimator and its parameters. */
export function ModelSection(props: Props): JSX.Element {
  const { trans, state, estimators } = props;
  const { spec, edit, errors } = state;
  const chosen = estimators.answer?.find(
    estimator => estimator.class === spec.model?.class
  );
  const params = React.useMemo(
    () => (chosen ? standaloneSchema(chosen.params_schema) : null),
    [chosen]
  );
  const id = React.useId();
  return (
    <fieldset className="jp-mlkit-launch-section" data-mlkit-field="model">
      <legend>{trans.__('Model')}</legend>
      {estimators.error && (
        <ErrorBox
          trans={trans}
          error={estimators.error}
          onRetry={estimators.askAgain}
        />
      )}
      {estimators.busy && (
        <p role="status" className="jp-mlkit-launch-busy">
          <progress aria-label={trans.__('Listing estimators')} />{' '}
          {trans.__('Asking the kernel for its estimators…')}
        </p>
      )}
      <EstimatorPicker
        trans={trans}
        estimators={estimators.answer ?? []}
        selected={spec.model?.class ?? ''}
        onSelect={name =>
          edit({ model: { ...spec.model, class: name, params: {} } })
        }
      />
      {chosen && <p className="jp-mlkit-dim">{chosen.summary}</p>}
      <FieldMessages
        id={`${id}-error`}
        errors={[
          ...errorsAt(errors, 'model'),
          ...errorsAt(errors, 'model.class'),
          ...errorsAt(errors, 'model.params')
        ]}
      />
      {chosen && params && Object.keys(params.properties ?? {}).length > 0 && (
        <details className="jp-mlkit-details" open>
          <summary>{trans.__('Parameters')}</summary>
          <SchemaForm
            trans={trans}
            key={chosen.class}
            schema={params}
            value={spec.model?.params ?? {}}
            path="model.params"
            label={trans.__('Parameters of %1', chosen.name)}
            errors={errors.filter(error => error.field !== 'model.params')}
            onChange={value =>
              edit({ model: { ...spec.model, params: value } })
            }
          />
        </details>
      )}
    </fieldset>
  );
}

/** How the model is fitted. */
export function FitSection(
  props: ISectionProps & { schema: FormSchema }
): JSX.Element | null {
  const { trans, state, schema } = props;
  const { spec, edit, errors } = state;
  const fit = partSchema(schema.schema, ['fit']);
  return (
    fit && (
      <fieldset className="jp-mlkit-launch-section">
        <legend>{trans.__('Fit')}</legend>

        <SchemaForm
          trans={trans}
          schema={fit}
          value={spec.fit ?? {}}
          path="fit"
          label={trans.__('Fit')}
          errors={errors}
          onChange={value => edit({ fit: value })}
        />
      </fieldset>
    )
  );
}

interface IEstimatorPickerProps {
  trans: TranslationBundle;
  estimators: readonly Estimator[];
  selected: string;
  onSelect: (name: string) => void;
}

function EstimatorPicker(props: IEstimatorPickerProps): JSX.Element {
  const { trans, estimators, selected, onSelect } = props;
  const [filter, setFilter] = React.useState('');
  const id = React.useId();
  if (estimators.length === 0) {
    return (
      <div className="jp-mlkit-form-field">
        <label htmlFor={id}>{trans.__('Estimator')}</label>
        <input
          id={id}
          className="jp-mlkit-input"
          value={selected}
          spellCheck={false}
          onChange={event => onSelect(event.target.value)}
        />
      </div>
    );
  }
  const words = filter.toLowerCase().split(/\s+/);
  const matches = (estimator: Estimator) =>
    words.every(word =>
      `${estimator.class} ${estimator.summary}`.toLowerCase().includes(word)
    );
  const groups: [Estimator['kind'], string][] = [
    ['regressor', trans.__('Regressors')],
    ['classifier', trans.__('Classifiers')]
  ];
  const shown = estimators.filter(
    estimator => estimator.class === selected || matches(estimator)
  );
  return (
    <div className="jp-mlkit-form-field">
      <label htmlFor={id}>{trans.__('Estimator')}</label>
      <input
        type="search"
        className="jp-mlkit-input"
        aria-label={trans.__('Search estimators')}
        aria-controls={id}
        placeholder={trans.__('search %1 estimators', estimators.length)}
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      <select
        id={id}
        size={6}
        className="jp-mlkit-launch-list"
        value={selected}
        onChange={event => onSelect(event.target.value)}
      >
        {!estimators.some(estimator => estimator.class === selected) && (
          <option value={selected}>{selected}</option>
        )}
        {groups.map(([kind, label]) => {
          const members = shown.filter(estimator => estimator.kind === kind);
          return (
            members.length > 0 && (
              <optgroup key={kind} label={label}>
                {members.map(estimator => (
                  <option
                    key={estimator.class}
                    value={estimator.class}
                    title={estimator.summary}
                  >
                    {estimator.name}
                  </option>
                ))}
              </optgroup>
            )
          );
        })}
      </select>
      <span role="status" className="jp-mlkit-srOnly">
        {filter && trans._n('%1 estimator', '%1 estimators', shown.length)}
      </span>
    </div>
  );
}
