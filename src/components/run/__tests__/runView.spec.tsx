import '@testing-library/jest-dom';
import { screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import { MLKitError } from '../../../api/errors';
import type { Run } from '../../../api/types';
import { RunView } from '../runView';
import {
  XSS,
  makeEdits,
  makeProps,
  makeReader,
  makeRun,
  show
} from './fixtures';

beforeAll(() => {
  URL.createObjectURL = jest.fn(() => 'blob:picture');
  URL.revokeObjectURL = jest.fn();
});

describe('RunView', () => {
  it('leads with state, validation score and gain over the best baseline', async () => {
    await show(<RunView {...makeProps()} />);
    const header = within(screen.getByRole('banner'));
    expect(header.getByText('finished')).toBeVisible();
    expect(header.getByText(/1 m 52 s/)).toBeVisible();
    expect(header.getByText('2.11 K')).toBeVisible();
    expect(header.getByText(/−38 % vs climatology/)).toBeVisible();
  });

  it('shows roles as columns and baselines below their metric', async () => {
    await show(<RunView {...makeProps()} />);
    const rows = within(screen.getByRole('table')).getAllByRole('row');
    expect(rows[1]).toHaveTextContent(/^rmse1\.712\.112\.20K$/);
    expect(rows[2]).toHaveTextContent(/climatology best baseline/);
  });

  it('shows strings from the run as text, never as markup', async () => {
    const run = makeRun({
      run_name: XSS,
      note: XSS,
      params: { [XSS]: XSS },
      tags: { [XSS]: XSS },
      metrics: [{ key: XSS, value: 'NaN', step: 0, timestamp: 0 }]
    });
    const { container } = await show(<RunView {...makeProps({ run })} />);
    expect(screen.getAllByText(XSS).length).toBeGreaterThanOrEqual(6);
    expect(container.querySelector('img')).toBeNull();
    expect(globalThis).not.toHaveProperty('hacked');
  });

  it('lets nobody change a run that its store does not know yet, and says why', async () => {
    const user = userEvent.setup();
    const artifacts = makeReader({});
    const run = makeRun({ waiting: true, status: 'RUNNING' });
    await show(<RunView {...makeProps({ run, artifacts })} />);
    expect(screen.getByText('not sent yet')).toBeVisible();
    expect(screen.getByRole('status')).toHaveTextContent(
      /journal on disk only/
    );
    for (const name of ['Edit name', 'Edit note', 'Delete tag team']) {
      const button = screen.getByRole('button', { name });
      expect(button).toBeDisabled();
      expect(button.title).toMatch(/Not possible yet/);
    }
    expect(screen.queryByRole('button', { name: 'Add tag' })).toBeNull();
    await user.click(screen.getByRole('tab', { name: 'Artifacts' }));
    expect(screen.getByRole('tabpanel')).toHaveTextContent(/Not possible yet/);
    expect(artifacts.list).not.toHaveBeenCalled();
    expect(artifacts.read).not.toHaveBeenCalled();
  });

  it('opens the notebook as it was, where there is one', async () => {
    const name = 'Open the notebook as it was';
    const { rerender } = await show(<RunView {...makeProps()} />);
    expect(screen.queryByRole('button', { name })).toBeNull();
    const onOpenNotebook = jest.fn();
    rerender(<RunView {...makeProps({ onOpenNotebook })} />);
    await userEvent.click(screen.getByRole('button', { name }));
    expect(onOpenNotebook).toHaveBeenCalled();
  });

  it('says that it loads, and why it could not', async () => {
    const { rerender } = await show(<RunView {...makeProps({ run: null })} />);
    expect(screen.getByRole('status')).toHaveTextContent('Loading');
    const error = new MLKitError(
      { message: 'The store is locked.', hint: 'Close the other program.' },
      502
    );
    const onRetry = jest.fn();
    rerender(<RunView {...makeProps({ run: null, error, onRetry })} />);
    expect(screen.getByRole('alert')).toHaveTextContent('Close the other');
    screen.getByRole('button', { name: 'Try again' }).click();
    expect(onRetry).toHaveBeenCalled();
  });

  it('renames on Enter and gives up on Escape', async () => {
    const user = userEvent.setup();
    const edits = makeEdits();
    await show(<RunView {...makeProps({ edits })} />);
    await user.click(screen.getByRole('button', { name: 'Edit name' }));
    await user.clear(screen.getByRole('textbox', { name: 'name' }));
    await user.keyboard('new name{Escape}');
    expect(edits.rename).not.toHaveBeenCalled();
    await user.click(screen.getByRole('button', { name: 'Edit name' }));
    await user.clear(screen.getByRole('textbox', { name: 'name' }));
    await user.keyboard('new name{Enter}');
    expect(edits.rename).toHaveBeenCalledWith('new name');
  });

  it('keeps what was typed when saving fails, and says why', async () => {
    const user = userEvent.setup();
    const edits = makeEdits();
    edits.setNote.mockRejectedValue(new Error('The store is gone.'));
    await show(<RunView {...makeProps({ edits })} />);
    await user.click(screen.getByRole('button', { name: 'Edit note' }));
    await user.type(screen.getByRole('textbox', { name: 'note' }), 'learned');
    await user.click(screen.getByRole('button', { name: 'Save' }));
    expect(await screen.findByRole('alert')).toHaveTextContent('gone');
    expect(screen.getByRole('textbox', { name: 'note' })).toHaveValue(
      'learned'
    );
  });

  it('adds, changes and deletes tags, but not those that describe the data', async () => {
    const user = userEvent.setup();
    const edits = makeEdits();
    await show(<RunView {...makeProps({ edits })} />);
    await user.type(screen.getByLabelText('Key of a new tag'), 'toString');
    await user.type(screen.getByLabelText('Value of a new tag'), 'v');
    await user.click(screen.getByRole('button', { name: 'Add tag' }));
    expect(edits.setTag).toHaveBeenCalledWith('toString', 'v');
    await user.click(screen.getByRole('button', { name: 'Delete tag team' }));
    expect(edits.deleteTag).toHaveBeenCalledWith('team');
    expect(
      screen.queryByRole('button', { name: 'Delete tag mlkit.units' })
    ).toBeNull();
    await user.type(screen.getByLabelText('Key of a new tag'), 'team');
    expect(screen.getByRole('button', { name: 'Add tag' })).toBeDisabled();
  });

  it('folds the tags of the system below those of people, and lets nobody set them', async () => {
    const user = userEvent.setup();
    const tags = { 'mlflow.user': 'ada', 'mlkit.units': 'K', team: 'earth' };
    await show(<RunView {...makeProps({ run: makeRun({ tags }) })} />);
    const fold = screen.getByText('System tags (2)').closest('details');
    expect(fold).not.toHaveAttribute('open');
    expect(within(fold as HTMLElement).getByText('mlflow.user')).toBeDefined();
    expect(within(fold as HTMLElement).queryByRole('button')).toBeNull();
    await user.type(screen.getByLabelText('Key of a new tag'), 'mlflow.user');
    expect(screen.getByRole('button', { name: 'Add tag' })).toBeDisabled();
    expect(screen.getByText(/kept by the system/)).toBeVisible();
  });

  it('moves between tabs by keyboard and tells the host', async () => {
    const user = userEvent.setup();
    const onTab = jest.fn();
    await show(<RunView {...makeProps({ onTab })} />);
    screen.getByRole('tab', { name: 'Overview' }).focus();
    await user.keyboard('{ArrowRight}');
    expect(screen.getByRole('tab', { name: 'Charts' })).toHaveFocus();
    expect(onTab).toHaveBeenLastCalledWith('charts');
    await user.keyboard('{End}');
    expect(screen.getByRole('tab', { name: 'Log' })).toHaveAttribute(
      'aria-selected',
      'true'
    );
  });

  it('shows the maps of the run and leaves out what is missing', async () => {
    const artifacts = makeReader({ 'maps/worst.png': 'png' });
    await show(<RunView {...makeProps({ artifacts })} />);
    const picture = await screen.findByRole('img', { name: /worst time step/ });
    expect(picture).toHaveAttribute('src', 'blob:picture');
    await waitFor(() =>
      expect(screen.queryByText(/median time step/)).toBeNull()
    );
  });

  it('says that a run without a job has no output', async () => {
    const run = makeRun({ job_id: null });
    await show(<RunView {...makeProps({ run, initialTab: 'log' })} />);
    expect(screen.getByText(/not started as a job/)).toBeVisible();
  });

  it('follows the output, and holds still while it is paused', async () => {
    const user = userEvent.setup();
    const onFollowLog = jest.fn();
    const props = makeProps({ initialTab: 'log', onFollowLog });
    const log = { text: XSS, truncated: false, complete: false, error: null };
    const { rerender } = await show(<RunView {...props} log={log} />);
    const output = screen.getByLabelText('Output of the job');
    expect(output).toHaveTextContent(XSS);
    await user.click(screen.getByRole('button', { name: 'Pause' }));
    expect(onFollowLog).toHaveBeenLastCalledWith(false);
    rerender(<RunView {...props} log={{ ...log, text: 'later' }} />);
    expect(output).toHaveTextContent(XSS);
    await user.click(screen.getByRole('button', { name: 'Follow' }));
    expect(output).toHaveTextContent('later');
  });

  it('shows datasets and scaling, and says what was not logged', async () => {
    const artifacts = makeReader({
      'mlkit/scaling.json': '{"kind": "standardize", "note": "<b>x</b>"}'
    });
    const run = makeRun({
      datasets: [
        {
          name: 'demo',
          digest: 'abc',
          source_type: 'cube',
          source: '{"uri": "/data/demo.zarr"}',
          schema: JSON.stringify({
            cube: {
              dims: { time: 4, lat: 8 },
              variables: { t2m: { units: 'K', role: 'feature' } }
            }
          }),
          profile: 'not JSON',
          context: 'training'
        }
      ]
    });
    await show(
      <RunView {...makeProps({ run, artifacts, initialTab: 'data' })} />
    );
    expect(screen.getByText('/data/demo.zarr')).toBeVisible();
    expect(screen.getByText('time 4 × lat 8')).toBeVisible();
    expect(screen.getByRole('row', { name: /t2m K feature/ })).toBeVisible();
    expect(await screen.findByText('<b>x</b>')).toBeVisible();
    expect(await screen.findByText(/not logged it/)).toBeVisible();
  });

  it('says where and when a cube is, and finds the runs on it', async () => {
    const cube = {
      dims: { time: 4 },
      variables: {},
      period: ['2010-01-01', '2012-06-30'],
      bbox: [9.5, -0.5, 13.5, XSS],
      crs: 'EPSG:4326'
    };
    const dataset = {
      name: 'demo',
      digest: 'stored:abc',
      source_type: 'cube',
      source: '{}',
      schema: JSON.stringify({ cube }),
      profile: '{}',
      context: 'training'
    };
    const onFindRuns = jest.fn();
    const tab = (parts: Partial<Run>) => (
      <RunView
        {...makeProps({ run: makeRun(parts), onFindRuns, initialTab: 'data' })}
      />
    );
    const { rerender } = await show(tab({ datasets: [dataset] }));
    expect(screen.getByText(/2010-01-01 – 2012-06-30/)).toHaveTextContent(
      `west 9.5, south -0.5, east 13.5, north ${XSS} · EPSG:4326`
    );
    const name = 'Runs on this cube';
    await userEvent.click(screen.getByRole('button', { name }));
    expect(onFindRuns).toHaveBeenCalledWith("datasets.digest = 'stored:abc'");
    for (const parts of [
      { datasets: [dataset], waiting: true },
      { datasets: [{ ...dataset, digest: "a' b" }] },
      { datasets: [{ ...dataset, source_type: 'local' }] }
    ]) {
      rerender(tab(parts));
      expect(screen.queryByRole('button', { name })).toBeNull();
    }
  });

  it('shows the scaling of each variable in its unit', async () => {
    const scaling = (kind: string): string =>
      JSON.stringify({
        kind,
        dim: null,
        fitted_on: 'train',
        variables: {
          lst: { offset: 287.43119384765, scale: 12.90551230112 },
          [XSS]: { offset: { dims: ['level'] }, scale: 0.0031234 }
        }
      });
    const cube = { dims: {}, variables: { lst: { units: 'K' } } };
    const dataset = {
      name: 'demo',
      digest: 'abc',
      source_type: 'cube',
      source: '{}',
      schema: JSON.stringify({ cube }),
      profile: '{}',
      context: 'training'
    };
    for (const [kind, row] of [
      ['standard', 'lst standard 287.43 12.91 K'],
      ['minmax', 'lst minmax 287.43 300.34 K']
    ]) {
      const artifacts = makeReader({ 'mlkit/scaling.json': scaling(kind) });
      const run = makeRun({ run_id: kind, datasets: [dataset] });
      const { unmount } = await show(
        <RunView {...makeProps({ run, artifacts, initialTab: 'data' })} />
      );
      expect(await screen.findByRole('row', { name: row })).toBeVisible();
      // A name from a file is text, and constants along dims are no number.
      expect(
        screen.getByRole('row', { name: new RegExp('varies along dims') })
      ).toHaveTextContent(XSS);
      unmount();
    }
  });
});
