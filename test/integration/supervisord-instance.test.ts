import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOf, listPids, statOf } from '../../src/host/procfs.ts';
import { createHost, type Host, ownTime, until } from '../rig/host.ts';
import { hasSupervisord } from '../rig/supervisord/needs.ts';

const ID = 'supervisord-dolphin';

/** A host whose supervisord is run by the embedded supervisor, with one program. */
async function dolphin(): Promise<Host & { readonly config: string; instance(more?: object): void }> {
  const host = await createHost();
  const config = join(host.folder, 'etc', 'dolphin.conf');
  const socket = join(host.folder, 's', 'supervisor.sock');
  const instance = (more: object = {}) =>
    host.write('supervisors/dolphin.yaml', { config, socket: { path: socket }, boot: 'none', ...more });
  instance();
  host.write('web', { supervisor: 'supervisord/dolphin', command: ['/bin/sleep', ownTime()], start: { ready: '0s' } });
  return { ...host, config, instance };
}

/** All that runs the program now. */
function copies(host: Host): readonly number[] {
  return host.processes().flatMap(({ pid, stamp }) => (stamp.includes(':web:') ? [pid] : []));
}

async function applied(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.reconcile(...args);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

describe.runIf(hasSupervisord())('a supervisord that the embedded supervisor runs', () => {
  it('is made before its programs, and then there is nothing to do', async () => {
    await using host = await dolphin();
    const plan = (await host.reconcile('--dry-run')).stdout;
    expect(plan).toContain(`+ ${ID}  create and start`);
    expect(plan).toContain(`+++ ${host.config}`);
    expect(plan).not.toContain('builtin reads');
    expect(await applied(host)).toContain('2 done');
    expect(await applied(host, '--dry-run')).toBe('No changes: everything is as desired.\n');
    expect(Object.keys(await host.pids())).toEqual([ID, 'web']);
    expect((await host.reconcile('validate')).stdout).toContain('1 service in');
  });

  it('that is new starts no other instance beside what the first of them takes the place of', async () => {
    await using host = await dolphin();
    const script = join(host.folder, 'web.sh');
    writeFileSync(script, '#!/bin/sh\nwhile :; do sleep 100; done\n', { mode: 0o755 });
    const argv = ['/bin/sh', script];
    const running = () => listPids().filter((pid) => commandOf(pid).join('\0') === argv.join('\0'));
    const old = spawn('/bin/sh', [script], { stdio: 'ignore', detached: true }).pid ?? 0;
    await until(() => running().length === 1);
    const supersedes = [{ process: argv }];
    const settings = { command: argv, supersedes, instances: 3, soak: '1s', start: { ready: '1s' } };
    host.write('web', { supervisor: 'supervisord/dolphin', ...settings });
    const beside: number[][] = [];
    const watch = setInterval(() => {
      const now = running();
      if (now.includes(old) && now.length > 1) beside.push(now);
    }, 2);
    expect(await applied(host)).toContain('handed over');
    clearInterval(watch);
    expect(beside).toEqual([]);
    expect(Object.keys(await host.pids())).toEqual([ID, 'web@1', 'web@2', 'web@3']);
    expect(running()).toHaveLength(3);
    // Only the first one was started before it was told to start at boot.
    const left = await applied(host, '--dry-run');
    expect(left).toMatch(/= web@1 {2}left running[^=]*No changes\./);
    const [, folder = ''] = /^files *= *(.+)\/[^/]+$/m.exec(readFileSync(host.config, 'utf8')) ?? [];
    const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
    // What is not said there starts with supervisord.
    expect(texts.join('')).toContain('[program:web@3]');
    expect(texts.join('')).not.toContain('autostart=');
  });

  it('keeps its process and theirs while a change of its file waits, and restarts them when it is asked to', async () => {
    await using host = await dolphin();
    await applied(host);
    const before = await host.pids();
    host.instance({ minfds: 2048 });
    await applied(host);
    expect(readFileSync(host.config, 'utf8')).toContain('minfds=2048');
    expect(await host.pids()).toEqual(before);
    expect(await applied(host, '--dry-run')).toContain('--restart-staged');
    await applied(host, '--restart-staged');
    await until(() => copies(host).length === 1);
    const after = await host.pids();
    expect(after[ID]).not.toBe(before[ID]);
    expect(after.web).not.toBe(before.web);
    expect(await applied(host, '--dry-run')).toBe('No changes: everything is as desired.\n');
  });

  it('never has a program twice, though it is killed: with nobody there, and under a daemon', async () => {
    await using host = await dolphin();
    await applied(host);
    const [orphan] = copies(host);
    process.kill((await host.pids())[ID] ?? 0, 'SIGKILL');
    await until(async () => (await host.pids())[ID] === undefined);
    expect(copies(host)).toEqual([orphan]);
    await host.reconcile();
    await until(() => copies(host).length === 1 && copies(host)[0] !== orphan);
    await until(async () => (await host.pids()).web !== undefined);

    await using daemon = Object.assign(await host.daemon(), {
      [Symbol.asyncDispose]: async () => void (await daemon.stop()),
    });
    await daemon.saw('"event":"ready"');
    const { [ID]: first = 0, web: second } = await host.pids();
    process.kill(first, 'SIGKILL');
    await until(async () => {
      const now = await host.pids();
      return now[ID] !== undefined && now[ID] !== first && now.web !== undefined && now.web !== second;
    });
    expect(copies(host)).toHaveLength(1);
  });

  it('is started with what Git says by now after it was killed, in one run', async () => {
    await using host = await dolphin();
    const log = join(host.folder, 'started');
    const time = ownTime();
    const program = (name: string, more: object = {}) => {
      const command = ['/bin/sh', '-c', `echo ${name} >> ${log}; exec sleep ${time}`];
      host.write(name, { supervisor: 'supervisord/dolphin', command, start: { ready: '0s' }, ...more });
    };
    for (const name of ['gone', 'off', 'turned', 'zgone']) program(name);
    await applied(host);
    await until(() => readFileSync(log, 'utf8').split('\n').length === 5);
    process.kill((await host.pids())[ID] ?? 0, 'SIGKILL');
    await until(async () => (await host.pids())[ID] === undefined);
    for (const name of ['gone', 'zgone']) program(name, { state: 'absent' });
    program('off', { state: 'disabled' });
    program('turned', { environment: { NEW: '1' } });
    writeFileSync(log, '');
    await applied(host);
    expect(await applied(host, '--dry-run')).toBe('No changes: everything is as desired.\n');
    // Nothing that Git has taken away was started for a moment.
    expect(readFileSync(log, 'utf8')).toBe('turned\n');
    expect(Object.keys(await host.pids())).toEqual([ID, 'turned', 'web']);
    expect(host.processes().flatMap(({ command }) => (command === `sleep ${time}` ? [command] : []))).toHaveLength(1);
  });

  it('does not start what a person has stopped when it is started again, nor what is handed over from it twice', async () => {
    await using host = await dolphin();
    const log = join(host.folder, 'started');
    const program = (name: string, supervisor: string) => {
      const command = [
        '/bin/sh',
        '-c',
        `echo ${name} >> ${log}; trap 'sleep 1; exit' TERM; while :; do sleep 0.1; done`,
      ];
      host.write(name, { supervisor, command, start: { ready: '0s' }, soak: '1s' });
    };
    const up = (name: string) =>
      host.processes().filter(({ stamp, command }) => stamp.includes(`:${name}:`) && command.includes('echo'));
    for (const name of ['moved', 'stopped']) program(name, 'supervisord/dolphin');
    await applied(host);
    await applied(host, 'stop', 'stopped');
    process.kill((await host.pids())[ID] ?? 0, 'SIGKILL');
    await until(async () => (await host.pids())[ID] === undefined);
    program('moved', 'builtin');
    writeFileSync(log, '');
    const twice: number[] = [];
    const watch = setInterval(() => {
      // A shell's children bear the same stamp, and its shim; before they are another program they look like it.
      const shells = up('moved').filter(({ command }) => command.startsWith('/bin/sh -c echo'));
      const mains = shells.filter(({ pid }) => !shells.some((other) => other.pid === statOf(pid)?.ppid));
      if (mains.length > 1) twice.push(...mains.map(({ pid }) => pid));
    }, 20);
    const first = await host.reconcile();
    expect(first.stdout.replace(/\s+/g, ' ')).toContain(`moved held is handed over from what ${ID} runs`);
    expect(
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => line === 'stopped'),
    ).toEqual([]);
    await host.reconcile();
    clearInterval(watch);
    expect(twice).toEqual([]);
    expect(up('stopped')).toEqual([]);
    expect((await host.reconcile('status', 'moved')).stdout).toMatch(/moved +builtin +running +RUNNING/);
    await applied(host, 'start', 'stopped');
    expect(await applied(host, '--dry-run')).toBe('No changes: everything is as desired.\n');
  });

  it('that is gone is said to be so of what it ran, and a stop of that does not claim to be one', async () => {
    await using host = await dolphin();
    await applied(host);
    const { web = 0 } = await host.pids();
    process.kill((await host.pids())[ID] ?? 0, 'SIGKILL');
    await until(async () => (await host.pids())[ID] === undefined);
    const status = await host.reconcile('status', 'web');
    expect(status.stdout.replace(/\s+/g, ' ')).toContain(
      `its process ${web} goes on, looked after by nobody, until ${ID} is started`,
    );
    const stopped = await host.reconcile('stop', 'web');
    expect(stopped.code).toBe(3);
    expect(stopped.stdout + stopped.stderr).not.toContain('Left stopped');
    expect(stopped.stdout + stopped.stderr).toContain(`start that first, which ends it: reconcile start ${ID}`);
    await applied(host);
    await until(() => copies(host).length === 1 && copies(host)[0] !== web);
  });

  it('that stood still is gone on with by the daemon soon after', async () => {
    await using host = await dolphin();
    await using daemon = Object.assign(await host.daemon(), {
      [Symbol.asyncDispose]: async () => void (await daemon.stop()),
    });
    await daemon.saw(/applied: 2 done/);
    const { [ID]: supervisord = 0, web } = await host.pids();
    process.kill(supervisord, 'SIGSTOP');
    const command = ['/bin/sleep', ownTime()];
    host.write('web', { supervisor: 'supervisord/dolphin', command, start: { ready: '0s' } });
    await daemon.saw(/web: left alone: supervisord\/dolphin does not answer/);
    process.kill(supervisord, 'SIGCONT');
    // Long before all is looked at anew.
    await until(async () => ![undefined, web].includes((await host.pids()).web), 30);
  });

  it('takes nothing from another supervisord that answers on its socket', async () => {
    await using host = await dolphin();
    await applied(host);
    const { web } = await host.pids();
    await using other = await dolphin();
    other.instance({ socket: { path: join(host.folder, 's', 'supervisor.sock') } });
    const { code, stdout } = await other.reconcile('restart', 'web');
    expect([code, stdout.replace(/\s+/g, ' ')]).toEqual([3, expect.stringContaining(`started with ${host.config}`)]);
    expect((await host.pids()).web).toBe(web);
  });

  it('leaves alone the logs that another supervisord has made up, in the folder that all have', async () => {
    await using host = await dolphin();
    const config = join(host.folder, 'other.conf');
    const text = `[supervisord]\nnodaemon=true\nnocleanup=true\nlogfile=${host.folder}/other.log\npidfile=${host.folder}/other.pid\n`;
    const name = `made-${process.pid}`;
    writeFileSync(config, `${text}[program:${name}]\ncommand=/bin/sh -c "echo mine; exec sleep ${ownTime()}"\n`);
    const other = spawn('supervisord', ['--configuration', config], { stdio: 'ignore' });
    const logs = () => readdirSync('/tmp').filter((file) => file.startsWith(`${name}-stdout---supervisor-`));
    try {
      await until(() => logs().some((file) => readFileSync(join('/tmp', file), 'utf8') === 'mine\n'));
      await applied(host);
      expect(logs()).toHaveLength(1);
    } finally {
      const ended = once(other, 'exit');
      other.kill('SIGTERM');
      await ended;
      for (const file of logs()) rmSync(join('/tmp', file));
    }
  });

  it('is told of a configuration that somebody has edited, and never written over that of somebody else', async () => {
    await using host = await dolphin();
    mkdirSync(join(host.folder, 'etc'));
    writeFileSync(host.config, '[supervisord]\n');
    const held = await host.reconcile();
    expect(held.code).toBe(3);
    expect(held.stdout).toContain(`cannot write ${host.config} for ${ID}: somebody`);
    expect(readFileSync(host.config, 'utf8')).toBe('[supervisord]\n');
    writeFileSync(host.config, '');
    host.instance({ config: `${host.config}2` });
    await applied(host);
    const own = `${host.config}2`;
    const text = readFileSync(own, 'utf8');
    writeFileSync(own, text.replace('loglevel=info', 'loglevel=debug'));
    expect((await host.reconcile('--dry-run')).stdout).toContain('-loglevel=debug');
    const before = await host.pids();
    await applied(host);
    expect(readFileSync(own, 'utf8')).toBe(text);
    expect(await host.pids()).toEqual(before);
  });

  it('can go from Git only when nothing is under it any more, and then goes with its configuration', async () => {
    await using host = await dolphin();
    await applied(host);
    host.write('other', { supervisor: 'builtin', command: ['/bin/true'], state: 'stopped' });
    host.remove('services/web.yaml');
    host.remove('supervisors/dolphin.yaml');
    const refused = await host.reconcile();
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('cannot remove supervisors/dolphin.yaml: its supervisord still holds web');
    host.instance();
    host.write('web', { supervisor: 'supervisord/dolphin', state: 'absent' });
    await applied(host);
    expect(copies(host)).toEqual([]);
    host.remove('services/web.yaml');
    host.remove('supervisors/dolphin.yaml');
    expect(await applied(host)).toContain(ID);
    const policy = readFileSync(join(host.desired, 'policy.yaml'), 'utf8');
    host.write('policy.yaml', `${policy}prune: { max: 1 }\n`);
    await applied(host);
    expect(await host.pids()).toEqual({});
    expect(() => readFileSync(host.config)).toThrow('ENOENT');
  });
});
