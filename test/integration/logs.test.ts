import { execFile } from 'node:child_process';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { createHost, type Host, RECONCILE, until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { createSupervisordHost } from '../rig/supervisord/host.ts';

const run = promisify(execFile);

/** A service that writes these lines, then stays. */
function says(out: string, more: object = {}) {
  return {
    supervisor: 'builtin',
    command: ['/bin/sh', '-c', `printf '${out}'; exec sleep 1000000`],
    start: { ready: '0s' },
    ...more,
  };
}

/** Once its log holds something. */
const written = (host: Host, name: string) =>
  until(() => {
    const path = join(host.runtime, 'logs', `${name}.log`);
    return existsSync(path) && readFileSync(path, 'utf8') !== '';
  });

it('shows what several services wrote, and says of each other why not', async () => {
  await using host = await createHost();
  host.write('web', says('2026-11-24T16:40:00Z a\\n2026-11-24T16:40:02Z c\\n', { group: 'shop' }));
  host.write('worker', says('2026-11-24T16:40:01Z b\\nno end', { group: 'shop' }));
  host.write('mute', says('', { logs: { stdout: '/dev/null', stderr: '/dev/null' } }));
  host.write('never', says('', { state: 'stopped' }));
  await host.reconcile();
  await written(host, 'web');
  await written(host, 'worker');
  host.write('later', says('x\\n'));

  expect(await host.reconcile('logs', 'shop:*')).toEqual({
    code: 0,
    stdout:
      'web    | 2026-11-24T16:40:00Z a\nworker | 2026-11-24T16:40:01Z b\nworker | no end\nweb    | 2026-11-24T16:40:02Z c\n',
    stderr: '',
  });
  expect((await host.reconcile('logs', 'web', '-n', '1')).stdout).toBe('2026-11-24T16:40:02Z c\n');
  expect((await host.reconcile('logs', 'web', '--since', '2026-11-24T16:40:01')).stdout).toBe(
    '2026-11-24T16:40:02Z c\n',
  );
  expect((await host.reconcile('logs', 'web', '--until', '2026-11-24T16:40:01')).stdout).toBe(
    '2026-11-24T16:40:00Z a\n',
  );
  expect((await host.reconcile('logs', 'web', 'worker', '--grep', '[bc]$', '--no-prefix')).stdout).toBe(
    '2026-11-24T16:40:01Z b\n2026-11-24T16:40:02Z c\n',
  );
  expect(await host.reconcile('logs', 'web', '--stdout', '--grep', 'x$')).toEqual({
    code: 0,
    stdout: '',
    stderr: `There is nothing of web that matches in ${join(host.runtime, 'logs', 'web.log')}.\n`,
  });
  expect(JSON.parse((await host.reconcile('logs', 'web', '-n', '1', '--json')).stdout)).toEqual({
    service: 'web',
    stream: 'stdout',
    time: '2026-11-24T16:40:02.000Z',
    line: '2026-11-24T16:40:02Z c',
  });
  // The last before a time, not what of the last is before it.
  const before = await host.reconcile('logs', 'worker', '--until', '2026-11-24T16:40:01', '-n', '1');
  expect(before.stdout).toBe('no end\n');
  appendFileSync(join(host.runtime, 'logs', 'worker.log'), '\n2026-11-24T16:50:00Z d\n2026-11-24T16:51:00Z e');
  const last = await host.reconcile('logs', 'worker', '--until', '2026-11-24T16:50:30', '-n', '1');
  expect(last.stdout).toBe('2026-11-24T16:50:00Z d\n');
  expect((await host.reconcile('logs', 'worker', '-n', '0')).stdout).toBe('');
  const log = (name: string) => join(host.runtime, 'logs', name);
  const rest = await host.reconcile('logs', 'web', 'mute', 'never', 'later', '-n', '1');
  expect([rest.code, rest.stdout]).toEqual([1, 'web   | 2026-11-24T16:40:02Z c\n']);
  expect(
    rest.stderr.replace('; where root has it: ask as root', ''),
  ).toBe(`cannot show the logs of later: nothing of it is under builtin on this host yet
  what would be done: \`reconcile --dry-run\`
cannot show the logs of mute: its output goes to /dev/null
  say where it is to go: \`logs.stdout\` and \`logs.stderr\` in its file
cannot show the logs of never: there is no ${log('never.log')} and no ${log('never-error.log')} yet
  it is made when the service is started; -f waits for it
`);
  const timeless = await host.reconcile('logs', 'worker', 'mute', '--stdout', '--since', '1h');
  expect(timeless.code).toBe(1);
  writeFileSync(log('worker.log'), 'no time\n');
  expect((await host.reconcile('logs', 'worker', '--since', '1h')).stderr).toMatch(
    /^worker: cannot tell how old the lines of .*worker\.log are: they bear no time that is known; all of it is shown\n {2}something was last written there at 20/,
  );
});

it('shows a file once that several write to, and says so', async () => {
  await using host = await createHost();
  const logs = { stdout: join(host.folder, 'shared.log'), stderr: join(host.folder, 'shared.log') };
  host.write('web', says('a\\n', { logs }));
  host.write('worker', says('', { logs }));
  await host.reconcile();
  await until(() => readFileSync(logs.stdout, 'utf8') !== '');
  expect(await host.reconcile('logs', 'w*')).toEqual({
    code: 0,
    stdout: 'web    | a\n',
    stderr: `cannot tell the lines of worker and web apart: both write to ${logs.stdout}; they are shown as those of web\n`,
  });
});

it('refuses what it can not do, with what would be right', async () => {
  await using host = await createHost();
  host.write('web', says('a\\n'));
  const refused = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await host.reconcile('logs', ...args);
    expect([code, stdout]).toEqual([1, '']);
    return stderr;
  };
  expect(await refused('wep')).toBe("no service is called 'wep'\n  did you mean 'web'?\n");
  expect(await refused('web', '-n', 'few')).toMatch(/^cannot take 'few' for how many lines to show\n/);
  expect(await refused('web', '-f', '--until', '1h')).toMatch(/^cannot use --until with -f/);
  expect(await refused('web', '--since', '1h', '--until', '2h')).toMatch(/^cannot show what is from 1h up to 2h/);
  expect(await refused('web', '--grep', '(?=a)')).toMatch(
    /^cannot look for '\(\?=a\)': .*\n {2}RE2 syntax has no look-around/,
  );
  expect(await refused('web', '--since', 'then')).toMatch(/^cannot take 'then' for a time/);
  expect(await refused('web', '--dry-run')).toMatch(/^cannot use --dry-run with `reconcile logs`/);
});

it('says what can not be read, and shows the rest', async () => {
  await using host = await createHost();
  host.write('web', says('a\\n'));
  host.write('other', says('b\\n'));
  await host.reconcile();
  await written(host, 'web');
  const log = join(host.runtime, 'logs', 'other.log');
  rmSync(log, { force: true });
  mkdirSync(log);
  const { code, stdout, stderr } = await host.reconcile('logs', 'web', 'other', '--stdout');
  expect([code, stdout]).toEqual([1, 'web   | a\n']);
  expect(stderr).toBe(`other: cannot read ${log}: it is no regular file\n`);
  if (process.getuid?.() === 0) return;
  chmodSync(join(host.runtime, 'logs', 'web.log'), 0);
  expect((await host.reconcile('logs', 'web')).stderr).toMatch(
    /^web: cannot read .*web\.log: permission denied\n {2}ask/,
  );
});

it('ends well with whoever reads it, and on SIGINT', async () => {
  await using host = await createHost();
  host.write('web', says('start\\n'));
  await host.reconcile();
  await written(host, 'web');
  const log = join(host.runtime, 'logs', 'web.log');
  appendFileSync(log, 'more\n'.repeat(200_000));
  const { stdout } = await run(
    'bash',
    ['-c', `"$0" logs web -n all -f | head -2; echo "\${PIPESTATUS[*]}"`, RECONCILE],
    { env: { ...process.env, RECONCILE_DESIRED_STATE: host.desired, RECONCILE_RUNTIME_DIR: host.runtime } },
  );
  expect(stdout).toBe('start\nmore\n0 0\n');

  const following = host.begin('logs', 'web', '-f', '-n', '1');
  await following.saw('more\n');
  appendFileSync(log, 'last\nno end');
  await following.saw('last\n');
  expect(await following.stop('SIGINT')).toBe(0);
  expect(following.output()).toBe('more\nlast\nno end\n');
});

it('waits for a service, and follows it to where it logs later', async () => {
  await using host = await createHost();
  host.write('web', says('first\\n'));
  const following = host.begin('logs', 'web', '-f');
  await following.saw('nothing of it is under builtin on this host yet');
  await host.reconcile();
  await following.saw('first\n');
  host.write('web', says('second\\n', { logs: { stdout: join(host.folder, 'other.log') } }));
  await host.reconcile();
  await following.saw('second\n');
  expect(await following.stop('SIGINT')).toBe(0);
});

describeWithSupervisord('under supervisord', () => {
  it('shows files that it made up, streams that are one, and what others own; a service is followed there', async () => {
    const script = 'echo out; echo err >&2; exec sleep 1000000';
    const program = (name: string, more: string) => `[program:${name}]\ncommand=/bin/sh -c "${script}"\n${more}\n`;
    await using host = await createSupervisordHost({
      more:
        program('auto', '') +
        program('one', 'redirect_stderr=true') +
        program('none', 'stdout_logfile=NONE\nstderr_logfile=NONE'),
    });
    for (const name of ['auto', 'one', 'none']) host.declare(name);
    host.declare('mine', { command: ['/bin/sh', '-c', script] });
    host.write('moves', says('before\\n', { soak: '50ms' }));
    await host.start();
    await host.apply(0, '--only', 'mine', 'moves');
    await until(async () => (await host.reconcile('logs', 'auto', 'one', 'mine')).stdout.split('\n').length >= 7);
    const { code, stdout, stderr } = await host.reconcile('logs', 'auto', 'one', 'none', 'mine');
    expect([...new Set(stdout.split('\n'))].sort()).toEqual(
      ['', 'auto ! err', 'auto | out', 'mine ! err', 'mine | out', 'one  | err', 'one  | out'].sort(),
    );
    expect([code, stderr]).toEqual([
      1,
      `cannot show the logs of none: its output is written to no file by its supervisord (NONE, or syslog)
  say where it is to go: \`logs.stdout\` and \`logs.stderr\` in its file
`,
    ]);
    const errors = await host.reconcile('logs', 'auto', 'mine', '--stderr');
    expect(errors).toMatchObject({ code: 0, stdout: 'auto ! err\nmine ! err\n', stderr: '' });

    const following = host.begin('logs', 'moves', '-f');
    await following.saw('before\n');
    host.declare('moves', {
      command: ['/bin/sh', '-c', 'echo after; exec sleep 1000000'],
      soak: '50ms',
      logs: { stdout: join(host.folder, 'moved.log') },
    });
    await host.apply(0, '--only', 'moves');
    await following.saw('after\n');
    expect(await following.stop('SIGINT')).toBe(0);

    // Where it can't be asked, its files tell as much.
    await host.stop();
    const down = await host.reconcile('logs', 'mine', 'auto', 'one');
    expect(down.stdout).toBe('mine | out\nmine ! err\n');
    expect(down.stderr).toContain(
      'auto: its standard output goes to a file that its supervisord makes up (AUTO), and it can not be asked which',
    );
  });
});

it('shows all of a log whose rotation was killed before what was copied was cut out', async () => {
  await using host = await createHost();
  host.write('web', says(''));
  await host.reconcile();
  const log = join(host.runtime, 'logs', 'web.log');
  await until(() => existsSync(log));
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}\n`).join('');
  writeFileSync(`${log}.2`, numbers(1, 1001));
  appendFileSync(log, numbers(1001, 5001));
  writeFileSync(`${log}.1`, readFileSync(log).subarray(0, 8192));
  expect((await host.reconcile('logs', 'web', '-n', 'all')).stdout).toBe(numbers(1, 5001));
  expect((await host.reconcile('logs', 'web', '-n', '3999')).stdout).toBe(numbers(1002, 5001));
});
