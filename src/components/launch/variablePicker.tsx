/**
 * Target and features, offered from what the cube says it holds.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { CubeDescription } from '../../api/types';
import { formatShare } from '../shared/format';
import { errorsAt } from './fieldErrors';
import { FieldMessages } from './fieldMessages';
import type { ISectionProps } from './predictSection';

type Variable = CubeDescription['variables'][number];

/** From so many variables on, a field narrows the list. */
const FILTER_FROM = 13;

/** One variable to predict. */
export function TargetPicker({ trans, state }: ISectionProps): JSX.Element {
  const { spec, edit, description } = state;
  const id = React.useId();
  const errors = errorsAt(state.errors, 'target');
  const attributes = {
    id,
    value: spec.target ?? '',
    'aria-invalid': errors.length > 0,
    'aria-describedby': errors.length > 0 ? `${id}-error` : undefined
  };
  const choose = (target: string) =>
    edit({
      target,
      // The target as its own feature would be copied.
      features: (spec.features ?? []).filter(name => name !== target)
    });
  return (
    <div className="jp-mlkit-form-field" data-mlkit-field="target">
      <label htmlFor={id}>{trans.__('Target')}</label>
      {description ? (
        <select
          className="jp-mlkit-select"
          {...attributes}
          onChange={event => choose(event.target.value)}
        >
          <option value="">{trans.__('choose a variable')}</option>
          {description.variables.map(variable => (
            <option key={variable.name} value={variable.name}>
              {variableText(variable, trans)}
            </option>
          ))}
        </select>
      ) : (
        <input
          className="jp-mlkit-input"
          {...attributes}
          placeholder={trans.__(
            'describe the cube to choose from its variables'
          )}
          onChange={event => edit({ target: event.target.value })}
        />
      )}
      <FieldMessages id={`${id}-error`} errors={errors} />
    </div>
  );
}

/** The variables to predict from. */
export function FeaturePicker({ trans, state }: ISectionProps): JSX.Element {
  const { spec, edit, description } = state;
  const id = React.useId();
  const [filter, setFilter] = React.useState('');
  const errors = errorsAt(state.errors, 'features', true);
  const chosen = spec.features ?? [];

  if (!description) {
    return (
      <div className="jp-mlkit-form-field" data-mlkit-field="features">
        <label htmlFor={id}>{trans.__('Features')}</label>
        <FeatureText id={id} trans={trans} state={state} />
        <FieldMessages id={`${id}-error`} errors={errors} />
      </div>
    );
  }
  const offered = description.variables.filter(
    variable => variable.name !== spec.target
  );
  const shown = offered.filter(
    variable =>
      chosen.includes(variable.name) ||
      `${variable.name} ${variable.long_name ?? ''}`
        .toLowerCase()
        .includes(filter.toLowerCase())
  );
  const toggle = (name: string, on: boolean) =>
    edit({
      features: on ? [...chosen, name] : chosen.filter(other => other !== name)
    });
  return (
    <fieldset className="jp-mlkit-form-fieldset" data-mlkit-field="features">
      <legend>{trans.__('Features')}</legend>
      {offered.length >= FILTER_FROM && (
        <input
          type="search"
          className="jp-mlkit-input"
          aria-label={trans.__('Narrow the features')}
          placeholder={trans.__('narrow')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      )}
      <div className="jp-mlkit-launch-features">
        {shown.map(variable => (
          <label key={variable.name} title={variable.long_name ?? undefined}>
            <input
              type="checkbox"
              checked={chosen.includes(variable.name)}
              onChange={event => toggle(variable.name, event.target.checked)}
            />{' '}
            {variableText(variable, trans)}
          </label>
        ))}
      </div>
      {offered.length === 0 && (
        <p className="jp-mlkit-dim">
          {trans.__('This cube has no other variable.')}
        </p>
      )}
      <Expressions
        trans={trans}
        chosen={chosen.filter(
          name => !offered.some(variable => variable.name === name)
        )}
        onAdd={name => toggle(name, true)}
        onRemove={name => toggle(name, false)}
      />
      <FieldMessages id={`${id}-error`} errors={errors} />
    </fieldset>
  );
}

/** Features that are computed from variables: chosen ones, and a field for another. */
function Expressions(props: {
  trans: TranslationBundle;
  chosen: readonly string[];
  onAdd: (expression: string) => void;
  onRemove: (expression: string) => void;
}): JSX.Element {
  const { trans, chosen, onAdd, onRemove } = props;
  const id = React.useId();
  const [text, setText] = React.useState('');
  const add = () => {
    const expression = text.trim();
    if (expression !== '' && !chosen.includes(expression)) {
      onAdd(expression);
      setText('');
    }
  };
  return (
    <>
      {chosen.map(expression => (
        <label key={expression}>
          <input
            type="checkbox"
            checked
            onChange={() => onRemove(expression)}
          />{' '}
          <span className="jp-mlkit-code">{expression}</span>
        </label>
      ))}
      <div className="jp-mlkit-form-field">
        <label htmlFor={id}>{trans.__('Computed feature')}</label>
        <div className="jp-mlkit-launch-cube">
          <input
            id={id}
            className="jp-mlkit-input"
            value={text}
            spellCheck={false}
            placeholder={trans.__("sqrt(u10**2 + v10**2), lag(t2m, '8D')")}
            onChange={event => setText(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'Enter') {
                event.preventDefault();
                add();
              }
            }}
          />
          <button
            type="button"
            className="jp-mlkit-button"
            disabled={text.trim() === ''}
            onClick={add}
          >
            {trans.__('Add')}
          </button>
        </div>
      </div>
    </>
  );
}

/** Names in a text: what is typed stays as typed, the spec gets the list. */
function FeatureText({
  id,
  trans,
  state
}: ISectionProps & { id: string }): JSX.Element {
  const [text, setText] = React.useState(
    (state.spec.features ?? []).join('; ')
  );
  return (
    <input
      id={id}
      className="jp-mlkit-input"
      value={text}
      placeholder={trans.__('names, separated by semicolons')}
      onChange={event => {
        setText(event.target.value);
        state.edit({
          features: event.target.value
            .split(';')
            .map(name => name.trim())
            .filter(name => name !== '')
        });
      }}
    />
  );
}

function variableText(variable: Variable, trans: TranslationBundle): string {
  const units = variable.units ? ` (${variable.units})` : '';
  return variable.valid_share === null
    ? `${variable.name}${units}`
    : trans.__(
        '%1%2, %3 valid',
        variable.name,
        units,
        formatShare(variable.valid_share)
      );
}
