import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { commandOf, listPids, lives, statOf } from '../../src/host/procfs.ts';
import type { Definition, OwnStep } from '../../src/model.ts';
import type { Builtin } from '../../src/supervisors/builtin/index.ts';
import { isShim } from '../../src/supervisors/builtin/shim.ts';
import { BuiltinRig } from '../rig/builtin.ts';

const WEB = { command: ['sleep', '1000'], start: { ready: '50ms' } };

async function started(rig: BuiltinRig, builtin: Builtin, written: object = WEB): Promise<number> {
  await rig.step(builtin, 'create', rig.service('web', written));
  return (await rig.reaches(builtin, 'web', 'running')).pid;
}

/** Main processes of a service: all that bear its stamp but shims. */
function mains(rig: BuiltinRig): number[] {
  return rig.stamped('web').filter((pid) => !isShim(commandOf(pid)));
}

function shimOf(rig: BuiltinRig): number {
  return rig.record('web').shim?.pid ?? 0;
}

describe('a service whose supervisor is gone', () => {
  it('lives on and is taken back with the same pid, and is started again when it ends then', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await first[Symbol.asyncDispose]();
    expect(statOf(pid)?.state).toBe('S');
    const second = await rig.supervisor();
    expect(await rig.run(second, 'web')).toMatchObject({ kind: 'running', pid, definition: 'current' });
    expect(rig.events).toContainEqual({ kind: 'adopted', service: 'web', pid });
    process.kill(pid, 'SIGKILL');
    await rig.reaches(second, 'web', 'running', pid);
    expect(mains(rig)).toHaveLength(1);
  });

  it('and which ended unwatched is seen with its exit code, and started again by the next', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const command = ['sh', '-c', `while [ ! -e ${rig.path('go')} ]; do sleep 0.02; done; rm ${rig.path('go')}; exit 7`];
    const pid = await started(rig, first, { ...WEB, command });
    await first[Symbol.asyncDispose]();
    writeFileSync(rig.path('go'), '');
    const reader = await rig.supervisor(false);
    expect(await rig.reaches(reader, 'web', 'exited')).toMatchObject({ exit: { kind: 'code', code: 7 } });
    await rig.reaches(await rig.supervisor(), 'web', 'running', pid);
    expect(rig.events).toContainEqual(
      expect.objectContaining({ kind: 'state', from: 'RUNNING', exit: { kind: 'code', code: 7 } }),
    );
  });

  it('and which waits to be started again is started by the next', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const restart = { backoff: { initial: '500ms' } };
    const start = { ready: '100ms', timeout: '100ms' };
    const command = ['sh', '-c', `[ -e ${rig.path('ok')} ] && exec sleep 1000; exit 1`];
    await rig.step(first, 'create', rig.service('web', { command, start, restart }));
    await rig.reaches(first, 'web', 'backoff');
    await first[Symbol.asyncDispose]();
    writeFileSync(rig.path('ok'), '');
    await sleep(1000);
    expect(mains(rig)).toEqual([]);
    await rig.reaches(await rig.supervisor(), 'web', 'running');
  });

  it('and which was being stopped is stopped by the next', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const command = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];
    const written = { ...WEB, command, stop: { timeout: '400ms' } };
    await started(rig, first, written);
    await rig.step(first, 'stop', rig.service('web', written), { signal: AbortSignal.timeout(50) });
    await first[Symbol.asyncDispose]();
    await sleep(600);
    expect(mains(rig)).not.toEqual([]);
    const second = await rig.supervisor();
    await rig.reaches(second, 'web', 'stopped');
    expect(rig.stamped()).toEqual([]);
  });
});

describe('a shim that was killed', () => {
  it('takes no service with it: it is kept, and its end is seen all the same', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const pid = await started(rig, builtin);
    process.kill(shimOf(rig), 'SIGKILL');
    await rig.eventually(() => rig.events.some((e) => e.kind === 'unseen') || undefined, 'word of it');
    expect(await rig.run(builtin, 'web')).toMatchObject({ kind: 'running', pid });
    process.kill(pid, 'SIGKILL');
    await rig.reaches(builtin, 'web', 'running', pid);
    expect(rig.events).toContainEqual(expect.objectContaining({ kind: 'state', exit: { kind: 'unknown' } }));
    expect(mains(rig)).toHaveLength(1);
  });

  it('leaves a service that can be adopted and stopped', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await first[Symbol.asyncDispose]();
    process.kill(shimOf(rig), 'SIGKILL');
    const second = await rig.supervisor();
    expect(await rig.run(second, 'web')).toMatchObject({ kind: 'running', pid });
    expect(await rig.step(second, 'stop', rig.service('web', WEB))).toEqual({ kind: 'done' });
    expect(lives({ pid, start: rig.record('web').main?.start ?? 0 })).toBe(false);
  });

  it('together with its whole group is a crash like any other', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const pid = await started(rig, builtin);
    process.kill(-shimOf(rig), 'SIGKILL');
    await rig.reaches(builtin, 'web', 'running', pid);
    expect(mains(rig)).toHaveLength(1);
  });
});

describe('a record', () => {
  it('that is damaged is unreadable, never absent, and its service is left alone', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await first[Symbol.asyncDispose]();
    const file = `${rig.serviceFolder('web')}/record.json`;
    const whole = readFileSync(file, 'utf8');
    for (const text of ['', '{', 'null', '{}', whole.slice(0, -20), whole.replace('"version":1', '"version":2')]) {
      writeFileSync(file, text);
      const reader = await rig.supervisor();
      const reading = await reader.observe(new AbortController().signal);
      expect(reading).toMatchObject({ kind: 'read', objects: [{ kind: 'unreadable', id: 'web' }] });
      const step = await createOfAbsent(rig, reader);
      expect(await reader.apply(step, new AbortController().signal)).toMatchObject({
        kind: 'failed',
        problem: { code: 'record-unreadable' },
      });
      await reader[Symbol.asyncDispose]();
    }
    expect(statOf(pid)?.state).toBe('S');
  });

  it('whose pid is now another process is that of a service that has ended', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await rig.step(first, 'stop', rig.service('web', WEB));
    const record = rig.record('web');
    await first[Symbol.asyncDispose]();
    const main = { pid: process.pid, start: 1, since: Date.now(), hash: record.definition.hash };
    const machine = { ...record.machine, state: { name: 'RUNNING', since: Date.now() } };
    writeFileSync(`${rig.serviceFolder('web')}/record.json`, JSON.stringify({ ...record, main, machine }));
    expect(await rig.run(await rig.supervisor(false), 'web')).toMatchObject({ kind: 'exited' });
    // The next supervisor starts it again, and signals nobody else for it.
    const { pid: next } = await rig.reaches(await rig.supervisor(), 'web', 'running');
    expect([pid, process.pid]).not.toContain(next);
  });

  it('of another boot tells that nothing was started since', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    await started(rig, first);
    await rig.step(first, 'stop', rig.service('web', WEB));
    const record = { ...rig.record('web'), boot: 'another' };
    await first[Symbol.asyncDispose]();
    const machine = { ...record.machine, state: { name: 'RUNNING', since: Date.now() } };
    writeFileSync(`${rig.serviceFolder('web')}/record.json`, JSON.stringify({ ...record, machine }));
    const second = await rig.supervisor();
    expect(await rig.run(second, 'web')).toEqual({ kind: 'stopped', started: false });
    expect(rig.stamped()).toEqual([]);
  });

  it('without a pid, of a supervisor killed right after the start, is made good by the shim', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    const { main: _main, shim: _shim, ...record } = rig.record('web');
    await first[Symbol.asyncDispose]();
    for (const state of [{ name: 'STARTING', since: Date.now(), up: false, trial: false }, { name: 'STOPPED' }]) {
      const machine = { ...record.machine, state };
      writeFileSync(`${rig.serviceFolder('web')}/record.json`, JSON.stringify({ ...record, machine }));
      const next = await rig.supervisor();
      expect(await rig.reaches(next, 'web', 'running')).toMatchObject({ pid, definition: 'current' });
      await next[Symbol.asyncDispose]();
    }
    expect(mains(rig)).toEqual([pid]);
  });
});

describe('a runtime folder deleted under a live service', () => {
  it('is no reason to start a second one: the process is found by its stamp and taken back', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await first[Symbol.asyncDispose]();
    rmSync(rig.path('run'), { recursive: true });
    const second = await rig.supervisor();
    const found = await rig.actual(second, 'web');
    expect(found).toMatchObject({ definition: { hash: expect.any(String) }, run: { kind: 'running', pid } });
    expect(found?.definition.fields).toBeUndefined();
    expect(await rig.step(second, 'update', rig.service('web', WEB))).toEqual({ kind: 'done', pid });
    expect(await rig.run(second, 'web')).toMatchObject({ kind: 'running', pid, definition: 'current' });
    // Its end is still seen, code and all: the shim's FIFO lives on without a name.
    process.kill(pid, 'SIGTERM');
    await rig.reaches(second, 'web', 'running', pid);
    expect(rig.events).toContainEqual(
      expect.objectContaining({ kind: 'state', exit: { kind: 'signal', signal: 'SIGTERM' } }),
    );
    expect(mains(rig)).toHaveLength(1);
  });

  it('or its FIFO alone is no reason to double it, whatever it calls itself', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first, { ...WEB, command: ['bash', '-c', 'exec -a renamed sleep 1000'] });
    await rig.eventually(() => commandOf(pid)[0] === 'renamed' || undefined, 'its new name');
    await first[Symbol.asyncDispose]();
    rmSync(`${rig.serviceFolder('web')}/alive`);
    const second = await rig.supervisor();
    expect(await rig.run(second, 'web')).toMatchObject({ kind: 'running', pid, definition: 'current' });
    await sleep(200); // nothing may be started
    expect(mains(rig)).toEqual([pid]);
  });

  it('while it is supervised is no reason to stop or double it either', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const pid = await started(rig, builtin);
    rmSync(rig.serviceFolder('web'), { recursive: true });
    expect(await rig.run(builtin, 'web')).toMatchObject({ kind: 'running', pid });
    process.kill(pid, 'SIGKILL');
    await rig.eventually(
      () => (existsSync(rig.serviceFolder('web')) ? rig.record('web').main : undefined),
      'a restart',
    );
    expect(await rig.reaches(builtin, 'web', 'running', pid)).toMatchObject({ definition: 'current' });
    expect(mains(rig)).toHaveLength(1);
  });

  it('refuses a create of a plan that saw nothing', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    const pid = await started(rig, first);
    await first[Symbol.asyncDispose]();
    rmSync(rig.path('run'), { recursive: true });
    const second = await rig.supervisor();
    const step = await createOfAbsent(rig, second);
    expect(await second.apply(step, new AbortController().signal)).toMatchObject({
      problem: { code: 'changed-meanwhile' },
    });
    expect(mains(rig)).toEqual([pid]);
  });

  it('lets a service without a record be removed', async () => {
    await using rig = new BuiltinRig();
    const first = await rig.supervisor();
    await started(rig, first);
    await first[Symbol.asyncDispose]();
    rmSync(rig.path('run'), { recursive: true });
    const second = await rig.supervisor();
    expect(await rig.step(second, 'remove', rig.service('web', WEB))).toEqual({ kind: 'done' });
    expect(rig.stamped()).toEqual([]);
  });
});

describe('a copy that bears the stamp and the command', () => {
  const start = async (rig: BuiltinRig, line: readonly string[]): Promise<number> => {
    const stamp = `v1:${rig.owner}:web::${rig.record('web').definition.hash}`;
    const env = { PATH: '/bin:/usr/bin' };
    const script = `RECONCILED_DEFINITION=${stamp} ${line.join(' ')} & sleep 1001 & wait`;
    spawn('sh', ['-c', script], { env, detached: true, stdio: 'ignore' }).unref();
    return rig.eventually(() => mains(rig).find((pid) => commandOf(pid)[0] === 'sleep'), 'the copy');
  };

  it('is adopted, never doubled', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    await started(rig, builtin);
    const service = rig.service('web', WEB);
    await rig.step(builtin, 'stop', service);
    const planned = await rig.planned(builtin, 'start', service);
    const pid = await start(rig, WEB.command);
    expect(await rig.run(builtin, 'web')).toMatchObject({ kind: 'running', pid });
    expect(await builtin.apply(planned, new AbortController().signal)).toMatchObject({
      problem: { code: 'changed-meanwhile' },
    });
    expect(mains(rig)).toEqual([pid]);
    process.kill(-(statOf(pid)?.pgrp ?? 0), 'SIGKILL');
  });

  it('is stopped without whom it is a guest of', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    await started(rig, builtin);
    const service = rig.service('web', WEB);
    await rig.step(builtin, 'stop', service);
    const pid = await start(rig, WEB.command);
    const group = statOf(pid)?.pgrp ?? 0;
    try {
      expect(await rig.step(builtin, 'stop', service)).toEqual({ kind: 'done' });
      expect(mains(rig)).toEqual([]);
      const others = listPids().filter((other) => statOf(other)?.pgrp === group);
      expect(others.map((other) => commandOf(other)[0]).sort()).toEqual(['sh', 'sleep']);
    } finally {
      process.kill(-group, 'SIGKILL');
    }
  });
});

/** The step of a plan that saw nothing of it. */
async function createOfAbsent(rig: BuiltinRig, builtin: Builtin): Promise<OwnStep> {
  const step = await rig.planned(builtin, 'create', rig.service('other', WEB));
  const service = rig.service('web', WEB);
  return { ...step, service: 'web', target: { service, definition: builtin.define(service) as Definition } };
}
