import { MLKitError } from '../../api/errors';
import { RunsModel } from '../runs';
import { FakeChanges, FakeServer, makeRun, settle } from './fakeServer';

const names = (model: RunsModel) => model.runs.map(run => run.run_id);

describe('RunsModel', () => {
  let server: FakeServer;
  let changes: FakeChanges;
  let model: RunsModel;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    changes = new FakeChanges();
    server.allRuns = [makeRun('b'), makeRun('a')];
    model = new RunsModel({ client: server, changes });
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('asks nothing until somebody looks, and rests when nobody does', async () => {
    changes.tell('runs');
    await settle();
    expect(server.calls).toHaveLength(0);
    const look = model.look();
    await settle();
    expect(names(model)).toEqual(['b', 'a']);
    expect(changes.holders).toBe(1);
    look.dispose();
    expect(changes.holders).toBe(0);
    const before = server.calls.length;
    changes.tell('runs');
    await settle();
    expect(server.calls).toHaveLength(before);
  });

  it('shows a new run at once while nobody reads the list', async () => {
    model.look();
    await settle();
    server.allRuns = [makeRun('c'), ...server.allRuns];
    changes.tell('runs', 'created', ['c']);
    await settle();
    expect(names(model)).toEqual(['c', 'b', 'a']);
    expect(model.pending).toBe(0);
  });

  it('holds new runs back while the list is read, and changes values in place', async () => {
    model.look();
    await settle();
    model.setReading(true);
    server.allRuns = [
      makeRun('c'),
      makeRun('b', { status: 'RUNNING' }),
      makeRun('a')
    ];
    changes.tell('runs', 'created', ['c']);
    await settle();
    expect(names(model)).toEqual(['b', 'a']);
    expect(model.runs[0].status).toBe('RUNNING');
    expect(model.pending).toBe(1);
    model.showPending();
    expect(names(model)).toEqual(['c', 'b', 'a']);
    expect(model.pending).toBe(0);
  });

  it('lets the held runs in when the reader leaves', async () => {
    model.look();
    await settle();
    model.setReading(true);
    server.allRuns = [makeRun('c'), ...server.allRuns];
    changes.tell('runs', 'created', ['c']);
    await settle();
    model.setReading(false);
    expect(names(model)).toEqual(['c', 'b', 'a']);
  });

  it('marks requests that news caused as background, those of a person not', async () => {
    model.look();
    await settle();
    expect(server.callsOf('runs')[0].options.background).toBe(false);
    changes.tell('runs');
    await settle();
    expect(server.callsOf('runs')[1].options.background).toBe(true);
  });

  it('answers many news with one request', async () => {
    model.look();
    await settle();
    for (let i = 0; i < 20; i += 1) {
      changes.tell('runs', 'changed', ['a']);
    }
    await settle();
    expect(server.callsOf('runs')).toHaveLength(2);
  });

  it('keeps the rows and says what is wrong with a filter', async () => {
    model.look();
    await settle();
    server.filterFailure = new MLKitError(
      { message: 'no such comparator', code: 'invalid_filter' },
      400
    );
    model.setFilter('metrics.x <<< 2');
    await settle();
    expect(model.filterError?.message).toBe('no such comparator');
    expect(model.error).toBeNull();
    expect(names(model)).toEqual(['b', 'a']);
    model.setFilter('');
    await settle();
    expect(model.filterError).toBeNull();
  });

  it('searches names where there is no operator', async () => {
    model.look();
    await settle();
    model.setFilter("o'gbt");
    await settle();
    expect(server.callsOf('runs').pop()?.query).toMatchObject({
      filter: "attributes.run_name ILIKE '%o''gbt%'"
    });
    model.setFilter('metrics.rmse < 2');
    await settle();
    expect(server.callsOf('runs').pop()?.query).toMatchObject({
      filter: 'metrics.rmse < 2'
    });
  });

  it('finds runs of all experiments, whatever was listed before', async () => {
    model.look();
    model.setExperiment('7');
    model.setShowsDeleted(true);
    await settle();
    model.toggle('a');
    model.find("datasets.digest = 'stored:abc' ");
    await settle();
    expect(server.callsOf('runs').pop()?.query).toMatchObject({
      experiment_id: [],
      filter: "datasets.digest = 'stored:abc'",
      view: 'active'
    });
    expect(model.filter).toBe("datasets.digest = 'stored:abc'");
    expect(model.selection).toEqual([]);
  });

  it('quotes the key of an order', async () => {
    model.look();
    model.setOrder({ by: 'metrics.baseline/mean/val_rmse', ascending: true });
    await settle();
    expect(server.callsOf('runs').pop()?.query).toMatchObject({
      order_by: ['metrics.`baseline/mean/val_rmse` ASC']
    });
  });

  it('keeps only the answer to the latest question', async () => {
    model.look();
    await settle();
    server.held = [];
    model.setExperiment('1');
    model.setExperiment('2');
    await settle();
    server.held.forEach(release => release());
    await settle();
    expect(server.callsOf('runs')[1].options.signal?.aborted).toBe(true);
    expect(model.experimentId).toBe('2');
    expect(model.isLoading).toBe(false);
    expect(model.error).toBeNull();
  });

  it('keeps what it has when the server fails', async () => {
    model.look();
    await settle();
    server.failure = new MLKitError({ message: 'locked' }, 502);
    changes.tell('runs');
    await settle();
    expect(model.error?.message).toBe('locked');
    expect(names(model)).toEqual(['b', 'a']);
  });

  it('forgets chosen runs that are gone', async () => {
    model.look();
    await settle();
    model.toggle('a');
    model.toggle('b');
    expect(model.selection).toEqual(['a', 'b']);
    await model.remove(['a']);
    expect(names(model)).toEqual(['b']);
    expect(model.selection).toEqual(['b']);
  });

  it('asks for curves only where a metric was logged at several steps', async () => {
    const metric = { key: 'val_rmse', value: 1, step: 5, timestamp: 1 };
    server.allRuns = [makeRun('a', { metrics: [metric] }), makeRun('b')];
    server.histories = {
      items: [
        {
          run_id: 'a',
          key: 'val_rmse',
          steps: [0, 5],
          timestamps: [0, 1],
          values: [3, 'NaN'],
          total: 2
        }
      ]
    };
    model.look();
    await settle();
    expect(server.callsOf('metrics')).toHaveLength(1);
    expect(server.callsOf('metrics')[0].query).toMatchObject({ run_id: ['a'] });
    expect(model.sparklines.of('a')).toEqual([3, NaN]);
    changes.tell('runs');
    await settle();
    expect(server.callsOf('metrics')).toHaveLength(1);
  });
});
