import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { createSupervisordHost, type SupervisordHost } from '../rig/supervisord/host.ts';

/** A host with `web` and `worker` running, and their pids. */
async function running(options: Parameters<typeof createSupervisordHost>[0] = {}): Promise<SupervisordHost> {
  const host = await createSupervisordHost(options);
  await host.start();
  host.declare('web');
  host.declare('worker');
  await host.apply();
  // Each is another program by now.
  await until(() => host.processes().length === 2);
  return host;
}

describeWithSupervisord('a supervisord in trouble', () => {
  it('that was stopped by a signal is unreadable with the cause, and held; healed when it goes on', async () => {
    await using host = await running();
    const pid = Number(readFileSync(join(host.folder, 'supervisord.pid'), 'utf8'));
    const before = await host.pids();
    process.kill(pid, 'SIGSTOP');
    host.declare('web', { environment: { CHANGED: '1' } });
    const said = await host.apply(3);
    expect(said).toContain(`its process ${pid} was stopped by a signal`);
    expect(said).toContain(`kill -CONT ${pid}`);
    process.kill(pid, 'SIGCONT');
    expect(await host.plan()).toEqual(['replace:web']);
    await host.apply();
    const after = await host.pids();
    expect(after.web).not.toBe(before.web);
    expect(after.worker).toBe(before.worker);
  });

  it('whose socket is gone while it runs is unreadable, and no second copy of anything is started', async () => {
    await using host = await running();
    renameSync(host.socket, `${host.socket}.away`);
    host.declare('web', { environment: { CHANGED: '1' } });
    expect(await host.apply(3)).toContain('but its socket is gone');
    expect(host.processes()).toHaveLength(2);
    renameSync(`${host.socket}.away`, host.socket);
    await host.apply();
    expect(host.processes()).toHaveLength(2);
    expect(await host.plan()).toEqual([]);
  });

  it('that is down is no unreadable one: its programs are stopped, and what is to start says why it can not', async () => {
    await using host = await running();
    await host.stop();
    expect(await host.plan()).toEqual(['! web stopped-with', '! worker stopped-with']);
    host.declare('web', { environment: { CHANGED: '1' } });
    const said = await host.apply(3);
    expect(said).toMatch(/cannot start web: .*supervisord.* is not running/);
    await host.start();
    await host.apply();
    expect(await host.plan()).toEqual([]);
    expect(host.processes()).toHaveLength(2);
  });

  it('that was killed leaves its programs behind: they are named, and nothing is started beside them', async () => {
    await using host = await running();
    const pid = Number(readFileSync(join(host.folder, 'supervisord.pid'), 'utf8'));
    const left = host.processes().map((process) => process.pid);
    process.kill(pid, 'SIGKILL');
    await until(() => !host.processes().some((process) => process.pid === pid));
    host.declare('web', { environment: { CHANGED: '1' } });
    const said = await host.apply(3);
    for (const each of left) expect(said).toContain(String(each));
    expect(host.processes().map((process) => process.pid)).toEqual(left);
    for (const each of left) process.kill(each, 'SIGKILL');
  });

  it('whose configuration somebody broke is told with file and line; what is there goes on; then it heals', async () => {
    await using host = await running();
    const before = await host.pids();
    const processes = host.processes();
    writeFileSync(join(host.include, 'broken.conf'), '[program:x]\nthis is no option\n');
    host.declare('web', { environment: { CHANGED: '1' } });
    expect(await host.apply(3)).toContain('broken.conf');
    expect(host.processes()).toEqual(processes);
    rmSync(join(host.include, 'broken.conf'));
    await host.apply();
    expect((await host.pids()).web).not.toBe(before.web);
    expect(await host.plan()).toEqual([]);
  });

  it('with a socket that others can write is refused with the reason and the fix, unless it is allowed; then every plan says so', async () => {
    await using host = await createSupervisordHost({ chmod: '0777' });
    await host.start();
    host.declare('web');
    const refused = await host.apply(3);
    expect(refused).toMatch(/supervisor\.sock has chmod=0777: any user of this host can control its supervisord/);
    expect(refused).toContain('chmod=0700');
    host.write('supervisors/dolphin.yaml', {
      owned: false,
      config: host.config,
      include: host.include,
      allowInsecureSocket: true,
    });
    await host.apply();
    expect(await host.plan()).toEqual(['= supervisord/dolphin remark']);
  });

  it('with a TCP listener that asks for no password is refused', async () => {
    await using host = await createSupervisordHost({ more: '[inet_http_server]\nport=127.0.0.1:65123\n' });
    host.declare('web');
    expect(await host.apply(3)).toMatch(/127\.0\.0\.1:65123 without a password: any user of this host can control it/);
  });

  it('that was given keys it ignores is told of: a limit that nobody sets', async () => {
    await using host = await createSupervisordHost({
      more: '[program:theirs]\ncommand=/bin/sleep 1000\nrlimit_as=2GB\n',
    });
    await host.start();
    host.declare('web');
    const said = await host.apply();
    expect(said).toMatch(/supervisord\.conf:\d+: supervisord ignores 'rlimit_as' without a word/);
    expect(said).toContain('limits.addressSpace');
  });
});

describeWithSupervisord('a program in trouble', () => {
  it('that can not be started is FATAL with the last lines it said', async () => {
    await using host = await createSupervisordHost();
    await host.start();
    host.declare('web', {
      command: ['/bin/sh', '-c', 'echo no database >&2; exit 3'],
      start: { ready: '1s', retries: 1 },
    });
    const said = await host.apply(3);
    expect(said).toContain('could not be started, tried 2 times in a row');
    expect(said).toContain('no database');
    expect(await host.plan()).toEqual(['! web fatal']);
  });

  it('whose command is not there is known before anything is stopped', async () => {
    await using host = await running();
    const before = await host.pids();
    host.declare('web', { command: ['/nonexistent/program'] });
    expect(await host.apply(3)).toContain('command /nonexistent/program does not exist');
    expect(await host.pids()).toEqual(before);
  });

  it('that ignores its stop signal is killed after its time', async () => {
    await using host = await createSupervisordHost();
    await host.start();
    host.declare('web', {
      command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
      stop: { timeout: '1s' },
    });
    await host.apply();
    host.declare('web', {
      state: 'stopped',
      command: ['/bin/sh', '-c', 'trap "" TERM; while :; do sleep 1; done'],
      stop: { timeout: '1s' },
    });
    await host.apply();
    await until(() => host.processes().length === 0);
  });

  it('that may use 2 GiB of addresses can not use 3: the limit is truly set', async () => {
    await using host = await createSupervisordHost();
    await host.start();
    const log = join(host.folder, 'hungry.log');
    host.declare('hungry', {
      command: ['/usr/bin/python3', '-c', 'x = bytearray(3 << 30); print("had it all")'],
      limits: { addressSpace: '2GiB' },
      restart: { policy: 'never' },
      start: { ready: '0s', retries: 0 },
      logs: { stdout: log, stderr: log },
    });
    await host.reconcile();
    await until(() => readFileSync(log, 'utf8').includes('MemoryError'));
    expect(readFileSync(log, 'utf8')).not.toContain('had it all');
  });
});

describeWithSupervisord('what needs no new process', () => {
  it('is written and staged, the pid unchanged, until it is forced', async () => {
    await using host = await running();
    const before = await host.pids();
    host.declare('web', { start: { ready: '0s', retries: 7 }, stop: { timeout: '20s' } });
    const { stdout } = await host.reconcile('--dry-run');
    expect(stdout).toMatch(/update, pid \d+ unchanged/);
    expect(stdout).toContain('staged');
    await host.apply();
    expect(await host.pids()).toEqual(before);
    expect(await host.plan()).toEqual(['= web staged']);
    expect((await host.reconcile('--dry-run')).code).toBe(0);
    expect(await host.plan('--restart-staged')).toEqual(['restart:web']);
    await host.apply(0, '--restart-staged');
    const after = await host.pids();
    expect(after.web).not.toBe(before.web);
    expect(after.worker).toBe(before.worker);
    expect(await host.plan()).toEqual([]);
  });

  it('restarts where the file says `changes: now`', async () => {
    await using host = await running();
    const before = await host.pids();
    host.declare('web', { start: { ready: '0s', retries: 7 }, changes: 'now' });
    expect(await host.plan()).toEqual(['replace:web']);
    await host.apply();
    expect((await host.pids()).web).not.toBe(before.web);
    expect(await host.plan()).toEqual([]);
  });

  it('a description or a probe changes nothing about the process', async () => {
    await using host = await running();
    const before = await host.pids();
    host.declare('web', { description: 'the web', health: [{ name: 'up', exec: { command: ['/bin/true'] } }] });
    await host.apply();
    expect(await host.pids()).toEqual(before);
    expect(await host.plan()).toEqual([]);
  });
});

describeWithSupervisord('what somebody else does', () => {
  it('a stop by hand is held for an hour, and ended by a person', async () => {
    await using host = await running();
    await host.supervisorctl('stop', 'web');
    expect(await host.plan()).toEqual(['! web drift']);
    await host.apply(3);
    expect((await host.pids()).web).toBeUndefined();
    await host.apply(0, 'start', 'web');
    expect(await host.plan()).toEqual([]);
  });

  it('a program of that name in a file of others is theirs', async () => {
    await using host = await createSupervisordHost({ more: '[program:web]\ncommand=/bin/sleep 2000000\n' });
    await host.start();
    const before = await host.supervisorctl('pid', 'web');
    host.declare('web');
    expect(await host.plan()).toEqual(['! web foreign']);
    await host.apply(3);
    expect(await host.supervisorctl('pid', 'web')).toBe(before);
  });

  it('a native group around one of ours: its neighbours are named, and it waits for a word', async () => {
    await using host = await running({ more: '[program:theirs]\ncommand=/bin/sleep 2000000\n' });
    appendFileSync(host.config, '\n[group:pod]\nprograms=web,theirs\n');
    await host.supervisorctl('update');
    const before = await host.states();
    expect(before['pod:web']).toBe('RUNNING');
    host.declare('web', { environment: { CHANGED: '1' } });
    const { stdout } = await host.reconcile('--dry-run');
    expect(stdout).toContain("group 'pod'");
    expect(stdout).toContain('theirs');
    const theirs = await host.supervisorctl('pid', 'pod:theirs');
    await host.apply(3);
    expect(await host.supervisorctl('pid', 'pod:theirs')).toBe(theirs);
    await host.apply(0, 'start', 'web');
    expect((await host.states())['pod:web']).toBe('RUNNING');
    expect(await host.supervisorctl('pid', 'pod:theirs')).not.toBe(theirs);
    expect(await host.plan()).toEqual([]);
  });
});

describeWithSupervisord('a daemon beside supervisord', () => {
  it('sees a stop by hand without polling, and heals it where that is said', async () => {
    await using host = await running();
    host.declare('web', { drift: 'heal' });
    await using daemon = asDisposable(await host.daemon());
    await daemon.saw('"event":"ready"');
    const before = await host.pids();
    await host.supervisorctl('stop', 'web');
    await daemon.saw('web: start done');
    const after = await host.pids();
    expect(after.web).not.toBe(before.web);
    expect(after.worker).toBe(before.worker);
  });

  it('holds a program that was restarted too often, and tries it again after its cooldown', async () => {
    await using host = await createSupervisordHost();
    await host.start();
    const flag = join(host.folder, 'well');
    host.declare('web', {
      command: ['/bin/sh', '-c', `[ -e ${flag} ] && exec sleep 1000000; sleep 0.1; exit 1`],
      restart: { limit: { restarts: 3, within: '1m' }, cooldown: '2s' },
    });
    await using daemon = asDisposable(await host.daemon());
    await daemon.saw('"event":"ready"');
    await daemon.saw(/web: left alone: HELD/);
    expect((await host.status()).find(({ name }) => name === 'web')?.state).toBe('HELD');
    writeFileSync(flag, '');
    await daemon.saw('web: its cooldown is over');
    await until(async () => (await host.pids()).web !== undefined);
  });
});

function asDisposable<T extends { stop(): Promise<unknown> }>(daemon: T): T & AsyncDisposable {
  return { ...daemon, [Symbol.asyncDispose]: async () => void (await daemon.stop()) };
}
