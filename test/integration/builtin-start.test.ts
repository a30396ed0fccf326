import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { statOf } from '../../src/host/procfs.ts';
import type { Definition } from '../../src/model.ts';
import { BuiltinRig } from '../rig/builtin.ts';

const DUMP = new URL('../rig/dump.mjs', import.meta.url).pathname;
const NODE = process.execPath;
const ROOT = process.getuid?.() === 0;
const READY = { start: { ready: '50ms' } };

interface Dump {
  readonly pid: number;
  readonly argv: string;
  readonly environ: readonly string[];
  readonly umask: number;
  readonly cwd: string;
  readonly limits: string;
  readonly group: number;
  readonly session: number;
}

async function dumpOf(rig: BuiltinRig, file = 'dump.json'): Promise<Dump> {
  const text = await rig.eventually(() => rig.read(file) || undefined, 'a dump');
  return JSON.parse(text) as Dump;
}

describe('a started service', () => {
  it('gets its arguments byte for byte, its directory, umask and limits, and a session of its own', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const args = ['', ' ', '"', "'", '$HOME', '`id`', 'a\nb', '\\', '*', 'ü€', '--', '-x', '\t'];
    const service = rig.service('dump', {
      command: [NODE, DUMP, rig.path('dump.json'), ...args],
      directory: rig.folder,
      umask: '027',
      limits: { openFiles: 333, core: '0B', fileSize: '64MiB' },
      ...READY,
    });
    const outcome = await rig.step(builtin, 'create', service);
    const dump = await dumpOf(rig);
    expect(outcome).toEqual({ kind: 'done', pid: dump.pid });
    const argv = Buffer.from(dump.argv, 'base64').toString('utf8');
    expect(argv).toBe([NODE, DUMP, rig.path('dump.json'), ...args, ''].join('\0'));
    expect(dump.umask).toBe(0o027);
    expect(dump.cwd).toBe(rig.folder);
    // Node raises its own soft limit to the hard one; they are equal here.
    expect(dump.limits).toMatch(/Max open files\s+333\s+333/);
    expect(dump.limits).toMatch(/Max core file size\s+0\s+0/);
    expect(dump.limits).toMatch(/Max file size\s+67108864\s+67108864/);
    expect(dump.session).toBe(dump.group);
    expect(dump.session).not.toBe(statOf(process.pid)?.session);
    expect(statSync(rig.path('log', 'dump.log')).mode & 0o777).toBe(0o640);
    await rig.eventually(() => rig.read('log', 'dump.log') === 'to stdout\n' || undefined, 'its output');
    expect(rig.read('log', 'dump-error.log')).toBe('to stderr\n');
  });

  it('gets the soft limit of open files that programs expect and default signals, not those of the supervisor', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = [
      'sh',
      '-c',
      `(ulimit -S -n; grep -E 'Sig(Ign|Blk)' /proc/self/status) >${rig.path('soft')}; exec sleep 1000`,
    ];
    await rig.step(builtin, 'create', rig.service('soft', { command, ...READY }));
    expect(await rig.eventually(() => rig.read('soft') || undefined, 'its limit')).toBe(
      '1024\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n',
    );
  });

  it('gets exactly the fixed environment and what is declared, whatever ours is', async () => {
    await using rig = new BuiltinRig();
    const before = { ...process.env };
    Object.assign(process.env, { NOTIFY_SOCKET: '/x', LISTEN_FDS: '3', WATCHDOG_USEC: '1', LANG: 'xx', LEAK: 'yes' });
    try {
      writeFileSync(rig.path('secrets.env'), '# no\nB=from file\n\nexport C="quo ted"\nD=\'x=y\'\n');
      const builtin = await rig.supervisor();
      const service = rig.service('dump@2', {
        command: [NODE, DUMP, rig.path('dump.json')],
        environment: { A: '1', B: 'lost', d: 'lower', MULTI: 'a\nb', EMPTY: '' },
        environmentFiles: [rig.path('secrets.env')],
        ...READY,
      });
      await rig.step(builtin, 'create', service);
      const { environ } = await dumpOf(rig);
      const { username, homedir, shell } = userInfo();
      const { hash } = builtin.define(service) as Definition;
      expect(environ).toEqual(
        [
          'A=1',
          'B=from file',
          'C=quo ted',
          'D=x=y',
          'EMPTY=',
          `HOME=${homedir}`,
          'LANG=C.UTF-8',
          `LOGNAME=${username}`,
          'MULTI=a\nb',
          'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          `RECONCILED_DEFINITION=v1:${rig.owner}:dump:2:${hash}`,
          'RECONCILED_INSTANCE=2',
          `SHELL=${shell}`,
          `USER=${username}`,
          'd=lower',
        ].sort(),
      );
    } finally {
      process.env = before;
    }
  });

  it('is found in PATH, or with a slash below its directory', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    writeFileSync(rig.path('run.sh'), '#!/bin/sh\nexec sleep 1000\n');
    chmodSync(rig.path('run.sh'), 0o755);
    const service = rig.service('below', { command: ['./run.sh'], directory: rig.folder, ...READY });
    expect(await rig.step(builtin, 'create', service)).toMatchObject({ kind: 'done' });
  });

  it('writes both outputs to one file where they are the same, each instance to its own', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const command = ['sh', '-c', 'echo out; echo err >&2; exec sleep 1000'];
    const logs = { stdout: 'both.log', stderr: 'both.log' };
    for (const id of ['both@1', 'both@2']) {
      await rig.step(builtin, 'create', rig.service(id, { command, directory: rig.folder, logs, ...READY }));
    }
    expect(rig.read('both-1.log')).toBe('out\nerr\n');
    expect(rig.read('both-2.log')).toBe('out\nerr\n');
  });

  it.runIf(ROOT)('as root never writes through a link that somebody put in place of its log', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    writeFileSync(rig.path('victim'), '');
    mkdirSync(rig.path('log'));
    symlinkSync(rig.path('victim'), rig.path('log', 'linked.log'));
    const service = rig.service('linked', { command: ['echo', 'x'], start: { ready: '50ms', retries: 0 } });
    expect(await rig.step(builtin, 'create', service)).toMatchObject({
      kind: 'failed',
      problem: { summary: expect.stringContaining('linked.log: it is a symbolic link, and root follows none there') },
    });
    expect(rig.read('victim')).toBe('');
  });

  it.runIf(ROOT)('runs as another user and group, with the groups of that user, its home and name', async () => {
    await using rig = new BuiltinRig();
    chmodSync(rig.folder, 0o777);
    const builtin = await rig.supervisor();
    const script = `grep -E '^(Uid|Gid|Groups|NoNewPrivs):' /proc/self/status >who; env >>who; mv who who.done; exec sleep 1000`;
    const service = rig.service('other', {
      command: ['sh', '-c', script],
      directory: rig.folder,
      user: 'nobody:daemon',
      ...READY,
    });
    expect(await rig.step(builtin, 'create', service)).toMatchObject({ kind: 'done' });
    const who = await rig.eventually(() => rig.read('who.done') || undefined, 'who it is');
    expect(who).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(who).toMatch(/^Gid:\t1\t1\t1\t1$/m);
    expect(who).toMatch(/^USER=nobody$/m);
    expect(who).toMatch(/^HOME=\/nonexistent$/m);
    const run = await rig.reaches(builtin, 'other', 'running');
    expect(await rig.step(builtin, 'stop', service)).toMatchObject({ kind: 'done' });
    expect(statOf(run.pid)).toBeUndefined();
  });
});

describe('what cannot be started', () => {
  const missing: readonly [string, object, RegExp][] = [
    ['a command that does not exist', { command: ['/opt/none/x'] }, /command \/opt\/none\/x does not exist/],
    ['a name that is not in PATH', { command: ['no-such-program'] }, /no program 'no-such-program' in PATH/],
    ['a command that is a directory', { command: ['/etc'] }, /command \/etc is a directory/],
    ['a file that is not executable', { command: ['/etc/passwd'] }, /\/etc\/passwd is not executable/],
    ['a directory that does not exist', { command: ['true'], directory: '/none' }, /directory \/none does not exist/],
    ['a user that does not exist', { command: ['true'], user: 'nosuchuser' }, /no user 'nosuchuser'/],
    [
      'a log folder that does not exist',
      { command: ['true'], logs: { stdout: '/none/x.log' } },
      /log folder \/none does not exist/,
    ],
    ['a script that does not exist', { command: ['sh', '/none/x.sh'] }, /script \/none\/x.sh does not exist/],
    [
      'an environment file that is missing',
      { command: ['true'], environmentFiles: ['/none.env'] },
      /environment file \/none.env/,
    ],
  ];
  it.each(missing)('%s is told before anything is done', async (_name, written, expected) => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', written);
    const problem = await builtin.check(service);
    expect(problem).toMatchObject({ file: 'services/web.yaml', hint: expect.any(String) });
    expect(problem?.summary).toMatch(/^cannot start web: /);
    expect(problem?.summary).toMatch(expected);
    expect(await rig.step(builtin, 'create', service)).toEqual({ kind: 'failed', problem });
    expect(existsSync(rig.serviceFolder('web'))).toBe(false);
  });

  it('a script whose interpreter does not exist is told with the interpreter', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    writeFileSync(rig.path('x'), '#!/opt/venv/bin/python3\n');
    chmodSync(rig.path('x'), 0o755);
    const problem = await builtin.check(rig.service('web', { command: [rig.path('x')] }));
    expect(problem?.summary).toMatch(/interpreter of .* does not exist: \/opt\/venv\/bin\/python3/);
  });

  it('arguments that only look like paths raise no false alarm', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    for (const command of [
      ['sh', '-c', '/none/x.sh'],
      ['node', '--version'],
      ['env', '/none.py'],
      ['sh', 'x'],
    ]) {
      expect(await builtin.check(rig.service('web', { command }))).toBeUndefined();
    }
  });

  it('a replacement that cannot be started leaves what runs alone', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const service = rig.service('web', { command: ['sleep', '1000'], ...READY });
    await rig.step(builtin, 'create', service);
    const { pid } = await rig.reaches(builtin, 'web', 'running');
    const outcome = await rig.step(builtin, 'replace', rig.service('web', { command: ['/none'], ...READY }));
    expect(outcome.kind).toBe('failed');
    expect(await rig.run(builtin, 'web')).toMatchObject({ kind: 'running', pid, definition: 'current' });
  });
});

describe('a definition', () => {
  it('refuses what nothing would act on', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const problems = builtin.define(rig.service('web', { command: ['true'], drift: 'hold' }));
    expect(problems).toMatchObject([{ code: 'not-supported', field: 'drift' }]);
  });

  it('keeps its hash where only live fields differ', async () => {
    await using rig = new BuiltinRig();
    const builtin = await rig.supervisor();
    const hash = (written: object) => (builtin.define(rig.service('web', written)) as Definition).hash;
    const base = { command: ['true'] };
    expect(hash({ ...base, stop: { timeout: '1s' }, restart: { policy: 'never' }, logs: { keep: 1 } })).toBe(
      hash(base),
    );
    expect(hash({ ...base, umask: '077' })).not.toBe(hash(base));
  });
});

it('a service of an apply outlives it, unsupervised', async () => {
  await using rig = new BuiltinRig();
  const service = rig.service('web', { command: ['sleep', '1000'], ...READY });
  const once = await rig.supervisor(false);
  expect(await rig.step(once, 'create', service)).toMatchObject({ kind: 'done' });
  const { pid } = await rig.reaches(once, 'web', 'running');
  await once[Symbol.asyncDispose]();
  const later = await rig.supervisor(false);
  expect(await rig.run(later, 'web')).toMatchObject({ kind: 'running', pid, definition: 'current' });
  process.kill(pid, 'SIGKILL');
  expect(await rig.reaches(later, 'web', 'exited')).toMatchObject({ exit: { kind: 'signal', signal: 'SIGKILL' } });
  expect(readFileSync(`${rig.serviceFolder('web')}/exit`, 'utf8')).toBe('137\n');
});
