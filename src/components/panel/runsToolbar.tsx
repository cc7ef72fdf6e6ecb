/**
 * Which runs, in which order, with which columns.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { filterListIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Experiment } from '../../api/types';
import type { MetricGroup } from './orderChoices';
import { groupMetrics, shortKey } from './orderChoices';

/** An order of the list; null is the newest first. */
export interface IOrderChoice {
  by: string;
  ascending: boolean;
}

/** Props of `RunsToolbar`. */
export interface IRunsToolbarProps {
  trans: TranslationBundle;
  experiments: readonly Experiment[];
  experimentId: string | null;
  order: IOrderChoice | null;
  columns: readonly string[];
  availableColumns: readonly string[];
  showsDeleted: boolean;
  onExperiment: (experimentId: string | null) => void;
  onOrder: (order: IOrderChoice | null) => void;
  onColumns: (columns: readonly string[]) => void;
  onShowDeleted: (deleted: boolean) => void;
}

const ALL = '';

/** Two selects and a chooser. */
export function RunsToolbar(props: IRunsToolbarProps): JSX.Element {
  const { trans, experiments, experimentId, order, availableColumns } = props;
  const metrics = availableColumns.filter(key => key.startsWith('metrics.'));
  const sortable =
    order && !metrics.includes(order.by) && order.by !== NAME
      ? [order.by, ...metrics]
      : metrics;
  return (
    <div className="jp-mlkit-runsToolbar">
      <select
        className="jp-mlkit-select"
        aria-label={trans.__('Experiment')}
        value={experimentId ?? ALL}
        onChange={event => props.onExperiment(event.target.value || null)}
      >
        <option value={ALL}>{trans.__('All experiments')}</option>
        {experiments.map(experiment => (
          <option
            key={experiment.experiment_id}
            value={experiment.experiment_id}
          >
            {experiment.name}
          </option>
        ))}
      </select>
      <select
        className="jp-mlkit-select"
        aria-label={trans.__('Order')}
        value={orderKey(order)}
        onChange={event => props.onOrder(parseOrder(event.target.value))}
      >
        <option value="">{trans.__('Newest')}</option>
        <option value={`+${NAME}`}>{trans.__('Name')}</option>
        {groupMetrics(sortable).map(({ group, keys }) => (
          <optgroup key={group} label={groupWord(trans, group)}>
            {keys.map(key => (
              <React.Fragment key={key}>
                <option value={`+${key}`}>{`${shortKey(key)} ↑`}</option>
                <option value={`-${key}`}>{`${shortKey(key)} ↓`}</option>
              </React.Fragment>
            ))}
          </optgroup>
        ))}
      </select>
      <ColumnChooser {...props} />
    </div>
  );
}

/** More metrics and params for the rows. */
function ColumnChooser(props: IRunsToolbarProps): JSX.Element {
  const { trans, columns, availableColumns } = props;
  const toggle = (key: string) =>
    props.onColumns(
      columns.includes(key)
        ? columns.filter(other => other !== key)
        : [...columns, key]
    );
  const box = React.useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (box.current) {
      box.current.open = false;
    }
  };
  return (
    <details
      ref={box}
      className="jp-mlkit-columns"
      onKeyDown={event => {
        if (event.key === 'Escape') {
          close();
          box.current?.querySelector('summary')?.focus();
        }
      }}
      onBlur={event => {
        if (!event.currentTarget.contains(event.relatedTarget)) {
          close();
        }
      }}
    >
      <summary
        aria-label={trans.__('Columns')}
        title={trans.__('Columns')}
        role="button"
      >
        <filterListIcon.react tag="span" className="jp-mlkit-icon" />
      </summary>
      <fieldset className="jp-mlkit-columns-list" tabIndex={-1}>
        <legend>{trans.__('Show in the list')}</legend>
        {availableColumns.length === 0 && (
          <p className="jp-mlkit-dim">
            {trans.__('Metrics and params of the runs, once there are any.')}
          </p>
        )}
        {availableColumns.map(key => (
          <label key={key}>
            <input
              type="checkbox"
              checked={columns.includes(key)}
              onChange={() => toggle(key)}
            />
            {shortKey(key)}
          </label>
        ))}
        <hr />
        <label>
          <input
            type="checkbox"
            checked={props.showsDeleted}
            onChange={event => props.onShowDeleted(event.target.checked)}
          />
          {trans.__('Deleted runs instead')}
        </label>
      </fieldset>
    </details>
  );
}

const NAME = 'attributes.run_name';

function groupWord(trans: TranslationBundle, group: MetricGroup): string {
  const words: Record<MetricGroup, string> = {
    val: trans.__('Validation'),
    test: trans.__('Test'),
    train: trans.__('Train'),
    other: trans.__('Other'),
    rest: trans.__('Baselines, counts and costs')
  };
  return words[group];
}

function orderKey(order: IOrderChoice | null): string {
  return order ? `${order.ascending ? '+' : '-'}${order.by}` : '';
}

function parseOrder(key: string): IOrderChoice | null {
  return key ? { by: key.slice(1), ascending: key.startsWith('+') } : null;
}
