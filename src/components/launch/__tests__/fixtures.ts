import { nullTranslator } from '@jupyterlab/translation';

import type {
  CubeDescription,
  Estimator,
  FormSchema,
  Job,
  Preview
} from '../../../api/types';
import SCHEMAS from './schemas.json';
import type { ILaunchServices, ILaunchViewProps } from '../types';

/** As msgspec writes it: parts under $defs, nullable fields and a tagged union. */
export const FORM = {
  schema: SCHEMAS.spec,
  ui_schema: {}
} as unknown as FormSchema;

function estimator(
  name: string,
  kind: Estimator['kind'],
  params: object = {}
): Estimator {
  return {
    class: `sklearn.linear_model.${name}`,
    name,
    kind,
    summary: `${name} <b>fits</b>.`,
    params_schema: {
      type: 'object',
      properties: params,
      additionalProperties: false
    } as unknown as Estimator['params_schema'],
    fit: ['seed', 'max_samples'],
    problem: null
  };
}

/** A network, of a framework that the kernel has or lacks. */
export function network(framework: string, hint: string | null): Estimator {
  return {
    ...estimator(`MLP (${framework})`, 'regressor'),
    class: `jupyter_mlkit.train.networks.${framework}.mlp`,
    fit: ['seed', 'epochs'],
    problem: hint && {
      code: 'framework_missing',
      message: `${framework} is not installed.`,
      hint,
      field: 'model.class'
    }
  } as Estimator;
}

export const ESTIMATORS = [
  estimator('LinearRegression', 'regressor', SCHEMAS.params.LinearRegression),
  estimator('Ridge', 'regressor', SCHEMAS.params.Ridge),
  estimator('LogisticRegression', 'classifier')
];

const CUBE_TITLE = '<i>Demo</i>';

function variable(name: string): CubeDescription['variables'][number] {
  return {
    name,
    dims: ['time', 'lat', 'lon'],
    dtype: 'float32',
    units: 'K',
    long_name: null,
    valid_share: 0.21,
    valid_share_error: 0.01,
    minimum: 1,
    maximum: 2,
    mean: 1.5
  };
}

function dim(
  name: string,
  role: CubeDescription['dims'][number]['role']
): CubeDescription['dims'][number] {
  const rest = { chunk: null, first: null, last: null, step: '1 deg' };
  return { name, role, size: 8, units: null, ...rest };
}

export const DESCRIPTION: CubeDescription = {
  uri: 'demo.zarr',
  format: 'zarr v3',
  title: CUBE_TITLE,
  grid: 'rectilinear',
  crs: null,
  coords: ['time', 'lat', 'lon'],
  dims: [dim('time', 'time'), dim('lat', 'y'), dim('lon', 'x')],
  variables: [variable('lst'), variable('t2m'), variable('elevation')],
  decoded_bytes: 4e8,
  stored_bytes: null,
  bbox: null,
  period: ['2002-01-01', '2002-12-27'],
  fingerprint: 'f',
  fingerprint_kind: 'stored',
  suggestion: {
    target: 'lst',
    features: ['t2m'],
    splits: {
      places: { kind: 'block', sizes: { lat: '20 deg', lon: '20 deg' } },
      times: {
        kind: 'time',
        validation_start: '2002-09-01',
        test_start: '2002-11-01'
      }
    }
  } as unknown as CubeDescription['suggestion'],
  problems: []
};

export const PREVIEW: Preview = {
  roles: [{ role: 'train', cells: 649183, blocks: 112 }],
  valid_share: 0.21,
  decoded_bytes: 4e8,
  memory_bytes: 4.8e8,
  warnings: [
    {
      message: '17 validation blocks are few.',
      code: 'few_blocks',
      hint: null,
      field: null
    }
  ],
  leakage: {
    verdict: 'too easy',
    sentence: 'Test cells lie nearer to train than what shall be predicted.',
    distances: [
      {
        axis: 'space',
        unit: 'km',
        test: [10, 20, 30, 40, 50],
        prediction: [100, 200, 300, 400, 500],
        test_without: 0,
        prediction_without: 0.25
      }
    ],
    straddling: 0.03,
    duplicates: 0,
    duplicates_among: 100,
    autocorrelation: [
      {
        axis: 'space',
        of: 'target',
        status: 'reached',
        unit: 'km',
        length: 900,
        low: 700,
        high: 1100,
        pairs: 120000
      }
    ],
    recommended: { lat: '16 deg', lon: '16 deg' }
  },
  map_png: null
};

export const JOB = { job_id: 'j1', name: 'lst-ridge' } as Job;

export function makeServices(): jest.Mocked<ILaunchServices> {
  const kernel = (name: string, display: string, isPython: boolean) => ({
    name,
    display_name: display,
    language: isPython ? 'python' : 'R',
    problem: isPython
      ? null
      : {
          message: 'R is no Python kernel.',
          code: 'kernel_not_python',
          hint: 'Choose another.',
          field: 'kernelspec'
        }
  });
  return {
    schema: jest.fn().mockResolvedValue(FORM),
    kernels: jest.fn().mockResolvedValue({
      items: [kernel('python3', 'Python 3', true), kernel('ir', 'R', false)],
      default: 'python3'
    }),
    checkKernel: jest.fn(async (name: string) =>
      kernel(name, name, name !== 'ir')
    ),
    estimators: jest.fn().mockResolvedValue(ESTIMATORS),
    describe: jest.fn().mockResolvedValue(DESCRIPTION),
    preview: jest.fn().mockResolvedValue(PREVIEW),
    text: jest.fn().mockResolvedValue({ yaml: 'target: lst', python: 'fit()' }),
    validate: jest.fn().mockResolvedValue({ ok: true, errors: [] }),
    launch: jest.fn().mockResolvedValue(JOB),
    experiments: jest.fn().mockResolvedValue(['lst', 'chl'])
  };
}

export function makeProps(
  parts: Partial<ILaunchViewProps> = {}
): ILaunchViewProps & { services: jest.Mocked<ILaunchServices> } {
  return {
    trans: nullTranslator.load('jupyter_mlkit'),
    initialSpec: { sources: [{ uri: 'demo.zarr' }] },
    describeAtOnce: true,
    onLaunched: jest.fn(),
    ...parts,
    services: (parts.services ?? makeServices()) as jest.Mocked<ILaunchServices>
  };
}
