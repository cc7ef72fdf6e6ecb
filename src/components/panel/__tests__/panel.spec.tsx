import { nullTranslator } from '@jupyterlab/translation';
import '@testing-library/jest-dom';
import { act, fireEvent, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import {
  makeEvaluation,
  makeJob,
  makeRun
} from '../../../model/__tests__/fakeServer';
import type { IPanelProps } from '../panel';
import { Panel } from '../panel';

const trans = nullTranslator.load('jupyter_mlkit');
const nothing = () => undefined;

const metric = { key: 'val_rmse', value: 1.9312, step: 3, timestamp: 1 };

function propsOf(more: {
  jobs?: Partial<IPanelProps['jobs']>;
  runs?: Partial<IPanelProps['runs']>;
  head?: Partial<IPanelProps['head']>;
  cubes?: Partial<IPanelProps['cubes']>;
  models?: Partial<IPanelProps['models']>;
  serverError?: IPanelProps['serverError'];
}): IPanelProps {
  return {
    trans,
    serverError: more.serverError ?? null,
    onRetry: nothing,
    folded: [],
    onFold: nothing,
    head: {
      status: null,
      isLive: true,
      filter: '',
      filterError: null,
      onFilter: nothing,
      onTrain: nothing,
      onMenu: nothing,
      showsStatus: false,
      onCloseStatus: nothing,
      sync: { state: null, onSend: () => Promise.resolve() },
      ...more.head
    },
    jobs: {
      active: [],
      ended: [],
      isLoaded: true,
      error: null,
      isStopping: () => false,
      isMine: () => true,
      detailed: null,
      tail: null,
      onDetail: nothing,
      onRerun: nothing,
      onOpenRun: nothing,
      onOpenLog: nothing,
      onStop: nothing,
      onTrain: nothing,
      onRetry: nothing,
      ...more.jobs
    },
    runs: {
      experiments: [],
      experimentId: null,
      runs: [],
      pending: 0,
      hasMore: false,
      isLoaded: true,
      error: null,
      filter: '',
      order: null,
      columns: [],
      availableColumns: [],
      selection: [],
      showsDeleted: false,
      curveOf: () => [],
      onExperiment: nothing,
      onOrder: nothing,
      onColumns: nothing,
      onShowDeleted: nothing,
      onToggle: nothing,
      onOpen: nothing,
      onRestoreChosen: nothing,
      onCompare: nothing,
      onDeleteChosen: nothing,
      onClearSelection: nothing,
      onClearFilter: nothing,
      onShowPending: nothing,
      onMore: nothing,
      onReading: nothing,
      onTrain: nothing,
      onInsertLogging: nothing,
      onRetry: nothing,
      ...more.runs
    },
    cubes: {
      cubes: [],
      isDescribing: () => false,
      problemOf: () => null,
      onTrain: nothing,
      onDescribe: nothing,
      onInsertCode: nothing,
      onForget: nothing,
      ...more.cubes
    },
    models: {
      models: [],
      hasMore: false,
      isLoaded: true,
      error: null,
      onOpen: nothing,
      onInsertCode: nothing,
      onMore: nothing,
      onRetry: nothing,
      ...more.models
    }
  };
}

describe('Panel', () => {
  it('says what to do when there is nothing, and does it with one click', async () => {
    const onTrain = jest.fn();
    render(<Panel {...propsOf({ runs: { onTrain } })} />);
    expect(screen.getByText('No runs yet.')).toBeVisible();
    const runs = screen.getByRole('region', { name: /Runs/ });
    await userEvent.click(
      within(runs).getByRole('button', { name: 'Train on a cube…' })
    );
    expect(onTrain).toHaveBeenCalled();
  });

  it('says how to get the server part where it is missing', () => {
    const serverError = { message: '', code: 'server_missing' };
    render(<Panel {...propsOf({ serverError })} />);
    expect(screen.getByRole('alert')).toHaveTextContent(
      'jupyter server extension enable jupyter_mlkit'
    );
  });

  it('shows a run with role, value, unit and the word for its state', () => {
    const runs = [makeRun('a', { run_name: 'gbt', metrics: [metric] })];
    render(<Panel {...propsOf({ runs: { runs } })} />);
    const row = screen.getByRole('row', { name: /gbt/ });
    expect(row).toHaveTextContent('val 1.93 K');
    expect(row).toHaveTextContent('finished');
    expect(
      within(row).getByRole('img', { name: /unknown/ })
    ).toBeInTheDocument();
  });

  it('marks runs that may be lost and runs that wait, and deletes none that waits', () => {
    const runs = [
      makeRun('a', { status: 'RUNNING', lost: true }),
      makeRun('b', { status: 'RUNNING', waiting: true })
    ];
    const { rerender } = render(
      <Panel {...propsOf({ runs: { runs, selection: ['a'] } })} />
    );
    const row = (name: RegExp) => screen.getByRole('row', { name });
    expect(within(row(/of a/)).getByText('lost?')).toBeVisible();
    expect(row(/of a/)).not.toHaveTextContent(/running|not sent/);
    expect(row(/of b/)).toHaveTextContent(/running.*not sent yet/);
    const remove = () => screen.getByRole('button', { name: 'Delete…' });
    expect(remove()).toBeEnabled();
    rerender(<Panel {...propsOf({ runs: { runs, selection: ['a', 'b'] } })} />);
    expect(remove()).toBeDisabled();
    expect(remove().title).toMatch(/Not possible yet/);
  });

  it('is worked by keyboard: arrows move, Enter opens, Space chooses', async () => {
    const onOpen = jest.fn();
    const onToggle = jest.fn();
    const runs = [makeRun('a'), makeRun('b'), makeRun('c')];
    render(<Panel {...propsOf({ runs: { runs, onOpen, onToggle } })} />);
    const rows = within(
      screen.getByRole('grid', { name: 'Runs' })
    ).getAllByRole('row');
    expect(rows.map(row => row.tabIndex)).toEqual([0, -1, -1]);
    act(() => rows[0].focus());
    await userEvent.keyboard('{ArrowDown}{ArrowDown}');
    expect(rows[2]).toHaveFocus();
    expect(rows.map(row => row.tabIndex)).toEqual([-1, -1, 0]);
    await userEvent.keyboard(' {Enter}');
    expect(onToggle).toHaveBeenCalledWith('c');
    expect(onOpen).toHaveBeenCalledWith('c');
    await userEvent.keyboard('{Home}');
    expect(rows[0]).toHaveFocus();
  });

  it('opens by one click on the row, and chooses by the box or beside it', async () => {
    const onOpen = jest.fn();
    const onToggle = jest.fn();
    const runs = [makeRun('a')];
    render(<Panel {...propsOf({ runs: { runs, onOpen, onToggle } })} />);
    const name = screen.getByText('name of a');
    fireEvent.click(name, { detail: 1 });
    fireEvent.click(name, { detail: 2 });
    expect(onOpen.mock.calls).toEqual([['a']]);
    const box = screen.getByRole('checkbox', { name: 'Choose name of a' });
    await userEvent.click(box);
    fireEvent.click(box.parentElement as HTMLElement);
    expect(onToggle.mock.calls).toEqual([['a'], ['a']]);
    expect(onOpen).toHaveBeenCalledTimes(1);
  });

  it('steps into the actions of a row and back', async () => {
    const onStop = jest.fn();
    const onOpenLog = jest.fn();
    const active = [makeJob('a', { name: 'lst' })];
    render(<Panel {...propsOf({ jobs: { active, onStop, onOpenLog } })} />);
    const row = screen.getByRole('row', { name: /lst/ });
    act(() => row.focus());
    await userEvent.keyboard('{ArrowRight}');
    expect(screen.getByRole('button', { name: 'Stop lst' })).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    expect(onStop).toHaveBeenCalledWith('a');
    await userEvent.keyboard('{Escape}');
    expect(row).toHaveFocus();
    // Without a run there is only the log to open.
    await userEvent.keyboard('{Enter}');
    expect(onOpenLog).toHaveBeenCalledWith('a');
  });

  it('offers new runs instead of moving the rows', async () => {
    const onShowPending = jest.fn();
    const runs = [makeRun('a')];
    const props = propsOf({ runs: { runs, pending: 3, onShowPending } });
    render(<Panel {...props} />);
    await userEvent.click(screen.getByRole('button', { name: '3 new runs' }));
    expect(onShowPending).toHaveBeenCalled();
  });

  it('knows when the list is read', () => {
    const onReading = jest.fn();
    render(
      <Panel {...propsOf({ runs: { runs: [makeRun('a')], onReading } })} />
    );
    const row = screen.getByRole('row', { name: /name of a/ });
    fireEvent.focus(row);
    expect(onReading).toHaveBeenLastCalledWith(true);
    fireEvent.blur(row);
    expect(onReading).toHaveBeenLastCalledWith(false);
  });

  it('compares from two chosen runs on', async () => {
    const onCompare = jest.fn();
    const runs = [makeRun('a'), makeRun('b')];
    const one = propsOf({ runs: { runs, selection: ['a'], onCompare } });
    const { rerender } = render(<Panel {...one} />);
    expect(screen.getByRole('button', { name: 'Compare 1' })).toBeDisabled();
    const two = propsOf({ runs: { runs, selection: ['a', 'b'], onCompare } });
    rerender(<Panel {...two} />);
    await userEvent.click(screen.getByRole('button', { name: 'Compare 2' }));
    expect(onCompare).toHaveBeenCalled();
  });

  it('shows what is wrong with the filter beside its box', async () => {
    const onFilter = jest.fn();
    const filterError = { message: 'no such comparator' };
    render(<Panel {...propsOf({ head: { filterError, onFilter } })} />);
    const box = screen.getByRole('searchbox', { name: 'Search runs' });
    expect(box).toBeInvalid();
    expect(box).toHaveAccessibleDescription('no such comparator');
    await userEvent.type(box, 'x{Enter}');
    expect(onFilter).toHaveBeenCalledWith('x');
  });

  it('says what the server is, where asked, without a dialog', async () => {
    const onCloseStatus = jest.fn();
    const status = {
      version: '0.1.0',
      mlflow_version: '3.1',
      tracking_uri: 'sqlite:////data/mlflow.db',
      store: 'local' as const,
      artifact_root: '/data/artifacts',
      root_dir: '/home',
      person: 'ada',
      problems: [{ message: 'slow', code: 'slow', hint: 'wait', field: null }]
    };
    const head = { status, showsStatus: true, onCloseStatus };
    render(<Panel {...propsOf({ head })} />);
    const box = screen.getByRole('region', { name: 'Server status' });
    expect(box).toHaveTextContent('sqlite:////data/mlflow.db');
    expect(box).toHaveTextContent('/data/artifacts');
    expect(screen.getByRole('alert')).toHaveTextContent('slowwait');
    await userEvent.click(within(box).getByRole('button'));
    expect(onCloseStatus).toHaveBeenCalled();
  });

  it('shows what runs on the same cells have to beat, as no run', () => {
    const evaluation = makeEvaluation('x');
    const key = 'baseline/climatology/val_rmse';
    const metrics = [metric, { ...metric, key, value: 3.4 }];
    const runs = [makeRun('a', { evaluation, metrics })];
    render(<Panel {...propsOf({ runs: { runs } })} />);
    expect(screen.getByRole('note')).toHaveTextContent(
      'baselineval 3.40 Kclimatology'
    );
    expect(
      within(screen.getByRole('grid', { name: 'Runs' })).getAllByRole('row')
    ).toHaveLength(1);
  });

  it('announces a change of state, and not what was there before', () => {
    const job = makeJob('a', { name: 'lst' });
    const { rerender } = render(
      <Panel {...propsOf({ jobs: { active: [job] } })} />
    );
    const live = screen
      .getAllByRole('status')
      .find(node => node.getAttribute('aria-live') === 'polite');
    expect(live).toBeEmptyDOMElement();
    const ended = [{ ...job, state: 'DONE' as const, ended: 3 }];
    rerender(<Panel {...propsOf({ jobs: { ended } })} />);
    expect(live).toHaveTextContent('lst: finished');
  });

  it('shows more metrics and params where asked', () => {
    const params = { max_depth: '3' };
    const runs = [makeRun('a', { params })];
    render(
      <Panel {...propsOf({ runs: { runs, columns: ['params.max_depth'] } })} />
    );
    expect(screen.getByRole('row', { name: /max_depth 3/ })).toBeVisible();
  });

  it('names models by their aliases and loads the champion', async () => {
    const onInsertCode = jest.fn();
    const model = {
      name: 'lst',
      description: '',
      creation_time: 1,
      last_updated_time: 1,
      aliases: { champion: '7', old: '3' },
      latest_version: '8',
      tags: {}
    };
    const props = propsOf({ models: { models: [model], onInsertCode } });
    render(<Panel {...props} />);
    const row = screen.getByRole('row', { name: /v7 champion/ });
    expect(row).toHaveTextContent('v8');
    await userEvent.click(
      within(row).getByRole('button', { name: 'Insert code that loads lst' })
    );
    expect(onInsertCode).toHaveBeenCalledWith('models:/lst@champion');
  });

  it('shows names as text, whatever they hold', () => {
    const name = '<img src=x onerror=alert(1)>';
    const runs = [makeRun('a', { run_name: name })];
    const { container } = render(<Panel {...propsOf({ runs: { runs } })} />);
    expect(screen.getByText(name)).toBeVisible();
    expect(container.querySelector('img[src]')).toBeNull();
  });
});
