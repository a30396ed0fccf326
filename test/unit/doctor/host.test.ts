import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, rmSync, utimesSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { conflictFindings } from '../../../src/doctor/conflicts.ts';
import { daemon } from '../../../src/doctor/daemon.ts';
import { otherDaemons } from '../../../src/doctor/daemon-others.ts';
import { releaseFindings } from '../../../src/doctor/daemon-release.ts';
import { judgeUnit } from '../../../src/doctor/daemon-unit.ts';
import { decisions, noteFinding } from '../../../src/doctor/decisions.ts';
import { git, judgeVersion } from '../../../src/doctor/git.ts';
import { judgeInotify } from '../../../src/doctor/inotify.ts';
import { judgeOpenFiles } from '../../../src/doctor/limits.ts';
import { judgeProcesses } from '../../../src/doctor/processes.ts';
import { judgeRotation, rulesIn, rulesOf } from '../../../src/doctor/rotation.ts';
import { isThere, restartOf, seeDaemon } from '../../../src/doctor/see-daemon.ts';
import { socketFindings, sockets } from '../../../src/doctor/sockets.ts';
import { supervisord } from '../../../src/doctor/supervisord.ts';
import { judge as judgeSystemd, systemd } from '../../../src/doctor/systemd.ts';
import type { Held, Notice, Step } from '../../../src/model.ts';
import { brief, isRoot, Setup, troubles } from './rig.ts';

let here: Setup;
const children: ChildProcess[] = [];
const servers: Server[] = [];
beforeEach(() => {
  here = new Setup();
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  for (const server of servers.splice(0)) server.close();
  here[Symbol.dispose]();
});

/** Another Node; resolves when it has said something. */
async function node(args: readonly string[], cwd = here.folder): Promise<ChildProcess & { readonly pid: number }> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child as ChildProcess & { readonly pid: number };
}

async function listen(path: string): Promise<void> {
  const server = createServer();
  servers.push(server);
  server.listen(path);
  await once(server, 'listening');
}

const holder = (pid: number, desiredState: string) => ({
  pid,
  role: 'daemon',
  desiredState,
  since: new Date().toISOString(),
});

describe('sockets', () => {
  const wanted = { mode: 0o600, uid: process.getuid?.() ?? 0, restart: undefined, needed: true };

  it('that a dead daemon has left are told, with the command that removes them', async () => {
    const path = join(here.config.runtimeDir, 'control.sock');
    const child = await node([
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log(1))`,
    ]);
    expect(troubles(await socketFindings(path, { ...wanted, restart: 'r', mode: 0o777 }))).toEqual([]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    chmodSync(path, 0o600);
    const [stale] = await here.ailing(sockets);
    expect(stale).toMatchObject({
      check: 'socket-stale',
      grade: 'warning',
      evidence: ['connection refused'],
      mend: [`rm ${path}`],
    });
    const [dead] = await socketFindings(path, { ...wanted, restart: 'restart it' });
    expect(dead).toMatchObject({ check: 'socket-dead', grade: 'error', mend: ['restart it'] });
  });

  it('that others may speak to, are gone, or are no sockets are told', async () => {
    const path = join(here.config.runtimeDir, 'control.sock');
    expect(await socketFindings(path, wanted)).toEqual([]);
    expect(brief(await socketFindings(path, { ...wanted, restart: 'r' }))[0]).toContain('is gone');
    await listen(path);
    chmodSync(path, 0o666);
    const [open] = await socketFindings(path, { ...wanted, restart: 'r' });
    expect(open).toMatchObject({ check: 'socket-mode', grade: 'error', mend: [`chmod 0600 ${path}`] });
    const file = here.write('run/status.sock', '');
    expect(brief(await socketFindings(file, wanted))[0]).toBe(`error socket: ${file} is no socket`);
  });
});

describe('the daemon', () => {
  it('is none where the holder of the lock is another process by now, and silent where it does not answer', async () => {
    expect(await seeDaemon(here.config)).toEqual({ kind: 'none' });
    const lock = holder(process.pid, here.config.desiredState);
    expect(isThere({ ...lock, since: '2001-01-01T00:00:00Z' })).toBe(false);
    here.write('run/lock', JSON.stringify(lock));
    expect(await seeDaemon(here.config)).toMatchObject({ kind: 'silent', because: 'no such file or directory' });
    await listen(join(here.config.runtimeDir, 'control.sock'));
    const seen = await seeDaemon(here.config, 100);
    expect(seen).toMatchObject({ kind: 'silent', because: 'no answer within 0.1s' });
    const found = await here.ailing(daemon, { daemon: async () => seen, uid: 1 });
    expect(found[0]).toMatchObject({ check: 'daemon', grade: 'error', mend: [restartOf(process.pid)] });
  });

  it('is told to apply another desired state than the command would', async () => {
    const seen = { kind: 'answers', holder: holder(process.pid, '/srv/other'), status: {} } as never;
    const found = await here.ailing(daemon, { daemon: async () => seen, uid: 1 });
    expect(found[0]).toMatchObject({ check: 'daemon-source', mend: ['reconcile doctor --desired-state /srv/other'] });
  });

  it('is told where it runs another version, or what is not on the disk any more', async () => {
    const code = here.write('tool/dist/cli.js', 'console.log(1); setInterval(() => {}, 1e6)');
    here.write('tool/package.json', '{ "version": "0.0.9" }');
    utimesSync(code, 1, 1);
    const { pid } = await node([code, 'daemon']);
    expect(brief(releaseFindings(pid, '0.1.0'))).toEqual([
      'warning daemon-version: the daemon is version 0.0.9, and this command 0.1.0',
    ]);
    expect(releaseFindings(pid, '0.0.9')).toEqual([]);
    const later = Date.now() / 1000 + 100;
    utimesSync(code, later, later);
    expect(brief(releaseFindings(pid, '0.0.9'))[0]).toContain('an older release than is installed');
    rmSync(code);
    expect(releaseFindings(pid, '0.0.9')[0]?.evidence?.[1] ?? '').toBe('');
  });

  it('is told to be a second one for the same desired state, and to be another’s', async () => {
    const lock = here.write('other/lock', '');
    const code = here.write(
      'tool/cli.js',
      `require('fs').openSync(${JSON.stringify(lock)}); console.log(1); setInterval(() => {}, 1e6)`,
    );
    const { pid } = await node([code, 'daemon']);
    const found = (source: string) => {
      here.write('other/lock', JSON.stringify(holder(pid, source)));
      return otherDaemons(here.means(), { kind: 'none' }).filter(({ says }) => says.includes(`pid ${pid},`));
    };
    expect(found('/srv/other')[0]).toMatchObject({ grade: 'ok', says: expect.stringContaining('for /srv/other') });
    expect(found(here.config.desiredState)[0]).toMatchObject({
      check: 'daemon-second',
      grade: 'error',
      mend: [`kill ${pid}`],
    });
  });

  it('is told by what systemd says of its unit', () => {
    const well = {
      ActiveState: 'active',
      SubState: 'running',
      UnitFileState: 'enabled',
      Result: 'success',
      NRestarts: '0',
      KillMode: 'process',
      MainPID: '7',
    };
    expect(troubles(judgeUnit(well, 7))).toEqual([]);
    const of = (more: Record<string, string>, pid = 7) =>
      judgeUnit({ ...well, ...more }, pid).map(({ check, mend }) => [check, mend?.[0]]);
    expect(of({ ActiveState: 'failed', Result: 'exit-code' })).toEqual([['daemon-unit', 'systemctl start reconciled']]);
    expect(of({ UnitFileState: 'disabled' })).toEqual([['daemon-boot', 'systemctl enable reconciled']]);
    expect(of({ KillMode: 'control-group' })).toEqual([['daemon-kill-mode', 'systemctl edit reconciled']]);
    expect(of({ NeedDaemonReload: 'yes' })).toEqual([['daemon-unit', 'systemctl daemon-reload']]);
    expect(of({ NRestarts: '12' })).toEqual([['daemon-unit', 'journalctl -u reconciled -n 50']]);
    expect(of({}, 8)).toEqual([['daemon-second', 'kill 8']]);
  });
});

describe('decisions', () => {
  it('that are damaged are told, with the command that acknowledges it', async () => {
    const path = here.write('state/decisions/holds.json', '{"half');
    const [found] = await here.ailing(decisions);
    expect(found).toMatchObject({ check: 'decisions-damaged', grade: 'error', mend: [`mv ${path} ${path}.damaged`] });
  });

  it('that something is left alone is told, and is no trouble; that another directory has the owner is', async () => {
    const hold = { name: 'one', by: 'ann', why: 'debug', since: 1, until: Date.now() + 1e6 };
    here.write('state/decisions/holds.json', JSON.stringify([hold, { ...hold, name: 'over', until: 2 }]));
    here.write('state/decisions/owners.json', JSON.stringify({ [`doctor-${process.pid}`]: '/srv/other' }));
    const all = await decisions.look(here.means(), new AbortController().signal);
    expect(all.find(({ check }) => check === 'holds')?.says).toMatch(
      /^left alone, as somebody wants it: one \(by ann, until [^)]*\)$/,
    );
    expect(troubles(all)).toMatchObject([
      { check: 'owner', mend: ['reconcile --claim'], evidence: ['last applied: /srv/other', expect.anything()] },
    ]);
  });

  it('what stands above a status has a command each', () => {
    expect(noteFinding({ kind: 'mode', ok: true, text: 'observes' }).grade).toBe('ok');
    const mend = (['breaker', 'freeze', 'quarantine', 'source'] as const).map((kind) =>
      noteFinding({ kind, ok: false, text: 'x' }),
    );
    expect(mend.map((one) => [one.grade, one.mend?.[0]])).toEqual([
      ['warning', 'reconcile release --breaker'],
      ['warning', 'reconcile unfreeze'],
      ['warning', 'reconcile retry'],
      ['warning', 'reconcile sync'],
    ]);
    expect(noteFinding({ kind: 'invalid', ok: false, text: 'x' }).grade).toBe('error');
  });
});

describe('git', () => {
  const sh = (...args: string[]) => execFileSync('git', args, { cwd: here.folder, stdio: 'ignore' });

  it('is told where it is missing or too old', () => {
    expect(judgeVersion('git version 2.39.5', true).grade).toBe('ok');
    expect(judgeVersion('git version 2.30.2', true)).toMatchObject({
      grade: 'error',
      says: expect.stringContaining('2.36 or later'),
    });
    expect(judgeVersion(undefined, false)).toMatchObject({ grade: 'warning', mend: ['apt-get install git'] });
  });

  it('is told of a repository without a commit, a lock left behind, a configuration that others can write', async () => {
    expect(await here.ailing(git)).toEqual([]);
    sh('init', '-q');
    expect(brief(await here.ailing(git))).toEqual([
      `warning git-head: the repository ${here.folder} has no commit yet`,
    ]);
    sh('add', '-A');
    sh('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'one');
    expect(await here.ailing(git)).toEqual([]);
    const lock = here.write('.git/index.lock', '');
    expect(await here.ailing(git)).toEqual([]);
    utimesSync(lock, 1, 1);
    chmodSync(join(here.folder, '.git/config'), 0o666);
    expect((await here.ailing(git)).map(({ check, mend }) => [check, mend?.[0]])).toEqual([
      ['git-config', `chmod go-w ${here.folder}/.git/config`],
      ['git-lock', `rm ${lock}`],
    ]);
  });

  it.runIf(!isRoot || existsSync('/usr/bin/setpriv'))(
    'asks the repository elsewhere, and tells what is wrong with it',
    async () => {
      sh('init', '-q', '-b', 'main', 'origin');
      const url = join(here.folder, 'origin');
      const config = (more: object) => ({ settings: { git: { url, poll: 60_000, ...more } } });
      expect(brief(await here.ailing(git, config({ url: '/nowhere' })))[0]).toMatch(
        /git-remote: cannot fetch \/nowhere: there is no such repository/,
      );
      expect(brief(await here.ailing(git, config({ ref: 'main' })))[0]).toMatch(
        /error git-remote: .*couldn't find remote ref main/,
      );
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--allow-empty', '-qm', 'one'], {
        cwd: url,
      });
      expect(await here.ailing(git, config({ ref: 'main' }))).toEqual([]);
      const away = await here.ailing(git, config({ url: 'git://127.0.0.1:1/a.git' }));
      expect(brief(away)[0]).toMatch(/error git-remote: cannot fetch git:\/\/127.0.0.1:1\/a.git/);
      // Nothing was made for it.
      expect(existsSync(join(here.config.stateDir, 'git'))).toBe(false);
    },
  );

  it('is told of a key or token that others can read, and of signers that others can write', async () => {
    const sshKey = here.write('key', 'x', 0o644);
    const settings = {
      git: { url: '/nowhere', poll: 1, sshKey, knownHosts: '/nowhere/known', tokenFile: '/nowhere/token' },
    };
    const found = (await here.ailing(git, { settings })).filter(({ check }) => check === 'git-files');
    expect(found.map(({ says, mend }) => [says, mend?.[0]])).toEqual([
      [`git.sshKey: others can read ${sshKey}`, `chmod 0600 ${sshKey}`],
      ['git.tokenFile: there is no /nowhere/token', undefined],
      ['git.knownHosts: there is no /nowhere/known: no host is known', undefined],
    ]);
    const signedBy = here.write('signers', '', 0o666);
    chmodSync(signedBy, 0o666);
    const trust = (await here.ailing(git, { settings: { trust: { signedBy } } })).filter(
      ({ check }) => check === 'git-trust',
    );
    expect(brief(trust)).toEqual([`error git-trust: cannot trust ${signedBy}: others can write ${signedBy}`]);
  });
});

describe('limits', () => {
  it('are told where watches, open files or processes run out', () => {
    const well = { maxWatches: 8192, maxInstances: 128, usedWatches: 10, usedInstances: 1, needed: 100, instances: 2 };
    expect(troubles(judgeInotify(well))).toEqual([]);
    const [watches] = judgeInotify({ ...well, maxWatches: 64 });
    expect(watches).toMatchObject({
      grade: 'warning',
      evidence: ['max_user_watches 64, in use 10, needed besides 100'],
      mend: ['sysctl -w fs.inotify.max_user_watches=256', expect.anything()],
    });
    expect(brief(judgeInotify({ ...well, maxInstances: 2 }))[0]).toContain('max_user_instances is too low');
    expect(troubles(judgeOpenFiles(1024, 300, false))).toEqual([]);
    expect(judgeOpenFiles(64, 300, false)[0]).toMatchObject({ grade: 'error', mend: ['ulimit -Hn 4096'] });
    const count = { name: 'kernel.pid_max', used: 100, most: 1000, mend: 'sysctl -w kernel.pid_max=4000' };
    expect(troubles(judgeProcesses([]))).toEqual([]);
    expect(troubles(judgeProcesses([count]))).toEqual([]);
    expect(judgeProcesses([{ ...count, used: 850 }])[0]).toMatchObject({
      grade: 'warning',
      evidence: ['850 of 1000'],
      mend: [count.mend],
    });
    expect(judgeProcesses([{ ...count, used: 990 }])[0]?.grade).toBe('error');
  });
});

describe('systemd', () => {
  const seen = {
    version: '252 (252.39-1)',
    state: 'running',
    tainted: '',
    failed: 0,
    controlGroups: 'unified',
  } as const;
  const use = { used: true, whose: "the host's systemd", backoff: true };

  it('is told to be too old, to stop, or to be not whole', () => {
    const [well] = judgeSystemd(seen, use);
    expect(well).toMatchObject({
      grade: 'ok',
      evidence: [expect.anything(), expect.stringContaining('no growing backoff')],
    });
    expect(judgeSystemd({ ...seen, version: '247.3-7' }, use)[0]).toMatchObject({
      grade: 'error',
      check: 'systemd-version',
    });
    expect(judgeSystemd({ ...seen, version: '247' }, { ...use, used: false })[0]?.grade).toBe('warning');
    expect(judgeSystemd({ ...seen, state: 'stopping' }, use)[0]?.check).toBe('systemd-state');
    expect(judgeSystemd({ ...seen, tainted: 'unmerged-usr:cgroups-missing' }, use).map(({ says }) => says)).toEqual([
      "the host's systemd says of itself that it is not whole: cgroups-missing",
    ]);
  });

  it('is told where services need it and it is not reached', async () => {
    expect(await here.ailing(systemd)).toEqual([]);
    here.service('unit', 'supervisor: systemd\ncommand: [sleep, "9"]\n');
    const name = isRoot ? 'DBUS_SYSTEM_BUS_ADDRESS' : 'DBUS_SESSION_BUS_ADDRESS';
    const before = process.env[name];
    process.env[name] = 'tcp:host=elsewhere';
    try {
      const [found] = await here.ailing(systemd);
      expect(found).toMatchObject({
        grade: 'error',
        check: 'systemd',
        says: expect.stringContaining('names no UNIX socket'),
      });
    } finally {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    }
  });
});

describe('supervisord', () => {
  it('is told where its configuration is missing, its socket is open to all, or it does not run', async () => {
    here.service('prog', 'supervisor: supervisord/d\ncommand: [sleep, "9"]\n');
    here.write(
      'desired-state/supervisors/d.yaml',
      `config: ${here.folder}/etc/supervisord.conf\nowned: false\ninclude: ${here.folder}/etc/d\n`,
    );
    expect(brief(await here.ailing(supervisord))).toEqual([
      `error supervisord-config: supervisord/d: there is no configuration ${here.folder}/etc/supervisord.conf`,
    ]);
    const socket = join(here.folder, 's.sock');
    const child = await node([
      '-e',
      `require('net').createServer().listen(${JSON.stringify(socket)}, () => console.log(1))`,
    ]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    chmodSync(socket, 0o777);
    here.write(
      'etc/supervisord.conf',
      `[unix_http_server]\nfile=${socket}\nchmod=0777\n[supervisord]\npidfile=${here.folder}/pid\n[include]\nfiles=${here.folder}/etc/d/*.conf\n`,
    );
    const found = await here.ailing(supervisord);
    const open = found.find(({ check }) => check === 'supervisord-socket');
    expect(open).toMatchObject({
      grade: 'error',
      says: expect.stringContaining('any user of this host can control'),
      hint: expect.stringContaining('chmod=0700'),
    });
    const down = found.find(({ check }) => check === 'supervisord');
    expect(down).toMatchObject({
      grade: 'error',
      says: expect.stringContaining('is not running'),
      evidence: [expect.stringContaining('is left behind')],
    });
  });
});

describe('conflicts', () => {
  const plan = (notices: readonly Notice[], held: readonly Held['reason'][] = [], steps: readonly Step[] = []) =>
    conflictFindings({
      notices,
      steps,
      held: held.map((reason): Held => ({ service: 'web', supervisor: 'builtin', reason })),
    });
  const problem = { code: 'x', summary: 'cannot read it', hint: 'mend it' };

  it('are what else runs, or would run, what is declared', () => {
    expect(brief(plan([]))).toEqual(['ok conflicts: nobody else runs what is declared, and nothing is in its way']);
    const conflict = {
      kind: 'conflict',
      service: 'web',
      where: '/etc/cron.d/a:3',
      why: 'the same command',
      supersedes: '{ cron: "x" }',
    } as const;
    const stray = {
      kind: 'stray',
      service: 'web',
      pid: 7,
      exact: true,
      by: 'and nobody supervises it',
      why: 'w',
    } as const;
    const unit = { ...conflict, where: '/etc/systemd/system/x.service:2', supersedes: '{ unit: x.service }' };
    expect(plan([unit])[0]?.mend).toEqual(['systemctl disable --now x.service']);
    expect(plan([conflict, stray]).map(({ check, grade, hint }) => [check, grade, hint?.slice(0, 12)])).toEqual([
      ['conflict', 'error', 'disable that'],
      ['stray', 'error', '`strays: sto'],
    ]);
    expect(brief(plan([{ kind: 'leftover', service: 'old', supervisor: 'systemd' }]))[0]).toContain(
      'warning leftover: old is of ours',
    );
    expect(brief(plan([{ kind: 'not-there', service: 'web', things: ['unit a.service'] }]))[0]).toContain(
      'supersedes what is not on this host',
    );
    expect(brief(plan([{ kind: 'unknown-process', service: 'web', pid: 7 }]))[0]).toContain("can't be told");
    expect(troubles(plan([{ kind: 'first-start', service: 'web' }]))).toEqual([]);
  });

  it('are what is in the way of it', () => {
    const reasons: Held['reason'][] = [
      { kind: 'foreign', owner: 'them' },
      { kind: 'unreadable', problem },
      { kind: 'blocked', problem },
      { kind: 'handover', from: 'systemd' },
      { kind: 'stray', pid: 7, by: 'ann', why: 'w' },
      { kind: 'duel', since: 1, rounds: 4, evidence: ['cron'] },
      { kind: 'drift', what: 'stopped' } as Held['reason'],
      { kind: 'neighbours', group: 'g', others: ['b'] },
    ];
    expect(plan([], reasons).map(({ check, grade }) => `${grade} ${check}`)).toEqual([
      ...['error foreign', 'error held', 'error held', 'error held', 'error stray', 'error duel'],
      ...['warning drift', 'warning held'],
    ]);
    const step = {
      service: 'web',
      reason: { kind: 'superseded', things: ['unit web-old.service'] },
    } as unknown as Step;
    expect(plan([], [], [step]).map(({ grade, says }) => `${grade} ${says}`)).toEqual([
      'warning what web takes the place of is still there',
      'ok 1 step to be done: reconcile --dry-run shows them',
    ]);
  });
});

describe('log rotation', () => {
  const logs = [
    { service: 'web', path: '/var/log/reconciled/web.log' },
    { service: 'api', path: '/srv/my app/api.log' },
  ];

  it('is told where logrotate rotates what we do', () => {
    const text = `# /var/log/reconciled/*.log {
compress
/var/log/other/*.log
"/srv/my app/*.log" {
  weekly
  postrotate
    echo /var/log/reconciled/x.log {
  endscript
}
/var/log/reconciled/w?[a-c].log /var/log/x {
}
`;
    const file = here.write('logrotate.d/app', text);
    expect(rulesOf(text, '/f').map(({ pattern, where }) => [pattern, where])).toEqual([
      ['/var/log/other/*.log', '/f:3'],
      ['/srv/my app/*.log', '/f:4'],
      ['/var/log/reconciled/w?[a-c].log', '/f:10'],
      ['/var/log/x', '/f:10'],
    ]);
    const found = judgeRotation(logs, rulesIn([join(here.folder, 'logrotate.d'), '/nowhere']));
    expect(found.map(({ grade, evidence, mend }) => [grade, evidence, mend])).toEqual([
      ['warning', ['/var/log/reconciled/web.log (web)'], [`vi ${file}`]],
      ['warning', ['/srv/my app/api.log (api)'], [`vi ${file}`]],
    ]);
    // No wildcard crosses a slash.
    expect(troubles(judgeRotation(logs, [{ pattern: '/var/*.log', where: 'x' }]))).toEqual([]);
  });

  it('is told where several services write one log', () => {
    const shared = logs.map(({ service }) => ({ service, path: '/a.log' }));
    expect(judgeRotation(shared, [])[0]).toMatchObject({ check: 'log-shared', evidence: ['web', 'api'] });
  });
});
