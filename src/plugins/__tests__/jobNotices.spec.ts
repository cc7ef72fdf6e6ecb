import { Notification } from '@jupyterlab/apputils';
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import type { Job } from '../../api/types';
import { CommandIDs, describedBy } from '../../commands';
import { FakeServer, makeJob, makeRun } from '../../model/__tests__/fakeServer';
import { tellOfEnd } from '../jobNotices';

describe('tellOfEnd', () => {
  const trans = nullTranslator.load('jupyter_mlkit');
  let server: FakeServer;
  let opened: [string, unknown][];
  let commands: CommandRegistry;

  beforeEach(() => {
    server = new FakeServer();
    commands = new CommandRegistry();
    opened = [];
    for (const id of [CommandIDs.openRun, CommandIDs.openJobLog]) {
      commands.addCommand(id, {
        describedBy: describedBy.nothing,
        execute: args => opened.push([id, args])
      });
    }
    Notification.dismiss();
  });

  const tell = async (more: Partial<Job>) => {
    await tellOfEnd(makeJob('j', { name: 'lst', ...more }), {
      client: server,
      commands,
      trans
    });
    const [notice] = Notification.manager.notifications;
    return notice;
  };

  it('gives the score of what has finished, and opens its run', async () => {
    const metrics = [{ key: 'val_rmse', value: 2.3, step: 0, timestamp: 1 }];
    server.allRuns = [makeRun('r', { metrics })];
    const notice = await tell({ state: 'DONE', run_id: 'r' });
    expect(notice.message).toBe('lst has finished: val 2.30 K');
    expect(notice.type).toBe('success');
    const { actions } = notice.options;
    expect(actions?.map(action => action.label)).toEqual([
      'Open run',
      'Show log'
    ]);
    actions?.[0].callback(new MouseEvent('click'));
    actions?.[1].callback(new MouseEvent('click'));
    expect(opened).toEqual([
      [CommandIDs.openRun, { runId: 'r' }],
      [CommandIDs.openJobLog, { jobId: 'j' }]
    ]);
  });

  it.each([
    ['FAILED', 'error', 'lst has failed: no memory'],
    ['LOST', 'error', 'lst was lost: no memory'],
    ['STOPPED', 'info', 'lst was stopped: no memory']
  ] as const)('tells of a training that is %s', async (state, type, words) => {
    const error = {
      message: 'no memory',
      code: 'out_of_memory',
      hint: null,
      field: null
    };
    const notice = await tell({ state, error });
    expect(notice).toMatchObject({ type, message: words });
    expect(notice.options.actions?.map(action => action.label)).toEqual([
      'Show log'
    ]);
  });

  it('tells of the end although the run cannot be read', async () => {
    const notice = await tell({ state: 'DONE', run_id: 'gone' });
    expect(notice.message).toBe('lst has finished.');
  });
});
