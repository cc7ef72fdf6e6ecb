import { MLKitError } from '../../api/errors';
import { SyncModel } from '../sync';
import { FakeChanges, FakeServer, makeSync, settle } from './fakeServer';

describe('SyncModel', () => {
  let server: FakeServer;
  let changes: FakeChanges;
  let model: SyncModel;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    changes = new FakeChanges();
    model = new SyncModel({ client: server, changes });
  });

  afterEach(() => {
    model.dispose();
    jest.useRealTimers();
  });

  it('asks again where what waits has changed, and only while somebody looks', async () => {
    expect(model.state).toBeNull();
    const look = model.look();
    await settle();
    expect(model.state?.entries).toBe(0);
    server.waiting = makeSync({ entries: 3, late: true });
    changes.tell('runs');
    await settle();
    expect(model.state?.entries).toBe(0);
    changes.tell('sync');
    await settle();
    expect(model.state?.entries).toBe(3);
    look.dispose();
    changes.tell('sync');
    await settle();
    expect(server.callsOf('sync')).toHaveLength(2);
    model.look();
    await settle();
    expect(server.callsOf('sync')).toHaveLength(3);
  });

  it('has it sent and takes the answer over one from before', async () => {
    server.waiting = makeSync({ entries: 3, late: true });
    await model.send();
    expect(model.state?.entries).toBe(3);
    expect(server.callsOf('syncNow')).toHaveLength(1);
    server.waiting = makeSync();
    await settle();
    expect(model.state?.entries).toBe(3);
    changes.tell('sync');
    model.look();
    await settle();
    expect(model.state?.entries).toBe(0);
  });

  it('hands on why it cannot be sent, and keeps what it knew', async () => {
    server.waiting = makeSync({ entries: 3, late: true });
    await model.refresh();
    server.failure = new MLKitError({ message: 'the disk is full' }, 502);
    await expect(model.send()).rejects.toThrow('the disk is full');
    expect(model.state?.entries).toBe(3);
  });
});
