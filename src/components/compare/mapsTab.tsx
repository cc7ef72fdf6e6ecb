/**
 * The same map of each run, side by side.
 */
import * as React from 'react';

import type { Comparison } from '../../api/types';
import { ArtifactImage } from '../shared/artifactImage';
import { runLabels } from './runLabels';
import type { ICompareViewProps } from './types';

const MAPS = ['worst', 'median', 'split'] as const;
type MapName = (typeof MAPS)[number];

/** Maps tab of the comparison. */
export function MapsTab(
  props: Pick<ICompareViewProps, 'trans' | 'readArtifact'> & {
    comparison: Comparison;
  }
): JSX.Element {
  const { trans, comparison, readArtifact } = props;
  const [name, setName] = React.useState<MapName>('worst');
  const labels = runLabels(comparison.runs);
  const words: Record<MapName, string> = {
    worst: trans.__('truth, prediction, error: worst time step'),
    median: trans.__('truth, prediction, error: median time step'),
    split: trans.__('split')
  };
  return (
    <>
      <label className="jp-mlkit-curveControls">
        {trans.__('Map')}{' '}
        <select
          className="jp-mlkit-select"
          value={name}
          onChange={event =>
            setName(MAPS.find(map => map === event.target.value) ?? 'worst')
          }
        >
          {MAPS.map(map => (
            <option key={map} value={map}>
              {words[map]}
            </option>
          ))}
        </select>
      </label>
      <p className="jp-mlkit-dim">
        {trans.__(
          'Each run chose its own time step and colour scale; read the numbers on the scale.'
        )}
      </p>
      <div className="jp-mlkit-compare-maps">
        {comparison.runs.map(run => (
          <ArtifactImage
            key={run.run_id}
            trans={trans}
            imageKey={`${run.run_id}/${name}`}
            read={() => readArtifact(run.run_id, `maps/${name}.png`)}
            caption={labels.get(run.run_id) ?? run.run_name}
          />
        ))}
      </div>
    </>
  );
}
