import { ChildrenModel, MLFLOW } from '../children';
import {
  FakeChanges,
  FakeServer,
  makeChild,
  makeRun,
  settle
} from './fakeServer';

describe('ChildrenModel', () => {
  let server: FakeServer;
  let model: ChildrenModel;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    model = new ChildrenModel({ client: server, changes: new FakeChanges() });
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('opens a program once and lists it until it is stopped', async () => {
    const [one, other] = [await model.open(MLFLOW), await model.open(MLFLOW)];
    expect(other.child_id).toBe(one.child_id);
    await settle();
    expect(model.children).toEqual([one]);
    await model.stop(one.child_id);
    expect(model.children).toEqual([]);
  });

  it('does not lose a new program to an answer from before it', async () => {
    server.held = [];
    const early = model.refresh({ background: true });
    const opening = model.open(MLFLOW);
    await settle(1);
    const [list, open] = server.held;
    server.held = null;
    open();
    await opening;
    list();
    await early;
    await settle();
    expect(model.children).toHaveLength(1);
  });

  it('knows the page of a run there', async () => {
    server.allRuns = [makeRun('r', { experiment_id: '7' })];
    const child = makeChild('c');
    const page = await model.pageOf(child);
    expect(page).toMatch(/jupyter-mlkit\/children\/c\/$/);
    expect(await model.pageOf(child, 'r')).toBe(
      `${page}#/experiments/7/runs/r?workflowType=machine_learning`
    );
  });
});
