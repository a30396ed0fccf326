import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { daemonProcess, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';

/** Numbered lines, 200 a second, from 1 in each process; every tenth on standard error. */
const COUNTER = [
  'perl',
  '-e',
  '$| = 1; for ($i = 1; ; $i++) { if ($i % 10) { print "$i\\n" } else { print STDERR "$i\\n" } select(undef, undef, undef, 0.005) }',
];
/** By supervisor, and where each logs. */
const SERVICES = {
  journal: { supervisor: 'systemd' },
  files: { supervisor: 'systemd', logs: { stdout: '/var/log/files.log', stderr: '/var/log/files.log' } },
  program: { supervisor: 'supervisord/dolphin', logs: { stdout: '/var/log/program.log', maxSize: '1KB', keep: 50 } },
  own: { supervisor: 'builtin' },
};

describeOnSystemd('logs of services under all supervisors', () => {
  let host: SystemdHost;
  let world: World;

  beforeAll(async () => {
    host = await systemdHost();
    world = createWorld(host, 'logs');
    // What is shown must be what was written; and a user has a journal only on disk.
    host.write('/etc/systemd/journald.conf.d/limit.conf', '[Journal]\nRateLimitIntervalSec=0\nStorage=persistent\n');
    await host.systemctl('restart', 'systemd-journald');
    host.write(
      `${world.desired}/supervisors/dolphin.yaml`,
      stringify({ config: '/etc/supervisor/dolphin.conf', owned: true, socket: { path: '/run/dolphin/s.sock' } }),
    );
    for (const [name, service] of Object.entries(SERVICES))
      world.declare(name, { group: 'all', command: COUNTER, restart: { backoff: { initial: '10ms' } }, ...service });
    await world.apply();
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  interface Shown {
    readonly service: string;
    readonly stream: string | null;
    readonly time: string | null;
    readonly line: string;
  }

  const shownIn = (stdout: string) =>
    stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Shown);

  /** The numbers that a service wrote, stream by stream, as each is in order by itself. */
  function numbersOf(shown: readonly Shown[], service: string): readonly (readonly number[])[] {
    const own = shown.filter((one) => one.service === service && /^\d+$/.test(one.line));
    return [...Map.groupBy(own, ({ stream }) => stream).values()].map((lines) => lines.map(({ line }) => Number(line)));
  }

  /** Where one number does not follow the one before: but for every tenth, which is in the other stream. */
  function gapsIn(numbers: readonly number[]): readonly string[] {
    const isError = numbers[0] !== undefined && numbers.every((one) => one % 10 === 0);
    const follows = (a: number, b: number) =>
      b === 1 || (isError ? b - a === 10 : b - a === 1 || (b - a === 2 && b % 10 === 1));
    return numbers.flatMap((one, i) => {
      const before = numbers[i - 1];
      return before === undefined || follows(before, one) ? [] : [`${before} ${one}`];
    });
  }

  it('shows the last lines of each, with their names, and those of the journal with their times', async () => {
    const all = await until(async () => {
      const result = await world.reconcile('logs', 'all:*', '-n', '5');
      return result.stdout.split('\n').length > 25 ? result : undefined;
    });
    expect(all).toMatchObject({ code: 0, stderr: '' });
    const lines = all?.stdout.trimEnd().split('\n') ?? [];
    expect([...new Set(lines.map((line) => line.slice(0, 10)))].sort()).toEqual(
      ['files   | ', 'journal | ', 'own     ! ', 'own     | ', 'program ! ', 'program | '].sort(),
    );
    const shown = shownIn((await world.reconcile('logs', 'journal', '--json', '-n', '3')).stdout);
    expect(shown.length).toBe(3);
    for (const { time, line } of shown) {
      expect(line).toMatch(/^\d+$/);
      expect(Math.abs(Date.parse(time ?? '') - Date.now())).toBeLessThan(60_000);
    }
    const since = shownIn((await world.reconcile('logs', 'journal', '--json', '--since', '200ms')).stdout);
    expect(since.length).toBeLessThan(1000);
    const errors = await world.reconcile('logs', 'journal', 'own', '--stderr', '-n', '2');
    expect(errors.stderr).toBe('cannot tell stderr apart in the journal: all that the service wrote there is shown\n');
  });

  it('follows all at once, each in order and whole: through rotations, restarts and a move', async () => {
    const following = daemonProcess(host.spawn(world.command('logs', 'all:*', '-f', '--json', '-n', '20')));
    let output = '';
    following.child.stdout?.on('data', (chunk: string) => {
      output += chunk;
    });
    const sees = (name: string, what: RegExp) =>
      until(() =>
        shownIn(output.slice(0, output.lastIndexOf('\n') + 1)).some(
          (one) => one.service === name && what.test(one.line),
        ),
      );
    for (const name of Object.keys(SERVICES)) await sees(name, /^\d+$/);
    await sh(host, 'pkill -KILL -o perl; systemctl kill -s KILL journal.service; pkill -KILL journalctl');
    await host.systemctl('restart', 'systemd-journald');
    world.declare('own', { group: 'all', command: [...COUNTER, 'moved'], soak: '50ms', supervisor: 'systemd' });
    await world.apply();
    await sees('own', /Started|Starting/);
    await until(() => host.exists('/var/log/program.log.5'));
    expect(await following.stop('SIGINT')).toBe(0);
    const shown = shownIn(output);
    for (const name of Object.keys(SERVICES)) {
      const streams = numbersOf(shown, name);
      expect([name, streams.length > 0, streams.flatMap(gapsIn)]).toEqual([name, true, []]);
      expect([name, streams.flat().length > 100]).toEqual([name, true]);
    }
  });

  it('reads the journal of a user as that user; of what is of root it tells him whom to ask', async () => {
    await host.userManager('bob');
    const own = createWorld(host, 'bobs', { user: 'bob' });
    own.declare('mine', { command: ['sh', '-c', 'echo from bob; exec sleep 1000000'] });
    await own.apply();
    // As long as there is one journal alone for all, in memory.
    expect(await own.reconcile('logs', 'mine')).toEqual({
      code: 1,
      stdout: '',
      stderr: `mine: cannot read the journal: No journal files were opened due to insufficient permissions.
  ask as root, or as a member of the group systemd-journal or adm
`,
    });
    await sh(host, 'journalctl --flush');
    await own.reconcile('restart', 'mine');
    await until(async () => (await own.reconcile('logs', 'mine')).stdout.includes('from bob\n'));
    own.declare('journald', { unit: 'systemd-journald.service' });
    const { code, stdout, stderr } = await own.reconcile('logs', 'mine', 'journald');
    expect([code, stdout.includes('mine     | from bob\n')]).toEqual([1, true]);
    expect(stderr).toBe(`cannot show the logs of journald: nothing of it is under systemd on this host yet
  what would be done: \`reconcile --dry-run\`; where root has it: ask as root
`);
  });
});
