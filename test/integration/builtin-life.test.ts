import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { listPids, lives, statOf } from '../../src/host/procfs.ts';
import { BuiltinRig } from '../rig/builtin.ts';

const SLEEP = ['sleep', '1000'];
const READY = { ready: '50ms' };
const QUICK = { backoff: { initial: '20ms', factor: 1 } };

describe('a supervised service', () => {
  it('is started again when it ends, with how it ended told', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    await rig.step(builtin, 'create', rig.service('web', { command: SLEEP, start: READY }));
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    process.kill(pid, 'SIGSEGV');
    await rig.reaches(builtin, 'web', 'running', pid);
    expect(await rig.actual(builtin, 'web')).toMatchObject({ restarts: 1, revision: 'r1' });
    expect(rig.events).toContainEqual(
      expect.objectContaining({ kind: 'state', from: 'RUNNING', exit: { kind: 'signal', signal: 'SIGSEGV' } }),
    );
    expect(rig.stamped('web').filter((p) => p !== statOf(p)?.session)).toHaveLength(1);
  });

  it('is FATAL after its retries, with its last words', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'for i in 1 2 3 4 5 6; do echo "line $i" >&2; done; exit 3'];
    const service = rig.service('bad', { command, start: { ready: '1s', retries: 1 }, restart: QUICK });
    expect(await rig.step(builtin, 'create', service)).toEqual({
      kind: 'failed',
      problem: {
        code: 'start-failed',
        summary: 'cannot start bad: could not be started, tried 2 times in a row: exit code 3',
        detail: 'line 2\nline 3\nline 4\nline 5\nline 6',
        hint: 'mend it, then `reconcile start bad`',
      },
    });
    expect(await rig.run(builtin, 'bad')).toMatchObject({ kind: 'fatal', exit: { kind: 'code', code: 3 } });
    expect(await rig.step(builtin, 'start', service)).toMatchObject({ kind: 'failed' });
  });

  it('is FATAL in its record too where one apply could not start it', async () => {
    await using rig = new BuiltinRig();
    const once = await rig.supervisor(false);
    const service = rig.service('bad', { command: ['false'], start: { ready: '1s', retries: 0 } });
    expect(await rig.step(once, 'create', service)).toMatchObject({ kind: 'failed' });
    expect(rig.record('bad').machine.state.name).toBe('FATAL');
    expect(await rig.run(await rig.supervisor(), 'bad')).toMatchObject({ kind: 'fatal' });
  });

  it('is HELD once its budget is spent, and tried once after the cooldown', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const restart = { ...QUICK, limit: { restarts: 2, within: '10m' }, cooldown: '300ms' };
    const service = rig.service('flaps', { command: ['sleep', '0.1'], start: { ready: '0s' }, restart });
    await rig.step(builtin, 'create', service);
    const held = await rig.reaches(builtin, 'flaps', 'held');
    expect(held.reason).toBe('restarted 2 times within 10m, last: exit code 0');
    expect(rig.events.filter((e) => e.kind === 'state' && e.to === 'STARTING')).toHaveLength(3);
    await rig.eventually(
      () => rig.events.some((e) => e.kind === 'state' && e.from === 'HELD' && e.to === 'STARTING') || undefined,
      'a trial',
    );
  });

  it('stays ended where its policy allows that exit', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const restart = { policy: 'on-failure' as const };
    const service = rig.service('job', { command: ['sleep', '0.2'], start: READY, restart });
    expect(await rig.step(builtin, 'create', service)).toMatchObject({ kind: 'done' });
    expect(await rig.reaches(builtin, 'job', 'exited')).toMatchObject({ exit: { kind: 'code', code: 0 } });
    await sleep(300);
    expect(await rig.run(builtin, 'job')).toMatchObject({ kind: 'exited' });
  });

  it('has no process left of the crashed one when it is started again', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', `sleep 1001 & echo $! >>${rig.path('children')}; exec sleep 1000`];
    await rig.step(builtin, 'create', rig.service('web', { command, start: READY }));
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    const child = Number(rig.read('children'));
    expect(statOf(child)).toBeDefined();
    process.kill(pid, 'SIGKILL');
    await rig.reaches(builtin, 'web', 'running', pid);
    expect(statOf(child)?.state ?? 'Z').toBe('Z');
    await rig.eventually(() => rig.read('children').split('\n').length === 3 || undefined, 'its second child');
    expect(rig.stamped('web')).toHaveLength(3);
  });

  it('keeps its process when only live fields change, and a staged change waits for its next start', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    await rig.step(builtin, 'create', rig.service('web', { command: SLEEP, start: READY }));
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    const live = rig.service('web', { command: SLEEP, start: READY, stop: { signal: 'INT' } });
    expect(await rig.step(builtin, 'update', live)).toEqual({ kind: 'done', pid });
    const staged = rig.service('web', { command: ['sleep', '1002'], start: READY });
    expect(await rig.step(builtin, 'update', staged)).toEqual({ kind: 'done', pid });
    expect(await rig.run(builtin, 'web')).toMatchObject({ kind: 'running', pid, definition: 'stale' });
    process.kill(pid, 'SIGKILL');
    expect(await rig.reaches(builtin, 'web', 'running', pid)).toMatchObject({ definition: 'current' });
  });
});

describe('a supervisor', () => {
  it('holds no more descriptors and leaves no dead children, however often a service is started again', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const restart = { backoff: { initial: '1ms', max: '1ms' }, limit: { restarts: 1000, within: '10m' } };
    const service = rig.service('flaps', { command: ['sleep', '0.02'], start: { ready: '0s' }, restart });
    await rig.step(builtin, 'create', service);
    const descriptors = () => readdirSync('/proc/self/fd').length;
    const before = descriptors();
    await rig.eventually(() => rig.record('flaps').machine.restarts > 25 || undefined, 'many restarts');
    await rig.step(builtin, 'stop', service);
    expect(descriptors()).toBeLessThan(before + 5);
    const dead = () => childrenOf(process.pid).filter((pid) => statOf(pid)?.state === 'Z');
    await rig.eventually(() => dead().length === 0 || undefined, 'no zombies');
  });

  it('rotates a log that has grown too large before the next start', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    writeFileSync(rig.path('web.log'), 'old\n'.repeat(1000));
    const logs = { stdout: 'web.log', stderr: 'web.log', maxSize: '1kB', keep: 2 };
    const command = ['sh', '-c', 'echo new; exec sleep 1000'];
    await rig.step(builtin, 'create', rig.service('web', { command, directory: rig.folder, logs, start: READY }));
    expect(rig.read('web.log')).toBe('new\n');
    expect(rig.read('web.log.1')).toBe('old\n'.repeat(1000));
  });
});

describe('a stop', () => {
  it('ends the whole tree, also what made itself a session of its own', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'setsid sleep 1001 & env -i setsid sleep 1002 & sleep 1003 & exec sleep 1000'];
    const service = rig.service('web', { command, start: READY });
    await rig.step(builtin, 'create', service);
    // Main, shim, and two children with the stamp; one without.
    await rig.eventually(() => rig.stamped('web').length >= 4 || undefined, 'its children');
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    const children = await rig.eventually(() => {
      const found = childrenOf(pid);
      return found.length === 3 ? found : undefined;
    }, 'three children');
    expect(await rig.step(builtin, 'stop', service)).toEqual({ kind: 'done' });
    expect(rig.stamped('web')).toEqual([]);
    for (const child of children) expect(statOf(child)?.state ?? 'Z').toBe('Z');
    expect(await rig.run(builtin, 'web')).toEqual({ kind: 'stopped', started: true });
  });

  it('kills what ignores its signal, and says so', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    const service = rig.service('deaf', { command, start: READY, stop: { timeout: '200ms' } });
    await rig.step(builtin, 'create', service);
    expect(await rig.step(builtin, 'stop', service)).toEqual({ kind: 'done' });
    expect(rig.events).toContainEqual({ kind: 'killed', service: 'deaf', after: 200 });
    expect(rig.stamped('deaf')).toEqual([]);
  });

  it('with tree: false leaves the children alone', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'sleep 1001 & exec sleep 1000'];
    const service = rig.service('web', { command, start: READY, stop: { tree: false } });
    await rig.step(builtin, 'create', service);
    await rig.eventually(() => rig.stamped('web').length === 3 || undefined, 'its child');
    await rig.step(builtin, 'stop', service);
    expect(rig.stamped('web')).toHaveLength(1);
  });

  it('uses the declared signal', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', `trap 'echo got >${rig.path('got')}; exit 0' USR1; while :; do sleep 0.05; done`];
    const service = rig.service('web', { command, start: READY, stop: { signal: 'USR1' } });
    await rig.step(builtin, 'create', service);
    await rig.step(builtin, 'stop', service);
    expect(rig.read('got')).toBe('got\n');
  });

  it('of a service that waits to be started again ends the waiting', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const restart = { backoff: { initial: '1m' } };
    const service = rig.service('bad', { command: ['false'], start: { ready: '100ms', timeout: '100ms' }, restart });
    expect(await rig.step(builtin, 'create', service)).toMatchObject({
      problem: { summary: expect.stringContaining('not ready within') },
    });
    expect(await rig.run(builtin, 'bad')).toMatchObject({ kind: 'backoff' });
    expect(await rig.step(builtin, 'stop', service)).toEqual({ kind: 'done' });
    expect(await rig.run(builtin, 'bad')).toEqual({ kind: 'stopped', started: true });
  });

  it('returns at once on abort, and goes on by itself', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    const service = rig.service('deaf', { command, start: READY, stop: { timeout: '500ms' } });
    await rig.step(builtin, 'create', service);
    const signal = AbortSignal.timeout(50);
    expect(await rig.step(builtin, 'stop', service, { signal })).toMatchObject({ problem: { code: 'interrupted' } });
    expect(await rig.run(builtin, 'deaf')).toMatchObject({ kind: 'stopping' });
    await rig.reaches(builtin, 'deaf', 'stopped');
  });

  it('of all ends all', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    for (const id of ['a', 'b', 'c@1', 'c@2']) {
      await rig.step(builtin, 'create', rig.service(id, { command: SLEEP, start: READY }));
    }
    await builtin.stopAll(new AbortController().signal);
    expect(rig.stamped()).toEqual([]);
  });

  it('removes without a trace', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', { command: SLEEP, start: READY });
    await rig.step(builtin, 'create', service);
    expect(await rig.step(builtin, 'remove', service)).toEqual({ kind: 'done' });
    expect(await rig.actual(builtin, 'web')).toBeUndefined();
    expect(rig.stamped()).toEqual([]);
  });
});

describe('a step', () => {
  it('is refused where the object is no longer what the plan saw', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', { command: SLEEP, start: READY });
    const create = await rig.planned(builtin, 'create', service);
    await rig.step(builtin, 'create', service);
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    const signal = new AbortController().signal;
    expect(await builtin.apply(create, signal)).toMatchObject({ problem: { code: 'changed-meanwhile' } });
    const replace = await rig.planned(builtin, 'replace', rig.service('web', { command: ['sleep', '1002'] }));
    await rig.step(builtin, 'update', rig.service('web', { command: ['sleep', '1003'] }));
    expect(await builtin.apply(replace, signal)).toMatchObject({ problem: { code: 'changed-meanwhile' } });
    expect(await rig.run(builtin, 'web')).toMatchObject({ pid });
  });

  it("never touches another owner's service", async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', { command: SLEEP, start: READY });
    await rig.step(builtin, 'create', service);
    await builtin[Symbol.asyncDispose]();
    const record = { ...rig.record('web'), owner: 'somebody' };
    writeFileSync(`${rig.serviceFolder('web')}/record.json`, JSON.stringify(record));
    const other = await rig.supervisor();
    expect(await rig.actual(other, 'web')).toMatchObject({ owner: { kind: 'foreign', owner: 'somebody' } });
    expect(await rig.step(other, 'remove', service)).toMatchObject({ problem: { code: 'foreign' } });
    expect(lives({ pid: record.main?.pid ?? 0, start: record.main?.start ?? 0 })).toBe(true);
  });

  it('without a start defines a service and starts nothing', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', { command: SLEEP });
    expect(await rig.step(builtin, 'create', service, { effect: 'none' })).toEqual({ kind: 'done' });
    expect(await rig.actual(builtin, 'web')).toMatchObject({ run: { kind: 'stopped', started: false } });
    expect(rig.stamped()).toEqual([]);
  });
});

it('the folder of services that somebody removes is noticed', async () => {
  await using rig = new BuiltinRig();
  const builtin = await rig.supervisor();
  const service = rig.service('web', { command: SLEEP, start: READY });
  await rig.step(builtin, 'create', service);
  let nudged = 0;
  await using _ = builtin.watch(() => {
    nudged += 1;
  });
  rmSync(rig.serviceFolder('web'), { recursive: true });
  await rig.eventually(() => nudged > 0 || undefined, 'a nudge');
});

function childrenOf(pid: number): number[] {
  return listPids().filter((child) => statOf(child)?.ppid === pid);
}
