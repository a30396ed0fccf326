import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listPids, statOf, variableOf } from '../../src/host/procfs.ts';
import { createHost, type Host, ownTime, until } from '../rig/host.ts';
import { hasSupervisord } from '../rig/supervisord/needs.ts';

/** Says READY, and OK to each event; locks a file of its name, and says so where another has it. */
const LISTENER = `
import fcntl, os, signal, sys
folder, patience = sys.argv[1:3]
if patience == 'slow': signal.signal(signal.SIGTERM, signal.SIG_IGN)
name = os.environ['SUPERVISOR_PROCESS_NAME']
told = open(folder + '/told', 'a', buffering=1)
lock = open(folder + '/lock-' + os.environ.get('RECONCILED_INSTANCE', '0'), 'w')
try: fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError: told.write('TWICE ' + name + '\\n')
while True:
    sys.stdout.write('READY\\n'); sys.stdout.flush()
    line = sys.stdin.readline()
    if not line: break
    event = dict(pair.split(':') for pair in line.split())
    sys.stdin.read(int(event['len']))
    told.write('%s %s %s\\n' % (name, event['eventname'], event['serial']))
    sys.stdout.write('RESULT 2\\nOK'); sys.stdout.flush()
`;

interface PoolHost extends Host {
  /** What its listeners were told of, and where two ran at once. */
  told(): string;
  ears(more?: object): void;
}

/** A host whose supervisord is run by the embedded supervisor, with a pool of listeners. */
async function poolHost(): Promise<PoolHost> {
  const host = await createHost();
  const script = join(host.folder, 'listener.py');
  writeFileSync(script, LISTENER);
  host.write('supervisors/dolphin.yaml', {
    config: join(host.folder, 'etc', 'dolphin.conf'),
    socket: { path: join(host.folder, 's', 'supervisor.sock') },
    boot: 'none',
  });
  const ears = (more: object = {}) =>
    host.write('ear', {
      supervisor: 'supervisord/dolphin',
      command: ['/usr/bin/python3', script, host.folder, 'quick'],
      instances: 3,
      start: { ready: '0s' },
      raw: { supervisord: [['eventlistener', 'events', 'PROCESS_STATE_STARTING']] },
      ...more,
    });
  ears();
  const told = () => (existsSync(join(host.folder, 'told')) ? readFileSync(join(host.folder, 'told'), 'utf8') : '');
  return { ...host, told, ears };
}

async function applied(host: Host, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await host.reconcile(...args);
  expect(code, stdout + stderr).toBe(0);
  return stdout;
}

const NOTHING = 'No changes: everything is as desired.\n';

/** Groups of supervisord that the instances of the pool are in now. */
function groups(host: Host): Readonly<Record<string, string>> {
  const found = host.processes().flatMap(({ pid }) => {
    const [name, group] = ['SUPERVISOR_PROCESS_NAME', 'SUPERVISOR_GROUP_NAME'].map((each) => variableOf(pid, each));
    return name === undefined || group === undefined ? [] : [[name, group] as const];
  });
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const POOL = { 'ear@1': 'ear@pool', 'ear@2': 'ear@pool', 'ear@3': 'ear@pool' };

describe.runIf(hasSupervisord())('instances that share their events', () => {
  it('are one group of supervisord, in which each is started and stopped by itself', async () => {
    await using host = await poolHost();
    expect(await applied(host)).toContain('4 done');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
    const first = await host.pids();
    expect(Object.keys(first)).toEqual(['ear@1', 'ear@2', 'ear@3', 'supervisord-dolphin']);
    expect(groups(host)).toEqual(POOL);

    await applied(host, 'stop', 'ear@2');
    expect(groups(host)).toEqual({ 'ear@1': 'ear@pool', 'ear@3': 'ear@pool' });
    await applied(host, 'start', 'ear@2');
    await applied(host, 'restart', 'ear@3');
    const second = await host.pids();
    expect(second['ear@1']).toBe(first['ear@1']);
    expect([second['ear@2'], second['ear@3']]).not.toContain(first['ear@3']);
    // Each start was told to one of those that were there.
    await until(
      () =>
        host
          .told()
          .split('\n')
          .filter((line) => line.includes('PROCESS_STATE_STARTING')).length >= 2,
    );
    const serials = [...host.told().matchAll(/STARTING (\d+)$/gm)].map(([, serial]) => serial);
    expect(new Set(serials).size).toBe(serials.length);
    expect(host.told()).not.toContain('TWICE');
  });

  it('are changed together: none of them twice, and none is left behind', async () => {
    await using host = await poolHost();
    await applied(host);
    const first = await host.pids();
    const other = { start: { ready: '0s', retries: 7 } };
    host.ears(other);
    expect(await applied(host)).toContain('3 to update live');
    expect(await host.pids()).toEqual(first);
    // What is staged comes with the start of all, and not with that of one.
    await applied(host, 'restart', 'ear@1');
    const second = await host.pids();
    expect([second['ear@2'], second['ear@3']]).toEqual([first['ear@2'], first['ear@3']]);
    expect(await applied(host, '--restart-staged')).toContain('restarted together with ear@1');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);

    for (const instances of [5, 2]) {
      const before = await host.pids();
      host.ears({ ...other, instances });
      await applied(host);
      const after = await host.pids();
      expect(Object.keys(after)).toHaveLength(instances + 1);
      expect(Object.values(groups(host))).toEqual(Array(instances).fill('ear@pool'));
      expect(after['ear@1']).not.toBe(before['ear@1']);
      expect(after['ear@2']).not.toBe(before['ear@2']);
      expect(await applied(host, '--dry-run')).toBe(NOTHING);
    }
    expect(host.told()).not.toContain('TWICE');
  });

  it('become programs of their own, and a pool again', async () => {
    await using host = await poolHost();
    await applied(host);
    const events = { raw: { supervisord: [['program', 'priority', 5]] } };
    for (const [more, wanted] of [
      [events, { 'ear@1': 'ear@1', 'ear@2': 'ear@2', 'ear@3': 'ear@3' }],
      [{}, POOL],
    ] as const) {
      host.ears(more);
      await applied(host);
      expect(groups(host)).toEqual(wanted);
      expect(await applied(host, '--dry-run')).toBe(NOTHING);
    }
    // As a program nobody tells it of events, and its input is at its end.
    expect(host.told()).not.toContain('TWICE');
  });

  it('are started from what was written while none of them ran', async () => {
    await using host = await poolHost();
    await applied(host);
    const tick = { raw: { supervisord: [['eventlistener', 'events', 'TICK_60']] } };
    host.ears({ state: 'stopped' });
    await applied(host);
    host.ears({ state: 'stopped', ...tick });
    await applied(host);
    host.ears(tick);
    expect(await applied(host)).toContain('3 done');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
    // One alone too, where nothing else would start.
    host.ears({ state: 'stopped', ...tick });
    await applied(host);
    host.ears({ state: 'manual' });
    await applied(host);
    await applied(host, 'start', 'ear@2');
    expect(groups(host)).toEqual({ 'ear@2': 'ear@pool' });
    expect((await host.status()).find(({ name }) => name === 'ear@2')?.definition).toBe('current');
  });

  it('stay as they are where one of them does: also one that is no more of them, or in place of programs', async () => {
    await using host = await poolHost();
    host.ears({ instances: 4 });
    await applied(host);
    await applied(host, 'stop', 'ear@4');
    const before = await host.pids();
    const tick = { raw: { supervisord: [['eventlistener', 'events', 'TICK_60']] } };
    host.ears({ instances: 3, ...tick });
    expect((await host.reconcile()).stdout).toContain('and ear@4 stays as before');
    host.ears({ instances: 4, raw: {} });
    expect((await host.reconcile('--only', 'ear@1')).stdout).toContain('and ear@2, ear@3, ear@4 stay as before');
    expect(await host.pids()).toEqual(before);
    host.ears({ instances: 3, ...tick });
    const one = await host.reconcile('start', 'ear@1');
    expect([one.code, one.stdout]).toEqual([3, expect.stringContaining('all of them: reconcile --only ear')]);
    const all = await host.reconcile('release', 'ear');
    expect(all.stderr).toContain('No longer left alone: ear@4.');
    expect(all.stdout).toContain('not among its instances in Git: 3');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
    expect(groups(host)).toEqual(POOL);
  });

  it('are not started anew for one more of them, nor set one by one, where that is to wait', async () => {
    await using host = await poolHost();
    host.ears({ changes: 'staged' });
    await applied(host);
    const before = await host.pids();
    host.ears({ changes: 'staged', instances: 4 });
    expect((await host.reconcile()).stdout).toContain('to restart all of them: reconcile restart ear');
    host.ears({ changes: 'staged', stop: { timeout: '4s' } });
    expect((await host.reconcile('--only', 'ear@1')).stdout).toContain('and ear@2, ear@3 stay as before');
    expect(await applied(host)).toContain('3 to update live');
    expect(await host.pids()).toEqual(before);
    host.ears({ changes: 'staged', stop: { timeout: '4s' }, instances: 4 });
    expect(await applied(host, 'restart', 'ear')).toContain('restarted together with ear@1');
    expect(Object.keys(await host.pids())).toHaveLength(5);
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
  });

  it('are healed of an edit of one that was loaded for all', async () => {
    await using host = await poolHost();
    host.ears({ drift: 'heal' });
    await applied(host);
    const config = join(host.folder, 'etc', 'dolphin.conf');
    const [, include = ''] = /^files *= *(.+)$/m.exec(readFileSync(config, 'utf8')) ?? [];
    const path = join(dirname(include), `reconciled-${host.owner}.conf`);
    const text = readFileSync(path, 'utf8');
    const at = text.lastIndexOf('events=PROCESS_STATE_STARTING');
    writeFileSync(path, text.slice(0, at) + text.slice(at).replace('PROCESS_STATE_STARTING', 'TICK_60'));
    const ctl = async (...args: readonly string[]) => {
      const child = spawn('supervisorctl', ['-c', config, ...args]);
      let said = '';
      child.stdout.on('data', (data: Buffer) => {
        said += data;
      });
      await once(child, 'close');
      return said;
    };
    expect(await ctl('update')).toContain('ear@pool: updated process group');
    await until(async () => Object.keys(groups(host)).length === 3);
    await applied(host);
    expect(await ctl('reread')).toBe('No config updates to processes\n');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
  });

  it('are told one by one, where the first of them does not start any more', async () => {
    await using host = await poolHost();
    const sound = join(host.folder, 'sound.sh');
    writeFileSync(sound, '#!/bin/sh\n[ "$1" = bad ] && [ "$RECONCILED_INSTANCE" = 1 ] && exit 3\nexec sleep 1000\n', {
      mode: 0o755,
    });
    const own = (how: string) => ({ command: [sound, how], start: { ready: '1s', retries: 0 } });
    host.ears(own('good'));
    await applied(host);
    const before = await host.pids();
    host.ears(own('bad'));
    const { code, stdout } = await host.reconcile();
    expect([code, stdout]).toEqual([3, expect.stringContaining('2 done, 1 failed')]);
    const after = await host.pids();
    for (const id of ['ear@2', 'ear@3']) {
      expect(after[id]).not.toBe(before[id]);
      expect(stdout).toContain(`${id}: restarted with its new definition, pid ${after[id]}`);
    }
  });

  it('are all as before, or all changed, where a run is killed while they stop', async () => {
    await using host = await poolHost();
    const slow = (...more: string[]) => ({
      command: ['/usr/bin/python3', join(host.folder, 'listener.py'), host.folder, 'slow', ...more],
      stop: { timeout: '2s', tree: false },
    });
    host.ears({ ...slow(), instances: 4 });
    await applied(host);
    const first = await host.pids();
    const killed = async (before: Readonly<Record<string, number>>, ...args: readonly string[]) => {
      const run = host.begin(...args);
      await until(() => statOf(before['ear@1'] ?? 0) === undefined);
      await run.stop('SIGKILL');
    };
    host.ears(slow('again'));
    await killed(first);
    await applied(host);
    expect(groups(host)).toEqual(POOL);
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
    // Where Git has not changed, what is down by that is nobody else's doing.
    host.ears({ ...slow('again'), start: { ready: '0s', retries: 7 } });
    await applied(host);
    await killed(await host.pids(), '--restart-staged');
    await applied(host);
    expect(groups(host)).toEqual(POOL);
    await applied(host, '--restart-staged');
    expect(await applied(host, '--dry-run')).toBe(NOTHING);
    const second = await host.pids();
    for (const id of Object.keys(POOL)) expect(second[id]).not.toBe(first[id]);
    expect(host.told()).not.toContain('TWICE');
  });

  it('take the place of a pool that another supervisord runs, and what is imported of it says so', async () => {
    await using host = await poolHost();
    await applied(host);
    const old = join(host.folder, 'old');
    mkdirSync(old);
    const config = join(old, 'supervisord.conf');
    writeFileSync(
      config,
      `[unix_http_server]\nfile=${old}/s.sock\n[supervisord]\nnocleanup=true\nlogfile=${old}/log\npidfile=${old}/pid\n` +
        '[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n' +
        `[fcgi-program:cgi]\ncommand=/bin/sleep ${ownTime()}\nsocket=unix://${old}/cgi.sock\nnumprocs=2\nprocess_name=%(process_num)d\n`,
    );
    const supervisord = spawn('supervisord', ['--nodaemon', '--configuration', config], { stdio: 'ignore' });
    try {
      const olds = () => listPids().filter((pid) => statOf(pid)?.ppid === supervisord.pid);
      await until(() => olds().length === 2);
      expect(await applied(host, 'import', '--supervisord', config)).toContain('Imported 1 of 1, all without loss');
      const read = (path: string) => readFileSync(join(host.desired, path), 'utf8');
      const service = read('services/cgi.yaml');
      expect(service).toContain('instances: 2');
      // It goes to the one that is there.
      host.remove('supervisors/old.yaml');
      writeFileSync(
        join(host.desired, 'services/cgi.yaml'),
        `${service.replace(/supervisord\/\S+/, 'supervisord/dolphin').replace('mode: observe', 'soak: 1s')}`,
      );
      await applied(host);
      expect(groups(host)).toMatchObject({ 'cgi@1': 'cgi@pool', 'cgi@2': 'cgi@pool' });
      expect(olds()).toEqual([]);
    } finally {
      supervisord.kill('SIGTERM');
      await once(supervisord, 'exit');
    }
  });
});
