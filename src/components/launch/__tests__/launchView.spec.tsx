import '@testing-library/jest-dom';
import {
  act,
  fireEvent,
  render,
  screen,
  waitFor,
  within
} from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import * as React from 'react';

import { MLKitError } from '../../../api/errors';
import { LaunchView } from '../launchView';
import type { ISpec } from '../types';
import {
  DESCRIPTION,
  ESTIMATORS,
  JOB,
  makeProps,
  makeServices,
  network
} from './fixtures';

/** Render the form and wait until the cube and the estimators are known. */
async function open(parts: Parameters<typeof makeProps>[0] = {}) {
  const specs: ISpec[] = [];
  const props = makeProps({ onSpecChange: spec => specs.push(spec), ...parts });
  const view = render(<LaunchView {...props} />);
  await screen.findByRole('checkbox', { name: /t2m/ });
  await screen.findByLabelText('Estimator');
  await screen.findByText(/can train here/);
  return { ...view, props, last: () => specs[specs.length - 1] };
}

describe('LaunchView', () => {
  it('asks what must be predicted first', async () => {
    await open();
    const first = screen.getAllByRole('radio')[0];
    const sections = screen.getAllByRole('group');
    expect(sections[0]).toContainElement(first);
    expect(screen.getByRole('radio', { name: /New places/ })).toBeChecked();
  });

  it('takes target, features and split from the description', async () => {
    const { last } = await open();
    expect(last()).toMatchObject({
      target: 'lst',
      features: ['t2m'],
      split: { kind: 'block', sizes: { lat: '20 deg', lon: '20 deg' } },
      kernelspec: 'python3'
    });
    expect(screen.getByLabelText('Target')).toHaveTextContent(
      'lst (K), 21 % valid'
    );
    expect(screen.getByText('<i>Demo</i>')).toBeVisible();
  });

  it('changes the split with the use until the split was edited', async () => {
    const user = userEvent.setup();
    const { last } = await open();
    await user.click(screen.getByRole('radio', { name: /Later times/ }));
    expect(last().split).toMatchObject({ kind: 'time' });
    await user.click(screen.getByRole('radio', { name: /New places/ }));
    const size = screen.getByRole('textbox', { name: 'lat' });
    fireEvent.change(size, { target: { value: '30 deg' } });
    await user.click(screen.getByRole('radio', { name: /Later times/ }));
    expect(last().split).toMatchObject({
      kind: 'block',
      sizes: { lat: '30 deg', lon: '20 deg' }
    });
  });

  it('reads a block size of digits as cells', async () => {
    const { last } = await open();
    fireEvent.change(screen.getByRole('textbox', { name: 'lat' }), {
      target: { value: '12' }
    });
    expect(last().split).toMatchObject({ sizes: { lat: 12 } });
  });

  it('takes the new target out of the features', async () => {
    const { last } = await open();
    fireEvent.change(screen.getByLabelText('Target'), {
      target: { value: 't2m' }
    });
    expect(last()).toMatchObject({ target: 't2m', features: [] });
  });

  it('finds an estimator and keeps only the parameters that were chosen', async () => {
    const user = userEvent.setup();
    const { last } = await open();
    const list = screen.getByLabelText('Estimator');
    await user.type(screen.getByLabelText('Search estimators'), 'ridge');
    expect(within(list).queryByText('LogisticRegression')).toBeNull();
    fireEvent.change(list, {
      target: { value: 'sklearn.linear_model.Ridge' }
    });
    expect(await screen.findByLabelText('alpha')).toHaveAttribute(
      'placeholder',
      '1'
    );
    expect(last().model).toMatchObject({ params: {} });
    await user.type(screen.getByLabelText('max_iter'), '50');
    await user.type(screen.getByLabelText('max_features'), '1.05');
    expect(last().model?.params).toEqual({ max_iter: 50, max_features: 1.05 });
    await user.clear(screen.getByLabelText('max_features'));
    await user.type(screen.getByLabelText('max_features'), 'sqrt');
    expect(last().model?.params).toMatchObject({ max_features: 'sqrt' });
  });

  it('shows of the fit what the chosen model heeds, and keeps only that', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    services.estimators.mockResolvedValue([
      ...ESTIMATORS,
      network('torch', null)
    ]);
    const { last } = await open({ services });
    const list = screen.getByLabelText('Estimator');
    expect(screen.queryByLabelText('Epochs')).toBeNull();
    await user.type(screen.getByLabelText('Search estimators'), '(torch)');
    expect(within(list).getByText('MLP (torch)')).toBeVisible();
    await user.type(screen.getByLabelText('Train samples at most'), '500');
    expect(last().fit).toMatchObject({ max_samples: 500 });
    fireEvent.change(list, {
      target: { value: 'jupyter_mlkit.train.networks.torch.mlp' }
    });
    expect(await screen.findByLabelText('Epochs')).toBeVisible();
    expect(screen.queryByLabelText('Train samples at most')).toBeNull();
    expect(last().fit).not.toHaveProperty('max_samples');
  });

  it('says what to install for a model that the kernel lacks', async () => {
    const services = makeServices();
    const hint = 'python -m pip install torch';
    services.estimators.mockResolvedValue([
      ...ESTIMATORS,
      network('torch', hint)
    ]);
    await open({ services });
    expect(screen.getByRole('option', { name: 'MLP (torch)' })).toBeDisabled();
    expect(screen.getByText(hint)).toBeInTheDocument();
  });

  it('says at once that a parameter has the wrong type', async () => {
    const user = userEvent.setup();
    await open();
    fireEvent.change(screen.getByLabelText('Estimator'), {
      target: { value: 'sklearn.linear_model.Ridge' }
    });
    const alpha = await screen.findByLabelText('alpha');
    await user.type(alpha, '-1');
    const field = alpha.closest<HTMLElement>('[data-mlkit-field]');
    expect(field).toHaveTextContent('must be >= 0');
  });

  it('shows errors beside their fields, and leads to them', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    const error = (field: string, message: string) => ({
      message,
      code: 'invalid_spec',
      hint: null,
      field
    });
    services.validate.mockResolvedValue({
      ok: false,
      errors: [
        error('split.sizes.lat', 'No unit.'),
        error('target', 'Unknown variable.')
      ]
    });
    await open({ services });
    await user.click(screen.getByRole('button', { name: 'Validate' }));
    await user.click(
      await screen.findByRole('button', { name: 'split.sizes.lat' })
    );
    const size = screen.getByRole('textbox', { name: 'lat' });
    expect(size).toHaveFocus();
    expect(size.closest('[data-mlkit-field]')).toHaveTextContent('No unit.');
    const target = screen.getByLabelText('Target');
    expect(target).toHaveAccessibleDescription('Unknown variable.');
    fireEvent.change(target, { target: { value: 't2m' } });
    expect(screen.queryByText('Unknown variable.')).toBeNull();
  });

  it('launches what it shows', async () => {
    const user = userEvent.setup();
    const { props, last } = await open();
    await user.click(screen.getByRole('button', { name: 'Launch' }));
    await waitFor(() => expect(props.onLaunched).toHaveBeenCalledWith(JOB));
    expect(props.services.launch).toHaveBeenCalledWith(last());
    expect(props.services.launch).toHaveBeenCalledTimes(1);
  });

  it('does not launch what is not valid', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    render(<LaunchView {...makeProps({ services, initialSpec: undefined })} />);
    await screen.findByLabelText('Cube');
    await user.click(screen.getByRole('button', { name: 'Launch' }));
    expect(screen.getByLabelText('Cube')).toHaveAccessibleDescription(
      /Which cube/
    );
    expect(services.validate).not.toHaveBeenCalled();
    expect(services.launch).not.toHaveBeenCalled();
  });

  it('launches what was there at the click, whatever is edited meanwhile', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    let answer: (validation: { ok: boolean; errors: [] }) => void = () =>
      undefined;
    services.validate.mockImplementation(
      () => new Promise(resolve => (answer = resolve))
    );
    const { last } = await open({ services });
    const clicked = last();
    await user.click(screen.getByRole('button', { name: 'Launch' }));
    fireEvent.change(screen.getByLabelText('Experiment'), {
      target: { value: 'the next' }
    });
    await act(async () => answer({ ok: true, errors: [] }));
    expect(services.launch.mock.calls).toEqual([[clicked]]);
  });

  it('says why a launch was refused', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    services.launch.mockRejectedValue(
      new MLKitError(
        { message: 'MLflow is too old.', code: 'x', field: 'kernelspec' },
        400
      )
    );
    await open({ services });
    await user.click(screen.getByRole('button', { name: 'Launch' }));
    expect(await screen.findAllByText(/MLflow is too old/)).toHaveLength(2);
    expect(screen.getByRole('button', { name: 'Launch' })).toBeEnabled();
  });

  it('shows beside the cube why it cannot be described', async () => {
    const services = makeServices();
    services.describe.mockRejectedValue(
      new MLKitError({ message: 'No such path.', hint: 'Check it.' }, 400)
    );
    render(<LaunchView {...makeProps({ services })} />);
    await waitFor(() =>
      expect(screen.getByLabelText('Cube')).toHaveAccessibleDescription(
        'No such path. Check it.'
      )
    );
    expect(screen.getByLabelText('Target')).toHaveAttribute('placeholder');
  });

  it('shows that it opens a cube, and leaves a useless answer aside', async () => {
    const user = userEvent.setup();
    const services = makeServices();
    let answer: (value: typeof DESCRIPTION) => void = () => undefined;
    services.describe.mockImplementation(
      () => new Promise(resolve => (answer = resolve))
    );
    render(<LaunchView {...makeProps({ services, onBrowse: undefined })} />);
    expect(await screen.findByText(/Opening the cube/)).toBeVisible();
    await user.type(screen.getByLabelText('Cube'), 'x');
    await act(async () => answer(DESCRIPTION));
    expect(screen.queryByRole('checkbox', { name: /t2m/ })).toBeNull();
  });

  it('describes a cube that was browsed for, or typed and entered', async () => {
    const user = userEvent.setup();
    const onBrowse = jest.fn().mockResolvedValue('other.zarr');
    const { props } = await open({ onBrowse });
    await user.click(screen.getByRole('button', { name: 'Browse…' }));
    await waitFor(() =>
      expect(props.services.describe).toHaveBeenLastCalledWith(
        expect.objectContaining({ uri: 'other.zarr' }),
        expect.anything()
      )
    );
    await user.type(screen.getByLabelText('Cube'), '3{Enter}');
    await waitFor(() =>
      expect(props.services.describe).toHaveBeenLastCalledWith(
        expect.objectContaining({ uri: 'other.zarr3' }),
        expect.anything()
      )
    );
  });

  it('says what is wrong with a kernel, and asks it for nothing', async () => {
    const services = makeServices();
    await open({ services });
    services.estimators.mockClear();
    fireEvent.change(screen.getByLabelText('Kernel'), {
      target: { value: 'ir' }
    });
    expect(await screen.findByText('R is no Python kernel.')).toBeVisible();
    expect(screen.getByText('Choose another.')).toBeVisible();
    expect(services.estimators).not.toHaveBeenCalled();
  });

  it('previews counts and warnings, and gives the spec as text', async () => {
    const user = userEvent.setup();
    await open();
    expect(
      await screen.findByRole('row', { name: 'train 649,183 100 % 112' })
    ).toBeVisible();
    expect(screen.getByText(/validation blocks are few/)).toBeVisible();
    await user.click(screen.getByRole('tab', { name: 'YAML' }));
    expect(await screen.findByText('target: lst')).toBeVisible();
    await user.click(screen.getByRole('tab', { name: 'Python' }));
    expect(await screen.findByText('fit()')).toBeVisible();
  });

  it('runs no code that came with the spec before somebody says so', async () => {
    const services = makeServices();
    const initialSpec: ISpec = {
      sources: [{ uri: 'demo.zarr' }],
      prepare: { function: 'f', code: 'def f(ds): return ds' }
    };
    await open({ services, initialSpec });
    const allow = await screen.findByRole('button', {
      name: 'Run it for a preview'
    });
    expect(services.preview).not.toHaveBeenCalled();
    await userEvent.click(allow);
    await waitFor(() => expect(services.preview).toHaveBeenCalled());
  });

  it('keeps the split and the tags of a run that is launched again', async () => {
    const initialSpec: ISpec = {
      sources: [{ uri: 'demo.zarr' }],
      target: 'lst',
      features: ['elevation'],
      split: { kind: 'block', sizes: { lat: '5 deg' }, seed: 7 },
      tracking: { experiment: 'lst', tags: { team: 'earth' } }
    };
    const { last } = await open({ initialSpec });
    fireEvent.change(screen.getByLabelText('Experiment'), {
      target: { value: 'chl' }
    });
    expect(last()).toMatchObject({
      features: ['elevation'],
      split: initialSpec.split,
      tracking: { experiment: 'chl', tags: { team: 'earth' } }
    });
  });

  it('takes a computed feature beside the variables', async () => {
    const user = userEvent.setup();
    const { last } = await open();
    const field = screen.getByLabelText('Computed feature');
    await user.type(field, "lag(t2m, '8D'){Enter}");
    expect(last().features).toEqual(['t2m', "lag(t2m, '8D')"]);
    expect(field).toHaveValue('');
    await user.click(screen.getByRole('checkbox', { name: /lag/ }));
    expect(last().features).toEqual(['t2m']);
  });

  it('joins two splits, each with its own fields', async () => {
    const { last } = await open();
    fireEvent.change(screen.getByLabelText('Kind'), {
      target: { value: 'all' }
    });
    expect(last().split).toMatchObject({
      kind: 'all',
      parts: [{ kind: 'block' }, { kind: 'time' }]
    });
    fireEvent.change(screen.getByRole('textbox', { name: 'lat' }), {
      target: { value: '30 deg' }
    });
    fireEvent.change(screen.getByLabelText('Buffer in space'), {
      target: { value: '500 km' }
    });
    expect(last().split).toMatchObject({
      parts: [
        { sizes: { lat: '30 deg' }, buffer: { space: '500 km' } },
        { kind: 'time' }
      ]
    });
  });

  it('reads areas as boxes or names', async () => {
    const { last } = await open();
    fireEvent.change(screen.getByLabelText('Kind'), {
      target: { value: 'region' }
    });
    fireEvent.change(screen.getByLabelText('Test areas'), {
      target: { value: '-10/35/5/45; srex:AMZ' }
    });
    expect(last().split).toMatchObject({
      test: [{ west: -10, south: 35, east: 5, north: 45 }, 'srex:AMZ'],
      validation: []
    });
  });

  it('says whether the test fits the use', async () => {
    await open();
    const report = await screen.findByRole('region', {
      name: 'Leakage report'
    });
    expect(report).toHaveTextContent('Too easy.');
    expect(report).toHaveTextContent('30 [10 … 50]');
    expect(report).toHaveTextContent('300 [100 … 500] 25 % have none');
    expect(report).toHaveTextContent('up to 900 km (700 … 1,100)');
    expect(report).toHaveTextContent('lat 16 deg, lon 16 deg');
  });

  it('keeps further cubes when the first one changes', async () => {
    const { last } = await open();
    fireEvent.change(screen.getByLabelText('More cubes, one a line'), {
      target: { value: 'static.zarr' }
    });
    fireEvent.change(screen.getByLabelText('Cube'), {
      target: { value: 'other.zarr' }
    });
    expect(last().sources).toEqual([
      { uri: 'other.zarr' },
      { uri: 'static.zarr' }
    ]);
  });
});
