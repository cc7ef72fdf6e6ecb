/**
 * Two or more runs side by side, after the word on whether they may be compared.
 */
import * as React from 'react';

import { ErrorBox } from '../shared/errorBox';
import { Tabs } from '../shared/tabs';
import { CurvesTab } from './curvesTab';
import { DifferenceTable } from './differenceTable';
import { MapsTab } from './mapsTab';
import type { CompareTab, ICompareViewProps } from './types';
import { VerdictBanner } from './verdictBanner';

/** The main-area view of a comparison. */
export function CompareView(props: ICompareViewProps): JSX.Element {
  const { trans, comparison, error, onRetry, onTab } = props;
  const [tab, setTab] = React.useState<CompareTab>(props.initialTab ?? 'table');
  const [onlyDifferences, setOnly] = React.useState(true);
  const tell = React.useRef(onTab);
  tell.current = onTab;
  React.useEffect(() => {
    tell.current?.(tab);
  }, [tab]);

  if (!comparison) {
    return (
      <div className="jp-mlkit-view">
        {error ? (
          <ErrorBox trans={trans} error={error} onRetry={onRetry} />
        ) : (
          <p role="status">{trans.__('Loading comparison…')}</p>
        )}
      </div>
    );
  }
  return (
    <div className="jp-mlkit-view jp-mlkit-compare">
      {error && <ErrorBox trans={trans} error={error} onRetry={onRetry} />}
      <h1 className="jp-mlkit-run-name">
        {trans._n('Compare %1 run', 'Compare %1 runs', comparison.runs.length)}
      </h1>
      <VerdictBanner trans={trans} comparison={comparison} />
      <Tabs<CompareTab>
        label={trans.__('Parts of the comparison')}
        selected={tab}
        onSelect={setTab}
        tabs={[
          {
            key: 'table',
            label: trans.__('Table'),
            render: () => (
              <>
                <label className="jp-mlkit-curveControls">
                  <input
                    type="checkbox"
                    checked={onlyDifferences}
                    onChange={event => setOnly(event.target.checked)}
                  />{' '}
                  {trans.__('Differences only')}
                </label>
                <DifferenceTable
                  {...props}
                  comparison={comparison}
                  onlyDifferences={onlyDifferences}
                />
              </>
            )
          },
          {
            key: 'curves',
            label: trans.__('Curves'),
            render: () => <CurvesTab {...props} comparison={comparison} />
          },
          {
            key: 'maps',
            label: trans.__('Maps'),
            render: () => <MapsTab {...props} comparison={comparison} />
          }
        ]}
      />
    </div>
  );
}
