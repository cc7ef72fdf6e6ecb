/**
 * The runs of an experiment.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { IErrorInfo } from '../../api/errors';
import type { Experiment, Run } from '../../api/types';
import { sharedBaseline } from '../shared/baseline';
import { EmptyView } from '../shared/emptyView';
import { ErrorBox } from '../shared/errorBox';
import { waitingReason } from '../shared/waiting';
import { BaselineRow } from './baselineRow';
import { RovingList } from './rovingList';
import { RunRow } from './runRow';
import type { IOrderChoice } from './runsToolbar';
import { RunsToolbar } from './runsToolbar';

/** Props of `RunsSection`. */
export interface IRunsSectionProps {
  trans: TranslationBundle;
  experiments: readonly Experiment[];
  experimentId: string | null;
  runs: readonly Run[];
  /** New runs that wait to be shown. */
  pending: number;
  hasMore: boolean;
  isLoaded: boolean;
  error: IErrorInfo | null;
  filter: string;
  order: IOrderChoice | null;
  columns: readonly string[];
  availableColumns: readonly string[];
  selection: readonly string[];
  showsDeleted: boolean;
  curveOf: (runId: string) => readonly number[];
  onExperiment: (experimentId: string | null) => void;
  onOrder: (order: IOrderChoice | null) => void;
  onColumns: (columns: readonly string[]) => void;
  onShowDeleted: (deleted: boolean) => void;
  onToggle: (runId: string) => void;
  onOpen: (runId: string) => void;
  onRestoreChosen: () => void;
  onCompare: () => void;
  onDeleteChosen: () => void;
  onClearSelection: () => void;
  onClearFilter: () => void;
  onShowPending: () => void;
  onMore: () => void;
  onReading: (reading: boolean) => void;
  onTrain: () => void;
  onInsertLogging: () => void;
  onRetry: () => void;
}

/** Experiment, order and columns; then the list. */
export function RunsSection(props: IRunsSectionProps): JSX.Element {
  const { trans, runs, pending, selection, error, isLoaded } = props;
  const baseline = React.useMemo(() => sharedBaseline(runs), [runs]);
  // Pointer and focus are told apart: the list is read while either is in it.
  const reading = React.useRef({ pointer: false, focus: false });
  const tell = (part: 'pointer' | 'focus', isIn: boolean) => {
    reading.current[part] = isIn;
    props.onReading(reading.current.pointer || reading.current.focus);
  };
  if (error && !isLoaded) {
    return <ErrorBox trans={trans} error={error} onRetry={props.onRetry} />;
  }
  if (!isLoaded) {
    return <p className="jp-mlkit-loading">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      <RunsToolbar {...props} />
      {error && (
        <ErrorBox trans={trans} error={error} onRetry={props.onRetry} />
      )}
      {pending > 0 && (
        <button
          type="button"
          className="jp-mlkit-pending"
          onClick={props.onShowPending}
        >
          {trans._n('%1 new run', '%1 new runs', pending)}
        </button>
      )}
      {runs.length === 0 ? (
        <NoRuns {...props} />
      ) : (
        <div
          onPointerEnter={() => tell('pointer', true)}
          onPointerLeave={() => tell('pointer', false)}
          onFocus={() => tell('focus', true)}
          onBlur={event => {
            if (!event.currentTarget.contains(event.relatedTarget)) {
              tell('focus', false);
            }
          }}
        >
          <RovingList
            label={trans.__('Runs')}
            items={runs}
            keyOf={run => run.run_id}
            onOpen={run => props.onOpen(run.run_id)}
            onChoose={run => props.onToggle(run.run_id)}
            isChosen={run => selection.includes(run.run_id)}
            render={run => (
              <RunRow
                trans={trans}
                run={run}
                curve={props.curveOf(run.run_id)}
                columns={props.columns}
                isChosen={selection.includes(run.run_id)}
                onChoose={() => props.onToggle(run.run_id)}
              />
            )}
          />
        </div>
      )}
      {baseline && <BaselineRow trans={trans} baseline={baseline} />}
      {props.hasMore && (
        <button
          type="button"
          className="jp-mlkit-link jp-mlkit-more"
          onClick={props.onMore}
        >
          {trans.__('Show older runs')}
        </button>
      )}
      {runs.length > 0 && <Chosen {...props} />}
    </>
  );
}

/** What can be done with the chosen runs. */
function Chosen(props: IRunsSectionProps): JSX.Element | null {
  const { trans, runs, selection, showsDeleted } = props;
  const waits = runs.some(run => run.waiting && selection.includes(run.run_id));
  if (selection.length === 0) {
    return null;
  }
  return (
    <div className="jp-mlkit-chosen">
      {showsDeleted ? (
        <button
          type="button"
          className="jp-mlkit-button"
          onClick={props.onRestoreChosen}
        >
          {trans.__('Restore %1', selection.length)}
        </button>
      ) : (
        <button
          type="button"
          className="jp-mlkit-button jp-mod-accept"
          disabled={selection.length < 2}
          title={
            selection.length < 2
              ? trans.__('Choose one more run to compare')
              : undefined
          }
          onClick={props.onCompare}
        >
          {trans.__('Compare %1', selection.length)}
        </button>
      )}
      {!showsDeleted && (
        <button
          type="button"
          className="jp-mlkit-link"
          disabled={waits}
          title={waits ? waitingReason(trans) : undefined}
          onClick={props.onDeleteChosen}
        >
          {trans.__('Delete…')}
        </button>
      )}
      <button
        type="button"
        className="jp-mlkit-link"
        onClick={props.onClearSelection}
      >
        {trans.__('Clear')}
      </button>
    </div>
  );
}

function NoRuns(props: IRunsSectionProps): JSX.Element {
  const { trans } = props;
  if (props.showsDeleted) {
    return <EmptyView title={trans.__('No deleted runs here.')} />;
  }
  if (props.filter) {
    return (
      <EmptyView
        title={trans.__('No run matches.')}
        actions={[
          { label: trans.__('Clear the search'), onClick: props.onClearFilter }
        ]}
      />
    );
  }
  return (
    <EmptyView
      title={trans.__('No runs yet.')}
      text={trans.__(
        'Train on a cube, or log from a notebook: runs appear here as they start.'
      )}
      actions={[
        {
          label: trans.__('Train on a cube…'),
          onClick: props.onTrain,
          primary: true
        },
        {
          label: trans.__('Insert logging code'),
          onClick: props.onInsertLogging
        }
      ]}
    />
  );
}
