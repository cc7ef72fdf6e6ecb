import { StateDB } from '@jupyterlab/statedb';

import type { CubeDescription } from '../../api/types';
import { CubesModel } from '../cubes';

const description: CubeDescription = {
  uri: 'a.zarr',
  format: 'zarr',
  title: null,
  grid: 'rectilinear',
  crs: null,
  coords: [],
  dims: [],
  variables: [],
  decoded_bytes: 10,
  stored_bytes: null,
  bbox: null,
  period: ['2002-01-01', '2002-12-31'],
  fingerprint: 'f',
  fingerprint_kind: 'stored',
  suggestion: {},
  problems: []
};

describe('CubesModel', () => {
  const client = { describeCube: async () => description };

  it('remembers from one session to the next, the latest first', async () => {
    const stateDB = new StateDB();
    const model = new CubesModel({ client, stateDB });
    await model.describe('a.zarr');
    model.remember('b.zarr');
    await model.restored;
    await Promise.resolve();
    const next = new CubesModel({ client, stateDB });
    await next.restored;
    expect(next.cubes.map(cube => cube.uri)).toEqual(['b.zarr', 'a.zarr']);
    expect(next.cubes[1].summary?.bytes).toBe(10);
    model.dispose();
    next.dispose();
  });

  it('keeps the reason why a cube cannot be described', async () => {
    const model = new CubesModel({
      client: {
        describeCube: () => Promise.reject(new Error('no such cube'))
      }
    });
    await expect(model.describe('x')).rejects.toThrow('no such cube');
    expect(model.problem('x')?.message).toBe('no such cube');
    expect(model.isDescribing('x')).toBe(false);
    model.dispose();
  });
});
