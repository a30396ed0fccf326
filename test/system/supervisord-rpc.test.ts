import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { descendantsOf, statOf } from '../../src/host/procfs.ts';
import { createChildren, orphansOf } from '../../src/supervisors/supervisord/children.ts';
import { readConfig } from '../../src/supervisors/supervisord/config-file.ts';
import { findSupervisord } from '../../src/supervisors/supervisord/presence.ts';
import { processOf } from '../../src/supervisors/supervisord/process.ts';
import { type Address, createClient, createSupervisord } from '../../src/supervisors/supervisord/rpc.ts';
import { listenerProblems } from '../../src/supervisors/supervisord/safety.ts';
import { ownTime, until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';

const SLEEP = `/bin/sleep ${ownTime()}`;

/** A real supervisord in a folder of its own; whatever it has started is gone when the test ends. */
async function supervisord(programs: string, { more = '', env = {} }: { more?: string; env?: object } = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-rpc-')));
  const [config, socket, pidFile] = ['s.conf', 's.sock', 's.pid'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const write = (sections: string) =>
    writeFileSync(
      config,
      `[supervisord]\nlogfile=${folder}/s.log\npidfile=${pidFile}\nminfds=1024\n[unix_http_server]\nfile=${socket}\n` +
        '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n' +
        `${more}\n${sections}`,
    );
  write(programs);
  const started: ChildProcess[] = [];
  const start = async (...args: readonly string[]) => {
    const child = spawn('supervisord', args.length > 0 ? args : ['-n', '-c', config], {
      stdio: 'ignore',
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
    });
    started.push(child);
    await until(() => (existsSync(socket) && existsSync(pidFile)) || child.exitCode !== null);
    expect(child.exitCode).toBeNull();
    return child.pid ?? 0;
  };
  const address: Address = { kind: 'socket', path: socket };
  const rpc = createSupervisord(createClient(address));
  onTestFinished(async () => {
    rpc[Symbol.dispose]();
    for (const child of started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      for (const { pid } of descendantsOf(child.pid ?? 0)) process.kill(pid, 'SIGKILL');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    for (const pid of orphansOf(socket, undefined)) process.kill(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const find = () => findSupervisord({ config, pidFile, address });
  return { folder, config, socket, pidFile, write, start, started, rpc, find, address };
}

const program = (name: string, more = '') => `[program:${name}]\ncommand=${SLEEP}\nstartsecs=0\n${more}\n`;

describeWithSupervisord('a supervisord is asked', () => {
  it('for its programs, and does what it is told', async () => {
    const { rpc, start, write } = await supervisord(program('a') + program('b', 'autostart=false'));
    const pid = await start();
    expect(await rpc.getState()).toEqual({ statecode: 1, statename: 'RUNNING' });
    expect(await rpc.getPid()).toBe(pid);
    expect(await rpc.getVersion()).toMatch(/^4\./);
    await until(async () => (await rpc.processInfo(['a']))[0]?.statename === 'RUNNING');
    const [a, none, b] = await rpc.processInfo(['a', 'none', 'b:b']);
    expect([a?.statename, none, b?.statename]).toEqual(['RUNNING', undefined, 'STOPPED']);

    expect(await rpc.reloadConfig()).toEqual({ added: [], changed: [], removed: [] });
    write(program('a', 'environment=X="1"') + program('c'));
    expect(await rpc.reloadConfig()).toEqual({ added: ['c'], changed: ['a'], removed: ['b'] });
    await rpc.removeProcessGroup('b');
    await rpc.addProcessGroup('c');
    await rpc.stopProcess('a');
    await until(async () => (await rpc.processInfo(['a']))[0]?.statename === 'STOPPED');
    await rpc.startProcess('a');
    await until(async () => (await rpc.allProcessInfo()).every(({ statename }) => statename === 'RUNNING'));
    expect((await rpc.allProcessInfo()).map(({ name }) => name).sort()).toEqual(['a', 'c']);
  });

  it('and says what it refuses, by name', async () => {
    const { rpc, start, write } = await supervisord(program('a'));
    await start();
    await until(async () => (await rpc.processInfo(['a']))[0]?.statename === 'RUNNING');
    await expect(rpc.startProcess('a')).rejects.toMatchObject({ name: 'ALREADY_STARTED' });
    await expect(rpc.startProcess('none')).rejects.toMatchObject({ name: 'BAD_NAME' });
    await expect(rpc.addProcessGroup('a')).rejects.toMatchObject({ name: 'ALREADY_ADDED' });
    await expect(rpc.addProcessGroup('none')).rejects.toMatchObject({ name: 'BAD_NAME' });
    await expect(rpc.removeProcessGroup('a')).rejects.toMatchObject({ name: 'STILL_RUNNING' });
    await rpc.stopProcess('a');
    await until(async () => (await rpc.processInfo(['a']))[0]?.statename === 'STOPPED');
    await expect(rpc.stopProcess('a')).rejects.toMatchObject({ name: 'NOT_RUNNING' });
    write(program('a', 'startsecs=soon'));
    await expect(rpc.reloadConfig()).rejects.toMatchObject({
      name: 'CANT_REREAD',
      message: expect.stringContaining('soon'),
    });
  });

  it('by name and password where it wants them, also over TCP', async () => {
    const port = await freePort();
    const more = `[inet_http_server]\nport=127.0.0.1:${port}\nusername=me\npassword=a%%b:c`;
    const { start, config } = await supervisord(program('a'), { more });
    await start();
    const [listener] = readConfig(config).listeners;
    expect(listener).toMatchObject({ kind: 'tcp', host: '127.0.0.1', port, username: 'me', password: 'a%b:c' });
    const tcp = { kind: 'tcp', host: '127.0.0.1', port } as const;
    using well = createSupervisord(createClient({ ...tcp, user: 'me', password: 'a%b:c' }));
    expect((await well.getState()).statename).toBe('RUNNING');
    using wrong = createSupervisord(createClient({ ...tcp, user: 'me', password: 'no' }));
    await expect(wrong.getState()).rejects.toThrow('another user name and password');
  });

  it('again, where it has closed the connection meanwhile', async () => {
    const { rpc, start, started, socket } = await supervisord('');
    await start();
    await rpc.getState();
    started[0]?.kill('SIGTERM');
    await once(started[0] as ChildProcess, 'exit');
    await until(() => !existsSync(socket));
    await start();
    expect((await rpc.getState()).statename).toBe('RUNNING');
  });
});

describeWithSupervisord('a supervisord is found', () => {
  it('up, hung, gone, and without its socket', async () => {
    const { find, start, started, socket } = await supervisord(program('a'));
    expect(await find()).toEqual({ kind: 'gone' });
    const pid = await start();
    expect(await find()).toEqual({ kind: 'up', pid });

    process.kill(pid, 'SIGSTOP');
    await until(() => statOf(pid)?.state === 'T');
    const before = Date.now();
    expect(await find()).toEqual({ kind: 'hung', pid, stopped: true });
    expect(Date.now() - before).toBeLessThan(1000);
    process.kill(pid, 'SIGCONT');
    expect(await find()).toEqual({ kind: 'up', pid });

    rmSync(socket);
    expect(await find()).toEqual({ kind: 'no-socket', pid });

    started[0]?.kill('SIGKILL');
    await once(started[0] as ChildProcess, 'exit');
    expect(await find()).toEqual({ kind: 'gone' });
  });

  it('gone where a killed one has left its socket and its pid file', async () => {
    const { find, start, started, socket, pidFile } = await supervisord('');
    await start();
    started[0]?.kill('SIGKILL');
    await once(started[0] as ChildProcess, 'exit');
    expect([existsSync(socket), existsSync(pidFile)]).toEqual([true, true]);
    expect(await find()).toEqual({ kind: 'gone' });
    // The number is another process's now.
    writeFileSync(pidFile, `${process.pid}\n`);
    expect(await find()).toEqual({ kind: 'gone' });
  });

  it('leaving while it waits for what it stops', async () => {
    const stubborn = `[program:s]\ncommand=/bin/sh -c 'trap "" TERM; : > %(here)s/trapped; while :; do /bin/sleep 1; done'\nstopwaitsecs=3\nstartsecs=0`;
    const { find, start, started, folder } = await supervisord(stubborn);
    await start();
    await until(() => existsSync(join(folder, 'trapped')));
    started[0]?.kill('SIGTERM');
    await until(async () => (await find()).kind === 'leaving');
  });

  it.each([
    ['-n', '-c', 'PATH'],
    ['-n', '-cPATH'],
    ['-nc', 'PATH'],
    ['--nodaemon', '--configuration', 'PATH'],
    ['--configuration=PATH', '-n'],
    ['-l', '/dev/null', '--nod', '--conf=PATH'],
    ['-n', '-c', 's.conf'],
    ['-e', 'info', '-nkcPATH'],
  ])('by its arguments: %j %j', async (...args) => {
    const { start, config } = await supervisord('');
    const pid = await start(...args.map((arg) => arg.replace('PATH', config)));
    expect(processOf(config, undefined)).toBe(pid);
    expect(processOf(`${config}.other`, undefined)).toBeUndefined();
  });

  it('busy in the eyes of whoever waits, where it is mute without being stopped', async () => {
    const { config, folder, pidFile } = await supervisord('');
    const socket = join(folder, 'mute.sock');
    const server = createServer(() => {}).listen(socket);
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    // Nothing of that configuration runs, but something listens.
    const presence = await findSupervisord({ config, pidFile, address: { kind: 'socket', path: socket } });
    expect(presence).toMatchObject({ kind: 'refused', because: expect.stringContaining('did not answer') });
  });
});

describeWithSupervisord('its processes', () => {
  it('are its children, by what their environment says', async () => {
    const ours = program('a', 'environment=RECONCILED_DEFINITION="v1:me:a::abc",RECONCILED_SETTINGS="def"');
    const group = `[group:g]\nprograms=b\n${program('b', 'numprocs=2\nprocess_name=b_%(process_num)d')}`;
    const { start, rpc, write } = await supervisord(ours + group);
    const pid = await start();
    const children = createChildren();
    await until(() => children(pid).length === 3);
    const all = () => [...children(pid)].sort((x, y) => (x.name < y.name ? -1 : 1));
    expect(all()).toEqual([
      {
        pid: expect.any(Number),
        start: expect.any(Number),
        name: 'a',
        group: 'a',
        stamp: 'v1:me:a::abc',
        settings: 'def',
      },
      {
        pid: expect.any(Number),
        start: expect.any(Number),
        name: 'b_0',
        group: 'g',
        stamp: undefined,
        settings: undefined,
      },
      {
        pid: expect.any(Number),
        start: expect.any(Number),
        name: 'b_1',
        group: 'g',
        stamp: undefined,
        settings: undefined,
      },
    ]);
    const [first] = all();
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await until(() => all()[0]?.name === 'a' && all()[0]?.pid !== first?.pid);

    write(program('c'));
    await rpc.reloadConfig();
    await rpc.addProcessGroup('c');
    await until(() => all().some(({ name }) => name === 'c'));
  });

  it('are told from itself where another supervisord has started it', async () => {
    const env = { SUPERVISOR_PROCESS_NAME: 'inner', SUPERVISOR_GROUP_NAME: 'inner' };
    const { start } = await supervisord(program('a', 'numprocs=40\nprocess_name=a%(process_num)d'), { env });
    const pid = await start();
    const children = createChildren();
    const seen = new Set<string>();
    await until(() => {
      for (const { name } of children(pid)) seen.add(name);
      return seen.size >= 40;
    });
    expect(seen).not.toContain('inner');
    expect(children(pid)).toHaveLength(40);
  });

  it('that a killed one has left are known by its socket', async () => {
    const tree = `[program:t]\ncommand=/bin/sh -c "/bin/sleep 1000000 & wait"\nstartsecs=0`;
    const { start, started, socket } = await supervisord(tree);
    const pid = await start();
    await until(() => descendantsOf(pid).length === 2);
    // What one that lives has is no orphan, its grandchildren neither.
    expect(orphansOf(socket, pid)).toEqual([]);
    const below = descendantsOf(pid).map((stat) => stat.pid);
    started[0]?.kill('SIGKILL');
    await once(started[0] as ChildProcess, 'exit');
    expect([...orphansOf(socket, undefined)].sort()).toEqual(below.sort());
    expect(orphansOf(`${socket}2`, undefined)).toEqual([]);
    for (const orphan of below) process.kill(orphan, 'SIGKILL');
    await until(() => orphansOf(socket, undefined).length === 0);
  });
});

describeWithSupervisord('its configuration', () => {
  it('is read with the environment that it was started with', async () => {
    const { start, config } = await supervisord(program('a', 'directory=%(ENV_WHERE)s'), { env: { WHERE: '/tmp' } });
    const directory = () => readConfig(config).groups[0]?.programs[0]?.processes[0]?.directory;
    expect(readConfig(config).warnings).toMatchObject([
      { summary: expect.stringContaining('cannot tell directory of [program:a]') },
    ]);
    expect(readConfig(config).problems).toEqual([]);
    expect(directory()).toBeUndefined();
    await start();
    expect(readConfig(config).warnings).toEqual([]);
    expect(directory()).toBe('/tmp');
  });

  it('may be well, and its socket still be opened to all by hand', async () => {
    const { start, config, socket } = await supervisord('');
    await start();
    const problems = () => readConfig(config).listeners.flatMap(listenerProblems);
    expect(problems()).toEqual([]);
    chmodSync(socket, 0o777);
    expect(problems()).toMatchObject([
      {
        code: 'insecure-socket',
        summary: expect.stringContaining('has been given the mode 0777'),
        hint: `chmod 0700 ${socket}`,
      },
    ]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
