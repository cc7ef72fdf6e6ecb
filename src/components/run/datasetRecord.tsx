/**
 * What MLflow keeps of a dataset input: ours has dims and variables, a foreign one any JSON.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Run } from '../../api/types';
import { formatBytes } from '../shared/format';
import { JsonPairs, parseJson } from '../shared/jsonPairs';

interface ICube {
  dims: Record<string, number>;
  variables: Record<
    string,
    { dims?: string[]; dtype?: string; units?: string; role?: string }
  >;
  period?: unknown;
  /** West, south, east, north. */
  bbox?: unknown;
  crs?: unknown;
}

/** Size of a cube as its profile has it; `roles` are those of the split, which has its table. */
interface ISize {
  cells: number;
  bytes: number;
}

/** Props of `DatasetRecord`. */
export interface IDatasetRecordProps {
  trans: TranslationBundle;
  dataset: Run['datasets'][number];
}

/** Schema and profile of a dataset. */
export function DatasetRecord(props: IDatasetRecordProps): JSX.Element {
  const { trans, dataset } = props;
  const schema = parseJson(dataset.schema);
  const profile = parseJson(dataset.profile);
  const cube = cubeOf(schema);
  const size = cube && sizeOf(profile);
  return (
    <>
      {cube ? (
        <Cube trans={trans} cube={cube} size={size} />
      ) : (
        schema !== null && <JsonPairs value={schema} />
      )}
      {!size && <JsonPairs value={profile ?? {}} />}
    </>
  );
}

function Cube(props: {
  trans: TranslationBundle;
  cube: ICube;
  size: ISize | null;
}): JSX.Element {
  const { trans, cube, size } = props;
  return (
    <>
      <p>
        {Object.entries(cube.dims)
          .map(([name, size]) => `${name} ${size}`)
          .join(' × ')}
        {size &&
          ` · ${trans.__(
            '%1 cells, %2 decoded',
            size.cells.toLocaleString('en'),
            formatBytes(size.bytes)
          )}`}
      </p>
      <Extent trans={trans} cube={cube} />
      <table className="jp-mlkit-table">
        <thead>
          <tr>
            <th scope="col">{trans.__('variable')}</th>
            <th scope="col">{trans.__('unit')}</th>
            <th scope="col">{trans.__('role')}</th>
            <th scope="col">{trans.__('dims')}</th>
            <th scope="col">{trans.__('type')}</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(cube.variables).map(([name, variable]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{variable.units ?? ''}</td>
              <td>{variable.role ?? ''}</td>
              <td>{(variable.dims ?? []).join(', ')}</td>
              <td>{variable.dtype ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

/** When and where the cells are, as far as the record tells. */
function Extent(props: {
  trans: TranslationBundle;
  cube: ICube;
}): JSX.Element | null {
  const { trans, cube } = props;
  const { period, bbox, crs } = cube;
  const parts = [
    Array.isArray(period) && period.join(' – '),
    Array.isArray(bbox) &&
      trans.__('west %1, south %2, east %3, north %4', ...bbox.map(String)),
    typeof crs === 'string' && crs
  ].filter(Boolean);
  return parts.length > 0 ? <p>{parts.join(' · ')}</p> : null;
}

/** Units of the variables of all datasets, by name. */
export function unitsOf(datasets: Run['datasets']): Record<string, string> {
  // A variable may be called `__proto__`.
  const found: Record<string, string> = Object.create(null);
  for (const dataset of datasets) {
    const variables = cubeOf(parseJson(dataset.schema))?.variables ?? {};
    for (const [name, { units }] of Object.entries(variables)) {
      if (units) {
        found[name] = units;
      }
    }
  }
  return found;
}

function sizeOf(profile: unknown): ISize | null {
  const size = profile as Partial<ISize> | null;
  const known =
    typeof size?.cells === 'number' && typeof size.bytes === 'number';
  return known ? (size as ISize) : null;
}

function cubeOf(schema: unknown): ICube | null {
  const cube = (schema as { cube?: Partial<ICube> } | null)?.cube;
  const known =
    typeof cube?.dims === 'object' &&
    typeof cube.variables === 'object' &&
    !Array.isArray(cube.variables);
  return known ? (cube as ICube) : null;
}
