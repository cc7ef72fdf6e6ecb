import type { Event } from '@jupyterlab/services';
import { Signal } from '@lumino/signaling';

import { MLKitError } from '../../api/errors';
import type { Change } from '../../api/types';
import { ChangeStream } from '../changes';
import { FakeServer, settle } from './fakeServer';

const atFirst = { capability: 'sync', kind: 'changed', ids: [] };

describe('ChangeStream', () => {
  let server: FakeServer;
  let stream: Signal<object, Event.Emission>;
  let changes: ChangeStream;
  let heard: Change[];

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    stream = new Signal<object, Event.Emission>({});
    changes = new ChangeStream({ client: server, stream, standby: 'never' });
    heard = [];
    changes.changed.connect((_, change) => heard.push(change), heard);
  });

  afterEach(() => {
    changes.dispose();
    jest.useRealTimers();
  });

  it('takes a lease while it is held, and lets it lapse after', async () => {
    expect(changes.state).toBe('idle');
    const hold = changes.hold();
    await settle(50);
    expect(server.callsOf('watch').length).toBeGreaterThan(0);
    expect(changes.state).toBe('live');
    const first = server.callsOf('watch').length;
    await settle(65_000);
    expect(server.callsOf('watch').length).toBeGreaterThan(first);
    hold.dispose();
    const after = server.callsOf('watch').length;
    await settle(120_000);
    expect(server.callsOf('watch')).toHaveLength(after);
    expect(changes.state).toBe('idle');
  });

  it('passes on what the bus brings with our schema', async () => {
    changes.hold();
    await settle(50);
    const data = { capability: 'runs', kind: 'created', ids: ['a'] };
    stream.emit({ schema_id: 'another', ...data });
    expect(heard).toEqual([atFirst]);
    stream.emit({ schema_id: 'change', ...data });
    expect(heard).toEqual([atFirst, data]);
  });

  it('makes up for what waited before it heard of it, once', async () => {
    changes.hold();
    await settle(50);
    expect(heard).toEqual([atFirst]);
    await settle(35_000);
    expect(server.callsOf('watch').length).toBeGreaterThan(1);
    expect(heard).toEqual([atFirst]);
  });

  it('asks now and then where the bus stays silent', async () => {
    changes.hold();
    await settle(50);
    expect(heard).toEqual([atFirst]);
    await settle(95_000);
    expect(new Set(heard.map(change => change.capability))).toEqual(
      new Set(['experiments', 'runs', 'jobs', 'logs', 'registry', 'sync'])
    );
    expect(heard.every(change => change.ids.length === 0)).toBe(true);
  });

  it('polls where there is no lease to be had', async () => {
    server.failure = new MLKitError({ message: 'no' }, 500);
    changes.hold();
    await settle(50);
    expect(changes.state).toBe('polling');
    const first = heard.length;
    expect(first).toBeGreaterThan(0);
    await settle(30_000);
    expect(heard.length).toBeGreaterThan(first);
  });
});
