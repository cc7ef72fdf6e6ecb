import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';

import { CommandIDs, describedBy } from '../../commands';
import {
  FakeChanges,
  FakeServer,
  makeChild,
  makeJob
} from '../../model/__tests__/fakeServer';
import { ChildrenModel } from '../../model/children';
import { JobsModel } from '../../model/jobs';
import { programs, trainings } from '../running';

describe('what runs', () => {
  const trans = nullTranslator.load('jupyter_mlkit');
  const server = new FakeServer();
  const options = { client: server, changes: new FakeChanges() };
  const commands = new CommandRegistry();
  const opened: [string, unknown][] = [];
  for (const id of [
    CommandIDs.openRun,
    CommandIDs.openJobLog,
    CommandIDs.openMlflowUi
  ]) {
    commands.addCommand(id, {
      describedBy: describedBy.nothing,
      execute: args => opened.push([id, args])
    });
  }

  it('has the trainings that go on, which can be opened and stopped', async () => {
    const jobs = new JobsModel(options);
    server.allJobs = [
      makeJob('a', { run_id: 'r', progress: 0.31 }),
      makeJob('b', { state: 'QUEUED' }),
      makeJob('c', { state: 'DONE' }),
      makeJob('d', { user: 'bob' })
    ];
    await jobs.refresh();
    const manager = trainings(jobs, commands, trans);
    const items = manager.running({ mode: 'tree' });
    expect(items.map(item => [item.label(), item.detail?.()])).toEqual([
      ['name of a', '31 %'],
      ['name of b', 'queued']
    ]);
    items.forEach(item => item.open?.());
    expect(opened.splice(0)).toEqual([
      [CommandIDs.openRun, { runId: 'r' }],
      [CommandIDs.openJobLog, { jobId: 'b' }]
    ]);
    items[0].shutdown?.();
    expect(jobs.isStopping('a')).toBe(true);
    expect(items[0].detail?.()).toBe('stopping…');
    manager.shutdownAll();
    expect(jobs.isStopping('b')).toBe(true);
    expect(jobs.isStopping('d')).toBe(false);
    jobs.dispose();
  });

  it('has the programs, which can be opened and stopped', async () => {
    const children = new ChildrenModel(options);
    server.allChildren = [makeChild('c')];
    await children.refresh();
    const manager = programs(children, commands, trans);
    const [item] = manager.running({ mode: 'tree' });
    expect(item.label()).toBe('program c');
    item.open?.();
    expect(opened.splice(0)).toEqual([[CommandIDs.openMlflowUi, {}]]);
    const changed = new Promise<void>(resolve => {
      manager.runningChanged.connect(() => resolve());
    });
    item.shutdown?.();
    await changed;
    expect(manager.running({ mode: 'tree' })).toEqual([]);
    children.dispose();
  });
});
