import type { RenderResult } from '@testing-library/react';
import { act, render } from '@testing-library/react';
import type * as React from 'react';

import { MLKitError } from '../../../api/errors';
import type { Run } from '../../../api/types';
import type { IArtifactReader, IRunEdits, IRunViewProps } from '../types';
import { nullTranslator } from '@jupyterlab/translation';

export const XSS = '<img src=x onerror="globalThis.hacked = true">';

const TIME = Date.UTC(2026, 0, 2, 3, 4);

export function makeRun(parts: Partial<Run> = {}): Run {
  const metrics: [string, number][] = [
    ['train_rmse', 1.71],
    ['val_rmse', 2.113],
    ['test_rmse', 2.2],
    ['baseline/climatology/val_rmse', 3.4],
    ['baseline/mean/val_rmse', 14.2],
    ['gain/val_rmse', 0.38],
    ['fit_seconds', 98.2]
  ];
  return {
    run_id: 'r1',
    run_name: 'gbt-blocks',
    experiment_id: '1',
    status: 'FINISHED',
    lost: false,
    waiting: false,
    lifecycle_stage: 'active',
    start_time: TIME,
    end_time: TIME + 112_000,
    owner: 'ada',
    artifact_uri: 'file:///artifacts/r1',
    metrics: metrics.map(([key, value]) => ({
      key,
      value,
      step: 0,
      timestamp: TIME
    })),
    params: { model: 'sklearn.linear_model.Ridge' },
    tags: { team: 'earth', 'mlkit.units': 'K' },
    note: '',
    primary_metric: 'val_rmse',
    units: 'K',
    gain: 0.38,
    evaluation: null,
    job_id: 'j1',
    datasets: [],
    models: ['models:/m-1'],
    ...parts
  };
}

/** Files by path; a missing one rejects as the server's 404 does. */
export function makeReader(files: Record<string, string>): IArtifactReader {
  return {
    list: jest.fn(async () => ({
      items: Object.keys(files).map(path => ({
        path,
        is_dir: false,
        size: files[path].length
      })),
      next_page_token: null,
      served: true,
      hint: null
    })),
    read: jest.fn(async (path: string) => {
      if (!(path in files)) {
        throw new MLKitError(
          { message: `No ${path}.`, code: 'not_found' },
          404
        );
      }
      return new Blob([files[path]]);
    }),
    preview: jest.fn(async (path: string) => ({
      path,
      kind: 'text' as const,
      size: files[path]?.length ?? null,
      truncated: false,
      text: files[path] ?? '',
      table: null,
      cells: null,
      media_type: null
    })),
    describeCube: jest.fn(),
    download: jest.fn()
  };
}

export function makeEdits(): jest.Mocked<IRunEdits> {
  return {
    rename: jest.fn().mockResolvedValue(undefined),
    setNote: jest.fn().mockResolvedValue(undefined),
    setTag: jest.fn().mockResolvedValue(undefined),
    deleteTag: jest.fn().mockResolvedValue(undefined)
  };
}

export function makeProps(parts: Partial<IRunViewProps> = {}): IRunViewProps {
  return {
    trans: nullTranslator.load('jupyter_mlkit'),
    run: makeRun(),
    error: null,
    histories: null,
    historiesError: null,
    artifacts: makeReader({}),
    edits: makeEdits(),
    job: null,
    log: null,
    onCompare: jest.fn(),
    onFindRuns: jest.fn(),
    onInsertCode: jest.fn(),
    ...parts
  };
}

/** Render, and let what the view asks for at once arrive. */
export async function show(ui: React.ReactElement): Promise<RenderResult> {
  const shown = render(ui);
  await act(async () => undefined);
  return shown;
}
