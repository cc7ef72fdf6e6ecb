import type { Job } from '../../api/types';
import { attend } from '../attendance';
import { JobLogModel } from '../jobLog';
import { JobsModel } from '../jobs';
import { RunModel } from '../run';
import {
  FakeChanges,
  FakeServer,
  makeJob,
  makeRun,
  makeSpec,
  settle
} from './fakeServer';

describe('JobsModel', () => {
  let server: FakeServer;
  let changes: FakeChanges;

  beforeEach(() => {
    jest.useFakeTimers();
    server = new FakeServer();
    changes = new FakeChanges();
  });

  afterEach(() => jest.useRealTimers());

  it('tells of the end of a job that it saw alive, and of no other', async () => {
    const model = new JobsModel({ client: server, changes });
    const ended: Job[] = [];
    model.ended.connect((_, job) => ended.push(job), model);
    server.allJobs = [makeJob('old', { state: 'DONE' }), makeJob('new')];
    model.look();
    await settle();
    expect(ended).toEqual([]);
    expect(model.active.map(job => job.job_id)).toEqual(['new']);
    server.allJobs = [
      makeJob('old', { state: 'DONE' }),
      makeJob('new', { state: 'FAILED' })
    ];
    changes.tell('jobs');
    await settle();
    expect(ended.map(job => job.job_id)).toEqual(['new']);
    model.dispose();
  });

  it('has what runs in front of what waits, and the next of that first', async () => {
    const model = new JobsModel({ client: server, changes });
    server.allJobs = [
      makeJob('second', { state: 'QUEUED', queue_position: 2 }),
      makeJob('first', { state: 'QUEUED', queue_position: 1 }),
      makeJob('begins', { state: 'STARTING' }),
      makeJob('newer'),
      makeJob('over', { state: 'DONE' }),
      makeJob('older')
    ];
    await model.refresh();
    expect(model.active.map(job => job.job_id)).toEqual([
      'newer',
      'older',
      'begins',
      'first',
      'second'
    ]);
    model.dispose();
  });

  it('knows its own jobs by the name that the server stamps, asked for once', async () => {
    const model = new JobsModel({ client: server, changes });
    const [mine, theirs, nobodys] = [
      makeJob('mine', { user: 'ada' }),
      makeJob('theirs', { user: 'bob' }),
      makeJob('nobodys')
    ];
    expect(model.isMine(theirs)).toBe(true);
    await model.refresh();
    await model.refresh();
    expect([mine, theirs, nobodys].map(job => model.isMine(job))).toEqual([
      true,
      false,
      true
    ]);
    expect(server.callsOf('status')).toHaveLength(1);
    model.dispose();
  });

  it('tells of an end once, whatever comes late', async () => {
    const model = new JobsModel({ client: server, changes });
    const ended: Job[] = [];
    model.ended.connect((_, job) => ended.push(job), model);
    model.look();
    for (const state of ['RUNNING', 'DONE', 'RUNNING', 'DONE'] as const) {
      server.allJobs = [makeJob('a', { state })];
      changes.tell('jobs');
      await settle();
    }
    expect(ended).toHaveLength(1);
    model.dispose();
  });

  it('is attended as long as a job goes on, though nobody looks', async () => {
    const model = new JobsModel({ client: server, changes });
    const attendance = attend(model);
    const ended: Job[] = [];
    model.ended.connect((_, job) => ended.push(job), model);
    await model.refresh({ background: true });
    expect(changes.holders).toBe(0);
    await model.submit({ target: 'lst' });
    expect(changes.holders).toBe(1);
    server.allJobs = [makeJob('new', { state: 'DONE' })];
    changes.tell('jobs');
    await settle();
    expect(ended).toHaveLength(1);
    expect(changes.holders).toBe(0);
    attendance.dispose();
    model.dispose();
  });

  it('trains again with what was changed, or all anew where it is forgotten', async () => {
    const model = new JobsModel({ client: server, changes });
    server.allJobs = [makeJob('a', { spec: makeSpec('lst') })];
    const again = await model.rerun('a', { target: 'chlor', seed: 1 });
    expect(again.rerun_of).toBe('a');
    expect(server.callsOf('rerunJob')[0].query).toEqual({
      jobId: 'a',
      changes: { target: 'chlor', seed: 1 }
    });
    const anew = await model.rerun('gone', { target: 'lst' });
    expect(anew.rerun_of).toBeNull();
    model.dispose();
  });

  it('shows a job as soon as it is submitted', async () => {
    const model = new JobsModel({ client: server, changes });
    await model.submit({ target: 'lst' });
    expect(model.jobs.map(job => job.job_id)).toEqual(['new']);
    model.dispose();
  });

  it('says that a job is being stopped until it has ended', async () => {
    const model = new JobsModel({ client: server, changes });
    server.allJobs = [makeJob('a')];
    model.look();
    await settle();
    await model.stop('a');
    expect(model.isStopping('a')).toBe(true);
    server.allJobs = [makeJob('a', { state: 'STOPPED' })];
    changes.tell('jobs');
    await settle();
    expect(model.isStopping('a')).toBe(false);
    model.dispose();
  });

  it('reads a log on until the job has ended', async () => {
    const onChanged = jest.fn();
    const log = new JobLogModel({
      client: server,
      changes,
      jobId: 'a',
      onChanged
    });
    server.log = 'one\n';
    server.logComplete = false;
    log.follow(true);
    await settle(50);
    expect(log.log.text).toBe('one\n');
    server.log = 'one\ntwo\n';
    server.logComplete = true;
    changes.tell('logs', 'changed', ['other']);
    await settle(500);
    expect(log.log.text).toBe('one\n');
    changes.tell('logs', 'changed', ['a']);
    await settle(500);
    expect(log.log).toMatchObject({ text: 'one\ntwo\n', complete: true });
    const calls = server.callsOf('jobLog').length;
    await settle(5000);
    expect(server.callsOf('jobLog')).toHaveLength(calls);
    expect(changes.holders).toBe(0);
    log.dispose();
  });

  it('looks now and then where nobody tells of output', async () => {
    jest.spyOn(changes, 'state', 'get').mockReturnValue('polling');
    const log = new JobLogModel({
      client: server,
      changes,
      jobId: 'a',
      onChanged: jest.fn()
    });
    server.logComplete = false;
    log.follow(true);
    await settle(50);
    server.log = 'one\n';
    await settle(1500);
    expect(log.log.text).toBe('one\n');
    log.dispose();
  });

  it('reads the end of a long log, from the beginning of a line', async () => {
    server.log = 'first\nsecond\nthird\n';
    const log = new JobLogModel({
      client: server,
      changes,
      jobId: 'a',
      tail: 10,
      onChanged: jest.fn()
    });
    log.follow(true);
    await settle(50);
    expect(log.log).toMatchObject({ text: 'third\n', truncated: true });
    log.dispose();
  });

  it('begins anew with the output of another attempt', async () => {
    const log = new JobLogModel({
      client: server,
      changes,
      jobId: 'a',
      onChanged: jest.fn()
    });
    server.log = 'crash\n';
    server.logComplete = false;
    log.follow(true);
    log.setAttempt(1);
    await settle(50);
    server.log = 'better\n';
    log.setAttempt(2);
    await settle(50);
    expect(log.log.text).toBe('better\n');
    log.dispose();
  });

  it('opens a run whose job is forgotten', async () => {
    server.allRuns = [makeRun('r', { job_id: 'gone' })];
    const model = new RunModel({ client: server, changes, runId: 'r' });
    model.look();
    await settle();
    expect(model.run?.run_id).toBe('r');
    expect(model.job).toBeNull();
    expect(model.error).toBeNull();
    model.dispose();
  });

  it('finds the spec of a run we trained, with its job or without', async () => {
    const tags = { 'mlkit.spec_version': '1' };
    server.allRuns = [
      makeRun('ours', { tags, job_id: 'gone' }),
      makeRun('kept', { job_id: 'j' }),
      makeRun('theirs')
    ];
    server.allJobs = [makeJob('j', { spec: makeSpec('lst') })];
    const read = async (runId: string) => {
      const model = new RunModel({ client: server, changes, runId });
      model.look();
      await settle();
      return model;
    };
    const [ours, kept, theirs] = await Promise.all(
      ['ours', 'kept', 'theirs'].map(read)
    );
    expect([ours, kept, theirs].map(model => model.hasSpec)).toEqual([
      true,
      true,
      false
    ]);
    expect(await ours.spec()).toEqual({ target: 'of ours' });
    expect(await kept.spec()).toEqual({ target: 'lst' });
    expect(server.callsOf('runSpec').map(call => call.query)).toEqual(['ours']);
    [ours, kept, theirs].forEach(model => model.dispose());
  });

  it('loads curves only when they are wanted, and keeps them current', async () => {
    const metric = { key: 'val_rmse', value: 1, step: 5, timestamp: 1 };
    server.allRuns = [makeRun('r', { metrics: [metric] })];
    const model = new RunModel({ client: server, changes, runId: 'r' });
    model.look();
    await settle();
    expect(server.callsOf('metrics')).toHaveLength(0);
    expect(model.histories).toBeNull();
    model.wantHistories();
    await settle();
    expect(model.histories).toEqual([]);
    changes.tell('runs', 'changed', ['other']);
    await settle();
    expect(server.callsOf('metrics')).toHaveLength(1);
    changes.tell('runs', 'changed', ['r']);
    await settle();
    expect(server.callsOf('metrics')).toHaveLength(2);
    model.dispose();
  });
});
