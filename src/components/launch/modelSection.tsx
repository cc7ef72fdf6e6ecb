/**
 * Which estimator, with which parameters, fitted how.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Estimator, FormSchema } from '../../api/types';
import { ErrorBox } from '../shared/errorBox';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import { partSchema, standaloneSchema, without } from './formSchema';
import type { ISectionProps } from './predictSection';
import { SchemaForm } from './schemaForm';
import type { JsonObject } from './types';
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
        onSelect={name => {
          const heeded = estimators.answer?.find(
            one => one.class === name
          )?.fit;
          edit({
            model: { ...spec.model, class: name, params: {} },
            fit: heeded ? only(spec.fit ?? {}, heeded) : spec.fit
          });
        }}
      />
      {chosen && <p className="jp-mlkit-dim">{chosen.summary}</p>}
      <MissingFrameworks trans={trans} estimators={estimators.answer ?? []} />
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

/** How the model is fitted: of all fields those that it heeds. */
export function FitSection(
  props: Props & { schema: FormSchema }
): JSX.Element | null {
  const { trans, state, schema, estimators } = props;
  const { spec, edit, errors } = state;
  const heeded = estimators.answer?.find(
    estimator => estimator.class === spec.model?.class
  )?.fit;
  const fit = React.useMemo(() => {
    const whole = partSchema(schema.schema, ['fit']);
    const others = Object.keys(whole?.properties ?? {}).filter(
      name => heeded && !heeded.includes(name)
    );
    return whole && without(whole, others);
  }, [schema, heeded]);
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

/** What to install for the models that the kernel cannot train. */
function MissingFrameworks(props: {
  trans: TranslationBundle;
  estimators: readonly Estimator[];
}): JSX.Element | null {
  const { trans, estimators } = props;
  const byHint = new Map<string, string[]>();
  for (const { name, problem } of estimators) {
    if (problem?.hint) {
      byHint.set(problem.hint, [...(byHint.get(problem.hint) ?? []), name]);
    }
  }
  return byHint.size === 0 ? null : (
    <details className="jp-mlkit-details">
      <summary>{trans.__('Models that this kernel lacks')}</summary>
      {[...byHint].map(([hint, names]) => (
        <p key={hint} className="jp-mlkit-dim">
          {trans.__('%1: install with', names.join(', '))} <code>{hint}</code>
        </p>
      ))}
    </details>
  );
}

function only(given: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    Object.entries(given).filter(([name]) => names.includes(name))
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
      `${estimator.class} ${estimator.name} ${estimator.summary}`
        .toLowerCase()
        .includes(word)
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
                    title={estimator.problem?.message ?? estimator.summary}
                    disabled={Boolean(estimator.problem)}
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
