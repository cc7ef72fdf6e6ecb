import { mergePatch } from '../mergePatch';

describe('mergePatch', () => {
  it('names what differs, and nothing else', () => {
    const before = {
      seed: 1,
      features: ['a', 'b'],
      model: { name: 'mlp', params: { depth: 2, width: 8 } },
      mask: 'land'
    };
    const after = {
      seed: 2,
      features: ['a'],
      model: { name: 'mlp', params: { depth: 3, width: 8 } }
    };
    expect(mergePatch(before, after)).toEqual({
      seed: 2,
      features: ['a'],
      model: { params: { depth: 3 } },
      mask: null
    });
    expect(mergePatch(before, { ...before, features: ['a', 'b'] })).toEqual({});
  });

  it('is none where a value becomes null, as null would remove it', () => {
    expect(mergePatch({ a: 1 }, { a: null })).toBeNull();
    expect(mergePatch({ a: { b: 1 } }, { a: { b: null } })).toBeNull();
    expect(mergePatch({ a: null }, { a: null })).toEqual({});
  });
});
