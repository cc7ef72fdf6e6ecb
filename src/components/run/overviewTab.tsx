/**
 * What a run achieved: maps, scores, parameters, tags, note.
 */
import * as React from 'react';

import type { Run } from '../../api/types';
import { ArtifactImage } from '../shared/artifactImage';
import { EditableText } from '../shared/editableText';
import { waitingReason } from '../shared/waiting';
import { costRows } from './costRows';
import { MetricsTable } from './metricsTable';
import { TagsTable } from './tagsTable';
import type { IRunViewProps } from './types';

/** First tab of the run view. */
export function OverviewTab(
  props: Pick<IRunViewProps, 'trans' | 'artifacts' | 'edits'> & { run: Run }
): JSX.Element {
  const { trans, run, artifacts, edits } = props;
  const locked = run.waiting ? waitingReason(trans) : undefined;
  const costs = costRows(trans, run);
  const map = (name: string, caption: string) => (
    <ArtifactImage
      trans={trans}
      // A run that ends logs its maps last, so the state belongs to the key.
      imageKey={`${run.run_id}/${name}/${run.status}`}
      read={() => artifacts.read(`maps/${name}.png`)}
      caption={caption}
      optional
    />
  );
  return (
    <div className="jp-mlkit-run-overview">
      <section
        className="jp-mlkit-run-maps"
        aria-label={trans.__('Truth, prediction and error')}
      >
        {!run.waiting && (
          <>
            {map(
              'worst',
              trans.__('Truth, prediction, error: worst time step')
            )}
            {map(
              'median',
              trans.__('Truth, prediction, error: median time step')
            )}
          </>
        )}
      </section>
      <section
        className="jp-mlkit-run-metrics"
        aria-label={trans.__('Metrics')}
      >
        <h2>{trans.__('Metrics')}</h2>
        <MetricsTable trans={trans} run={run} />
        {costs.length > 0 && (
          <>
            <h2>{trans.__('Cost')}</h2>
            <dl className="jp-mlkit-pairs" aria-label={trans.__('Cost')}>
              {costs.map(cost => (
                <React.Fragment key={cost.key}>
                  <dt title={cost.key}>{cost.label}</dt>
                  <dd title={cost.title}>{cost.text}</dd>
                </React.Fragment>
              ))}
            </dl>
          </>
        )}
      </section>
      <section
        className="jp-mlkit-run-params"
        aria-label={trans.__('Parameters')}
      >
        <h2>{trans.__('Parameters')}</h2>
        <Params {...props} />
      </section>
      <section className="jp-mlkit-run-tags" aria-label={trans.__('Tags')}>
        <h2>{trans.__('Tags')}</h2>
        <TagsTable
          trans={trans}
          tags={run.tags}
          edits={edits}
          locked={locked}
        />
      </section>
      <section className="jp-mlkit-run-note" aria-label={trans.__('Note')}>
        <h2>{trans.__('Note')}</h2>
        <EditableText
          trans={trans}
          value={run.note}
          label={trans.__('note')}
          placeholder={trans.__('What did you learn?')}
          maxLength={8000}
          onSave={edits.setNote}
          locked={locked}
          multiline
        />
      </section>
    </div>
  );
}

function Params({
  trans,
  run
}: Pick<IRunViewProps, 'trans'> & { run: Run }): JSX.Element {
  const keys = Object.keys(run.params).sort();
  if (keys.length === 0) {
    return <p className="jp-mlkit-dim">{trans.__('None logged.')}</p>;
  }
  return (
    <dl className="jp-mlkit-pairs">
      {keys.map(key => (
        <React.Fragment key={key}>
          <dt>{key}</dt>
          <dd className="jp-mlkit-code">{breakable(run.params[key])}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}

/** A class path or an address may end its line before a name, not within one. */
function breakable(text: string): React.ReactNode {
  return text.split(/(?<=[./])(?=[A-Za-z_])/).map((part, index) => (
    <React.Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </React.Fragment>
  ));
}
