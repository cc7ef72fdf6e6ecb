import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { fireEvent, render, screen } from '@testing-library/react';
import * as React from 'react';

import { SchemaForm } from '../schemaForm';
import type { JsonObject } from '../types';

const trans = nullTranslator.load('jupyter_mlkit');
const LABEL = 'Parameters';
const LOSS = {
  type: 'object' as const,
  properties: {
    loss: {
      type: 'string' as const,
      enum: ['absolute_error', 'squared_error', 'poisson', 'squared_error'],
      default: 'squared_error'
    }
  }
};

const BUFFER = {
  type: 'object' as const,
  properties: {
    buffer: {
      type: 'object' as const,
      properties: {
        space: { type: 'string' as const },
        time: { type: 'string' as const }
      }
    }
  }
};

function open(
  value: JsonObject,
  schema: typeof LOSS | typeof BUFFER = LOSS
): jest.Mock {
  const onChange = jest.fn();
  render(
    <SchemaForm
      trans={trans}
      schema={schema}
      value={value}
      path="model.params"
      label={LABEL}
      errors={[]}
      onChange={onChange}
    />
  );
  return onChange;
}

it.each<JsonObject>([{}, { loss: 'squared_error' }])(
  'offers each choice once, the default first (%j)',
  value => {
    const onChange = open(value);
    const texts = screen.getAllByRole('option').map(item => item.textContent);
    expect(texts).toEqual([
      'squared_error (default)',
      'absolute_error',
      'poisson'
    ]);
    const select = screen.getByRole('combobox');
    expect(select).toHaveDisplayValue('squared_error (default)');
    expect(screen.queryByRole('alert')).toBeNull();
    // The index of the choice stands for it.
    fireEvent.change(select, { target: { value: '1' } });
    expect(onChange).toHaveBeenLastCalledWith({ loss: 'poisson' });
  }
);

it('takes null inside a group for an empty field', () => {
  const onChange = open({ buffer: { space: '2 deg', time: null } }, BUFFER);
  expect(screen.queryByRole('alert')).toBeNull();
  expect(screen.getByLabelText('time')).toHaveValue('');
  expect(onChange).not.toHaveBeenCalled();
  fireEvent.change(screen.getByLabelText('space'), {
    target: { value: '3 deg' }
  });
  expect(onChange).toHaveBeenLastCalledWith({ buffer: { space: '3 deg' } });
});
