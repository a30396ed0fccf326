import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandOf, listPids } from '../../src/host/procfs.ts';
import { importPrograms, supervisordConfigs } from '../../src/import/programs.ts';
import { createHost, ownTime, until } from '../rig/host.ts';
import { hasSupervisord } from '../rig/supervisord/needs.ts';

const ID = 'supervisord-again';

const TEXT = `[supervisord]
[program:web]
command=/bin/sh -c "sleep 1000; exit" "a b" %(here)s
environment=A="it's",C.D="odd",API_TOKEN="hush, hush"
stopsignal=WINCH
killasgroup=true
stopwaitsecs=1
startsecs=0
[eventlistener:listener]
command=/bin/sleep 1001
events=TICK_60
buffer_size=3
startsecs=0
[fcgi-program:cgi]
command=/bin/sleep 1002
socket=unix://%(here)s/cgi.sock
socket_mode=0770
startsecs=0
[program:by-hand]
command=/bin/sleep 1003
autostart=false
`;

describe.runIf(hasSupervisord())('programs that were imported', () => {
  it('run as they did, of every kind, and then there is nothing to do', async () => {
    await using host = await createHost();
    const before = join(host.folder, 'before.conf');
    writeFileSync(before, TEXT);
    const { found, supervisor } = importPrograms(before, { logDir: join(host.folder, 'logs'), name: 'again' });
    const config = join(host.folder, 'etc', 'again.conf');
    const socket = { path: join(host.folder, 's', 'supervisor.sock') };
    host.write('supervisors/again.yaml', { ...supervisor?.supervisor, config, socket, boot: 'none' });
    const env = join(host.folder, 'web.env');
    for (const one of found) {
      if (one.kind === 'refused') throw new Error(one.problem.summary);
      const lines = Object.entries(one.secrets).map(([key, value]) => `${key}=${value}\n`);
      if (lines.length > 0) writeFileSync(env, lines.join(''), { mode: 0o600 });
      host.write(one.name, { ...one.service, ...(lines.length > 0 ? { environmentFiles: [env] } : {}) });
    }
    mkdirSync(join(host.folder, 'logs'), { recursive: true });

    const first = await host.reconcile();
    expect(first.code, first.stdout + first.stderr).toBe(0);
    expect((await host.reconcile('--dry-run')).stdout).toBe('No changes: everything is as desired.\n');
    const pids = await host.pids();
    expect(Object.keys(pids).sort()).toEqual(['cgi', 'listener', ID, 'web'].sort());

    const of = (pid: number | undefined, what: string) => readFileSync(`/proc/${pid}/${what}`, 'utf8').split('\0');
    expect(of(pids.web, 'cmdline').slice(0, -1)).toEqual(['/bin/sh', '-c', 'sleep 1000; exit', 'a b', host.folder]);
    expect(of(pids.web, 'environ')).toEqual(expect.arrayContaining(["A=it's", 'C.D=odd', 'API_TOKEN=hush, hush']));
    const folder = join(host.folder, 'etc/again.d');
    const written = readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'utf8');
    expect(written).toContain('[eventlistener:listener]\n');
    expect(written).toContain('[fcgi-program:cgi]\n');
    expect(written).not.toContain('hush');

    for (const name of ['listener', 'cgi', 'web']) {
      const one = found.find((each) => each.kind === 'imported' && each.name === name);
      const lines = name === 'web' ? { environmentFiles: [env] } : {};
      host.write(name, { ...(one?.kind === 'imported' ? one.service : {}), ...lines, state: 'stopped' });
    }
    const second = await host.reconcile();
    expect(second.code, second.stdout + second.stderr).toBe(0);
    expect(Object.keys(await host.pids())).toEqual([ID]);
    expect((await host.reconcile('--dry-run')).stdout).toBe('No changes: everything is as desired.\n');
  });

  it('are as the supervisord that runs them has it', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-import-')));
    const config = join(folder, 'supervisord.conf');
    const text = `[supervisord]
nodaemon=true
nocleanup=true
logfile=%(here)s/s.log
pidfile=%(here)s/s.pid
[program:web]
command=sleep %(ENV_LONG)s
directory=sub
autostart=false
`;
    writeFileSync(config, text);
    mkdirSync(join(folder, 'sub'));
    const time = ownTime();
    const env = { PATH: `/opt/x/bin:${process.env.PATH}`, LONG: time, DJANGO: 'x', HOME: '/root' };
    const child = spawn('supervisord', ['-c', config], { cwd: folder, env, stdio: 'ignore' });
    try {
      await until(
        () => existsSync(join(folder, 's.pid')) && readFileSync(join(folder, 's.pid'), 'utf8').endsWith('\n'),
      );
      const { found, supervisor } = importPrograms(config, { logDir: '/tmp' });
      expect(found).toMatchObject([
        {
          kind: 'imported',
          service: {
            command: ['sleep', time],
            directory: join(folder, 'sub'),
            environment: { PATH: env.PATH },
          },
        },
      ]);
      expect(supervisor?.losses.map(({ key }) => key)).toContainEqual(
        expect.stringMatching(/^variables (?:\w+, )*DJANGO, (?:\w+, )*LONG(?:, \w+)*$/),
      );
      expect(supervisordConfigs()).toContain(config);
    } finally {
      child.kill();
      await new Promise((resolve) => child.on('exit', resolve));
      rmSync(folder, { recursive: true });
    }
  });

  it('are taken over one process after the other, never twice, and given back so', async () => {
    await using host = await createHost();
    const old = join(host.folder, 'old.conf');
    const name = join(host.folder, 'sleep');
    symlinkSync('/bin/sleep', name);
    const text = `[unix_http_server]
file=%(here)s/old.sock
[supervisord]
nodaemon=true
nocleanup=true
logfile=%(here)s/old.log
pidfile=%(here)s/old.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:num]
command=%(here)s/sleep 100%(process_num)d
process_name=num_%(process_num)d
numprocs=2
startsecs=0
`;
    writeFileSync(old, text);
    const child = spawn('supervisord', ['-c', old], { cwd: '/', stdio: 'ignore' });
    const copies = () =>
      listPids().flatMap((pid) => {
        const [program, number = ''] = commandOf(pid);
        return program === name ? [number] : [];
      });
    let most = 0;
    const watch = setInterval(() => {
      const all = copies();
      most = Math.max(most, ...all.map((one) => all.filter((other) => other === one).length));
    }, 10);
    try {
      await until(() => copies().length === 2);
      const { found, supervisor } = importPrograms(old, { logDir: join(host.folder, 'logs'), name: 'again' });
      const socket = { path: join(host.folder, 's', 'supervisor.sock') };
      const config = join(host.folder, 'etc', 'again.conf');
      host.write('supervisors/again.yaml', { ...supervisor?.supervisor, config, socket, boot: 'none' });
      host.write('policy.yaml', { owner: host.owner, verify: { soak: '0s' } });
      for (const one of found) {
        if (one.kind === 'refused' || one.origin.kind !== 'program') throw new Error('refused');
        const { PATH: _, ...environment } = (one.service.environment ?? {}) as Record<string, string>;
        const supersedes = [{ program: one.origin.thing, config: old }];
        host.write(one.name, { ...one.service, environment, supersedes });
      }
      const taken = await host.reconcile();
      expect(taken.code, taken.stdout + taken.stderr).toBe(0);
      expect(Object.keys(await host.pids()).sort()).toEqual(['num_0', 'num_1', ID].sort());
      expect(readFileSync(old, 'utf8')).toContain('\nautostart=false\n');
      expect((await host.reconcile('--dry-run')).stdout).not.toContain('hand over');

      host.remove('num_1');
      const back = await host.reconcile();
      expect(back.code, back.stdout + back.stderr).toBe(0);
      expect(Object.keys(await host.pids()).sort()).toEqual(['num_0', ID].sort());
      expect(copies().sort()).toEqual(['1000', '1001']);
      // The other one is taken still.
      expect(readFileSync(old, 'utf8')).toContain('\nautostart=false\n');
      expect(most).toBe(1);
    } finally {
      clearInterval(watch);
      child.kill();
      await new Promise((resolve) => child.on('exit', resolve));
    }
  });
});
