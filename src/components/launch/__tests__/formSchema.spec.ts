import {
  LITERAL,
  branchSchema,
  literalNames,
  partSchema,
  standaloneSchema
} from '../formSchema';
import { extraErrors } from '../fieldErrors';
import { literalText, nullIfEmpty, parseLiteral } from '../spec';
import { FORM } from './fixtures';

describe('partSchema', () => {
  it('follows references and nullable branches', () => {
    const region = partSchema(FORM.schema, ['region']);
    expect(Object.keys(region?.properties ?? {})).toEqual(['west', 'east']);
    const fit = partSchema(FORM.schema, ['fit']);
    expect(fit?.properties?.max_samples).toMatchObject({
      type: 'integer',
      minimum: 1
    });
    const options = partSchema(FORM.schema, ['sources', 'items', 'options']);
    expect(options?.properties).toHaveProperty('endpoint_url.type', 'string');
    expect(partSchema(FORM.schema, ['toString'])).toBeNull();
  });

  it('finds the root behind a reference', () => {
    const schema = {
      $ref: '#/$defs/Spec',
      $defs: {
        Spec: {
          type: 'object',
          properties: { a: { type: 'string' } }
        }
      }
    };
    expect(partSchema(schema, ['a'])).toEqual({ type: 'string' });
  });
});

it('finds the branch of a union by its kind', () => {
  const time = branchSchema(FORM.schema, 'split', 'time');
  expect(time?.properties).toHaveProperty('test_start');
  expect(branchSchema(FORM.schema, 'split', 'magic')).toBeNull();
});

it('lets a person type what has several types, or null beside a default', () => {
  const schema = standaloneSchema({
    type: 'object',
    properties: {
      either: { anyOf: [{ type: 'integer' }, { enum: ['sqrt'] }] },
      kept: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: 10 },
      list: { type: 'array', items: { type: 'number' } },
      free: {},
      nothing: { type: 'null', default: null },
      plain: { anyOf: [{ type: 'integer' }, { type: 'null' }], default: null }
    }
  });
  expect(literalNames(schema)).toEqual(['either', 'kept', 'list', 'free']);
  expect(schema.properties).not.toHaveProperty('nothing');
  expect(schema.properties?.either).toMatchObject({
    type: 'string',
    description: '(integer | sqrt)',
    [LITERAL]: true
  });
});

it.each([
  ['sqrt', 'sqrt'],
  ['0.5', 0.5],
  ['null', null],
  ['None', null],
  ['True', true],
  ['[1, 2]', [1, 2]],
  ['  ', undefined],
  ['constructor', 'constructor']
])('reads %j as %j', (text, value) => {
  expect(parseLiteral(text)).toEqual(value);
});

it('writes a literal so that it is read back', () => {
  for (const value of ['sqrt', 0.5, null, true, [1, 2]]) {
    expect(parseLiteral(literalText(value))).toEqual(value);
  }
});

it('takes a part without any value for none', () => {
  expect(nullIfEmpty({ west: '', east: null })).toBeNull();
  expect(nullIfEmpty({ west: 0, east: '' })).toEqual({ west: 0 });
});

it('puts errors where the form looks for them', () => {
  const error = (field: string | null) => ({ message: 'bad', field });
  const tree = extraErrors(
    [error('split.sizes.lat'), error('split'), error('fit.seed'), error(null)],
    'split'
  );
  expect(tree).toEqual({
    __errors: ['bad'],
    sizes: { lat: { __errors: ['bad'] } }
  });
  expect(extraErrors([error('split.toString')], 'split')).toEqual({
    toString: { __errors: ['bad'] }
  });
});
