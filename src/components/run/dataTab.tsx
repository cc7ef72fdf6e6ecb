/**
 * What a run was trained and scored on: datasets, split, scaling.
 */
import * as React from 'react';

import type { Preview, Run } from '../../api/types';
import { ArtifactImage } from '../shared/artifactImage';
import { evaluationWords } from '../shared/evaluationChip';
import { Guard } from '../shared/guard';
import { JsonPairs, parseJson } from '../shared/jsonPairs';
import { LeakageView, leakageOf } from '../shared/leakageView';
import { RoleTable } from '../shared/roleTable';
import { useBlob, useText } from '../shared/useBlob';
import { DatasetRecord, unitsOf } from './datasetRecord';
import { IntervalTable } from './intervalTable';
import { ScalingTable, scalingOf } from './scalingTable';
import type { IRunViewProps } from './types';

type Props = Pick<IRunViewProps, 'trans' | 'artifacts' | 'onFindRuns'> & {
  run: Run;
};

const JSON_LIMIT = 256 * 1024;

/** Data tab of the run view. */
export function DataTab(props: Props): JSX.Element {
  const { trans, run, artifacts } = props;
  return (
    <div className="jp-mlkit-run-data">
      <section aria-label={trans.__('Evaluation')}>
        <h2>{trans.__('Evaluation')}</h2>
        <p>{evaluationWords(trans, run.evaluation)}</p>
        <JsonFile
          {...props}
          path="mlkit/scores.json"
          optional
          show={value => (
            <IntervalTable trans={trans} value={value} units={run.units} />
          )}
        />
      </section>
      <section aria-label={trans.__('Datasets')}>
        <h2>{trans.__('Datasets')}</h2>
        <Datasets {...props} />
      </section>
      <section aria-label={trans.__('Split')}>
        <h2>{trans.__('Split')}</h2>
        <ArtifactImage
          trans={trans}
          imageKey={`${run.run_id}/split/${run.status}`}
          read={() => artifacts.read('maps/split.png')}
          caption={trans.__('Roles of the cells')}
          optional
        />
        <JsonFile
          {...props}
          path="mlkit/split.json"
          show={value => <SplitRecord trans={trans} value={value} />}
        />
        <JsonFile
          {...props}
          path="mlkit/leakage.json"
          optional
          show={value => {
            const report = leakageOf(value);
            return report && <LeakageView trans={trans} report={report} />;
          }}
        />
      </section>
      <section aria-label={trans.__('Scaling')}>
        <h2>{trans.__('Scaling')}</h2>
        <p className="jp-mlkit-dim">
          {trans.__('Fitted on train cells only.')}
        </p>
        <JsonFile
          {...props}
          path="mlkit/scaling.json"
          show={value => {
            const scaling = scalingOf(value);
            return (
              scaling && (
                <ScalingTable
                  trans={trans}
                  scaling={scaling}
                  units={unitsOf(run.datasets)}
                />
              )
            );
          }}
        />
      </section>
    </div>
  );
}

function Datasets({ trans, run, onFindRuns }: Props): JSX.Element {
  if (run.datasets.length === 0) {
    return (
      <p className="jp-mlkit-dim">
        {trans.__(
          'No dataset logged: one line of log_cube in the notebook gives a run its identity.'
        )}
      </p>
    );
  }
  return (
    <>
      {run.datasets.map((dataset, i) => (
        <article key={i} className="jp-mlkit-dataset">
          <h3>
            {dataset.name}{' '}
            {dataset.context && (
              <span className="jp-mlkit-dim">{dataset.context}</span>
            )}
          </h3>
          <dl className="jp-mlkit-pairs">
            <dt>{trans.__('source')}</dt>
            <dd className="jp-mlkit-code">{sourceText(dataset.source)}</dd>
            <dt>{trans.__('fingerprint')}</dt>
            <dd className="jp-mlkit-code">
              {run.tags['mlkit.cube.fingerprint'] ?? dataset.digest}
            </dd>
          </dl>
          <DatasetRecord trans={trans} dataset={dataset} />
          {isFound(run, dataset) && (
            <button
              type="button"
              className="jp-mlkit-button"
              onClick={() =>
                onFindRuns(`datasets.digest = '${dataset.digest}'`)
              }
            >
              {trans.__('Runs on this cube')}
            </button>
          )}
        </article>
      ))}
    </>
  );
}

/** Whether the store can be asked for the runs on a cube; its filters have no escapes. */
function isFound(run: Run, dataset: Run['datasets'][number]): boolean {
  const isCube = dataset.source_type === 'cube';
  return isCube && !run.waiting && /^[\w:.-]+$/.test(dataset.digest);
}

/** MLflow stores a source as JSON with one address in it. */
function sourceText(source: string): string {
  const value = parseJson(source);
  if (typeof value === 'object' && value !== null) {
    const address = Object.entries(value).find(([key]) =>
      /^(uri|url|path)$/.test(key)
    );
    if (address) {
      return String(address[1]);
    }
  }
  return source;
}

function JsonFile({
  trans,
  run,
  artifacts,
  path,
  show,
  optional
}: Props & {
  path: string;
  /** Show nothing where the run has not logged it. */
  optional?: boolean;
  /** How to draw a known record; null falls back on names and values. */
  show?: (value: unknown) => JSX.Element | null;
}): JSX.Element | null {
  const { blob, error } = useBlob(`${run.run_id}/${path}/${run.status}`, () =>
    artifacts.read(path)
  );
  const text = useText(blob, JSON_LIMIT);
  const value = React.useMemo(() => parseJson(text), [text]);
  if (optional && error?.code === 'not_found') {
    return null;
  }
  if (error) {
    return (
      <p className="jp-mlkit-dim">
        {error.code === 'not_found'
          ? trans.__('This run has not logged it.')
          : error.message}
      </p>
    );
  }
  if (text === null) {
    return <p role="status">{trans.__('Loading…')}</p>;
  }
  if (value === null) {
    return <pre className="jp-mlkit-text">{text}</pre>;
  }
  const pairs = <JsonPairs value={value} />;
  return <Guard fallback={pairs}>{show?.(value) ?? pairs}</Guard>;
}

/** Realised shares as a table, the rule as names and values. */
function SplitRecord(
  props: Pick<Props, 'trans'> & { value: unknown }
): JSX.Element | null {
  const { counts, ...rest } = props.value as { counts?: Preview['roles'] };
  return Array.isArray(counts) ? (
    <>
      <RoleTable trans={props.trans} roles={counts} />
      <details className="jp-mlkit-details">
        <summary>{props.trans.__('Rule of the split')}</summary>
        <JsonPairs value={filled(rest)} />
      </details>
    </>
  ) : null;
}

/** Without the lists that hold nothing. */
function filled(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, item]) => !(Array.isArray(item) && item.length === 0)
    )
  );
}
