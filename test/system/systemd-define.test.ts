import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { Definition, Service } from '../../src/model.ts';
import { blockOf } from '../../src/supervisors/systemd/block.ts';
import { define, type UnitOptions } from '../../src/supervisors/systemd/define.ts';
import { readUnit } from '../../src/supervisors/systemd/read-unit.ts';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { service as anyService } from '../unit/planner/make.ts';

const UNITS = process.env.RECONCILED_LONG === '1' ? 2000 : 200;
const BATCH = 50;
const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);

const OPTIONS: UnitOptions = { manager: 'system', unitDir: '/etc/systemd/system', owner: 'define', version: 252 };

/** Says where its output goes, and stays as it was started. */
const PROGRAM = '#!/bin/sh\necho out\necho err >&2\nkill -STOP $$\n';
/** In the PATH that every service has. */
const INSTALLED = 'define-program_1';

// ---- Anything a service file may hold -------------------------------------------------------------------------

const parts = [
  ...[
    '%',
    '%%',
    '%i',
    '%n',
    '$',
    '$$',
    '$HOME',
    `$${'{HOME}'}`,
    '\\',
    '\\\\',
    '\\n',
    '\\x41',
    '"',
    "'",
    ';',
    ' ;',
    '#',
  ],
  ...[
    '=',
    ' ',
    '\t',
    '\n',
    '\r',
    '\x01',
    '\x07',
    '\x1b',
    '\x7f',
    '-',
    '@',
    ':',
    '+',
    '!',
    '|',
    '*',
    '?',
    '[',
    ']',
    '{',
  ],
  ...[
    '}',
    '~',
    '&',
    '<',
    '>',
    '(',
    ')',
    '`',
    '^',
    ',',
    '.',
    'é',
    '€',
    '😀',
    '\u0085',
    '\u2028',
    '\ufeff',
    '\u00a0',
    'a',
  ],
];
const text = fc
  .oneof(
    { weight: 3, arbitrary: fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((items) => items.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  )
  .filter((value) => !/\0|\p{Noncharacter_Code_Point}/u.test(value));
const args = fc.array(fc.oneof(text, fc.constantFrom('', ';', '-', '@', ':', '--', '+', '!', '$A', '%')), {
  maxLength: 6,
});

/** The name of a file, in a program's path; as others may be. */
const programName = text
  .map((value) => value.replaceAll('/', ''))
  .filter((value) => value !== '' && value !== '.' && value !== '..');
const name = programName.filter((value) => !/[\n\r]|[ \t]$/.test(value));
const variable = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,7}$/);

interface Draft {
  readonly args: readonly string[];
  readonly program: 'absolute' | 'relative' | 'in PATH' | 'in own PATH';
  readonly programName: string;
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly variables: string | undefined;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;
  readonly instance: boolean;
  readonly user: string | undefined;
  readonly description: string | undefined;
  readonly more: Partial<Service['written']>;
}

const draft: fc.Arbitrary<Draft> = fc.record({
  args,
  program: fc.constantFrom('absolute', 'relative', 'in PATH', 'in own PATH'),
  programName,
  folder: name,
  environment: fc.dictionary(variable, text, { maxKeys: 4 }),
  variables: fc.option(name, { nil: undefined }),
  stdout: fc.option(name, { nil: undefined }),
  stderr: fc.option(name, { nil: undefined }),
  instance: fc.boolean(),
  user: fc.constantFrom(undefined, 'root', 'daemon', 'daemon:adm', '1:4'),
  description: fc.option(fc.oneof(text, fc.string({ unit: 'binary' })), { nil: undefined }),
  more: fc.constantFrom(
    {},
    { umask: '027', limits: { openFiles: 512, core: '0B', stack: '1MiB' } },
    { restart: { policy: 'on-failure' }, stop: { signal: 'INT', timeout: '0s', tree: false } },
  ) as fc.Arbitrary<Partial<Service['written']>>,
});

/** A service and what its process is to be. */
interface Case {
  readonly unit: string;
  readonly definition: Definition;
  readonly files: readonly (readonly [path: string, text: string, mode: number])[];
  readonly expected: {
    readonly argv: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly stdout: string | undefined;
    readonly stderr: string | undefined;
  };
}

function caseOf(given: Draft, index: number): Case {
  const base = `/srv/define/${index}`;
  // Two of them may have the same name.
  const directory = join(base, 'folders', given.folder);
  // PATH is a list of folders between colons.
  const bin = join(base, 'paths', given.programName.replaceAll(':', '_'), 'bin');
  const [command, path] = {
    absolute: [join(base, 'programs', given.programName), join(base, 'programs', given.programName)],
    relative: [`./${given.programName}`, join(directory, given.programName)],
    'in PATH': [INSTALLED, `/usr/local/bin/${INSTALLED}`],
    'in own PATH': [given.programName, join(bin, given.programName)],
  }[given.program] as [string, string];
  const variables = given.variables === undefined ? undefined : join(base, 'variables', given.variables);
  const log = (written: string | undefined) => (written === undefined ? undefined : `log.${written}`);
  const environment = given.program === 'in own PATH' ? { ...given.environment, PATH: bin } : given.environment;
  const { instance, user, description, more } = given;

  const id = `define${index}`;
  const [stdout, stderr] = [log(given.stdout), log(given.stderr)];
  const written = {
    ...more,
    command: [command, ...given.args],
    directory,
    environment,
    ...(variables === undefined ? {} : { environmentFiles: [variables] }),
    ...(user === undefined ? {} : { user }),
    ...(description === undefined ? {} : { description }),
    ...(instance ? { instances: 2 } : {}),
    logs: { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) },
  };
  const service = anyService(id, { supervisor: 'systemd', ...(instance ? { instance: 2 } : {}), written });
  const definition = define(service, OPTIONS);
  if (Array.isArray(definition)) throw new Error(`refused: ${JSON.stringify([definition, written])}`);
  const { hash } = definition as Definition;

  const account = user?.startsWith('daemon') || user === '1:4' ? 'daemon' : 'root';
  const file = (log: string | undefined) => {
    if (log === undefined) return undefined;
    return join(directory, instance ? log.replace(/(\.[^.]*)?$/s, (extension) => `-2${extension}`) : log);
  };
  return {
    unit: `${service.id}.service`,
    definition: definition as Definition,
    files: [
      [join(directory, '.keep'), '', 0o644],
      [path, PROGRAM, 0o755],
      ...(variables === undefined ? [] : [[variables, 'FROM_FILE="1"\n', 0o600] as const]),
    ],
    expected: {
      argv: ['/bin/sh', path, ...given.args],
      environment: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LANG: 'C.UTF-8',
        HOME: account === 'root' ? '/root' : '/usr/sbin',
        USER: account,
        LOGNAME: account,
        ...(account === 'root' ? { SHELL: '/bin/bash' } : {}),
        ...environment,
        ...(variables === undefined ? {} : { FROM_FILE: '1' }),
        ...(instance ? { RECONCILED_INSTANCE: '2' } : {}),
        RECONCILED_SUPERVISOR: 'systemd',
        RECONCILED_DEFINITION: `v1:define:${id}:${instance ? '2' : ''}:${hash}`,
      },
      cwd: directory,
      stdout: file(stdout),
      stderr: file(stderr),
    },
  };
}

interface Outcome {
  readonly verify: string;
  readonly start: string;
  readonly processes: readonly Readonly<Record<string, string>>[];
}

async function runUnits(host: SystemdHost, cases: readonly Case[]): Promise<Outcome> {
  const input = JSON.stringify({
    files: cases.flatMap(({ files }) => files),
    unitFiles: cases.flatMap(({ definition }) => definition.files?.map(({ path, text }) => [path, text, 0o644]) ?? []),
    units: cases.map(({ unit }) => unit),
  });
  const script = new URL('run-units.mjs', import.meta.url).pathname;
  const { code, stdout, stderr } = await host.exec([process.execPath, script], { input, timeout: 110_000 });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Outcome;
}

/** What systemd adds for every service. */
const ADDED = new Set(['INVOCATION_ID', 'JOURNAL_STREAM', 'SYSTEMD_EXEC_PID']);

/** The process as it came out, in the form of what was expected of it. */
function came(process: Readonly<Record<string, string>>, { environment }: Case['expected']): Case['expected'] {
  const bytes = (key: string) => Buffer.from(process[key] ?? '', 'base64').toString('latin1');
  const utf8 = (text: string) => Buffer.from(text, 'latin1').toString('utf8');
  const variables = bytes('environ').split('\0').slice(0, -1).map(utf8);
  const entries = variables.map(
    (line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const,
  );
  const output = (key: string) => (bytes(key).startsWith('socket:') ? undefined : utf8(bytes(key)));
  return {
    argv: bytes('argv').split('\0').slice(0, -1).map(utf8),
    environment: Object.fromEntries(entries.filter(([key]) => key in environment || !ADDED.has(key))),
    cwd: utf8(bytes('cwd')),
    stdout: output('stdout'),
    stderr: output('stderr'),
  };
}

describeOnSystemd('a unit that we write', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await systemdHost();
    return () => host[Symbol.asyncDispose]();
  });

  /** Writes a service's unit, and starts it; the pid. */
  const started = async (service: Service): Promise<string> => {
    write(define(service, OPTIONS));
    await host.systemctl('daemon-reload');
    await host.systemctl('restart', service.id);
    return pid(service.id);
  };
  const write = (definition: ReturnType<typeof define>) => {
    if (Array.isArray(definition)) throw new Error(JSON.stringify(definition));
    for (const { path, text } of (definition as Definition).files ?? []) host.write(path, text);
  };
  const show = async (unit: string, property: string) =>
    (await host.systemctl('show', `--property=${property}`, '--value', unit)).trim();
  const pid = (unit: string) => show(unit, 'MainPID');
  const sleeping = (id: string, written: Partial<Service['written']> = {}) =>
    anyService(id, { supervisor: 'systemd', written: { command: ['sleep', '1000'], ...written } });
  const verified = async (path: string) => {
    const command = ['systemd-analyze', 'verify', '--man=no', '--recursive-errors=no', path];
    const { stdout, stderr } = await host.exec(command);
    return stdout + stderr;
  };

  it(
    'gives its process every byte of what was declared, and nothing to complain of',
    async () => {
      for (let first = 0; first < UNITS; first += BATCH) {
        const drafts = fc.sample(draft, { numRuns: BATCH, seed: SEED + first });
        const cases = drafts.map((given, i) => caseOf(given, first + i));
        const { verify, start, processes } = await runUnits(host, cases);
        expect({ seed: SEED, verify, start }).toEqual({ seed: SEED, verify: '', start: '' });
        cases.forEach(({ unit, expected, definition }, i) => {
          const text = definition.files?.[0]?.text;
          expect({ seed: SEED, unit, text, ...came(processes[i] ?? {}, expected) }).toEqual({
            seed: SEED,
            unit,
            text,
            ...expected,
          });
        });
      }
    },
    UNITS * 600 + 60_000,
  );

  it('limits its process, which has the user, umask and stop signal that were asked for', async () => {
    const limits = { addressSpace: '2GiB', openFiles: 512, processes: 100, core: '0B', fileSize: '1GB' } as const;
    const written = { user: 'daemon:adm', umask: '027', limits: { ...limits, lockedMemory: '1MiB', stack: '4MiB' } };
    const service = sleeping('limited', { ...written, stop: { signal: 'INT', timeout: '0s', tree: false } });
    const main = await started(service);
    const status = host.read(`/proc/${main}/status`);
    expect(status).toMatch(/^Umask:\t0027$/m);
    expect(status).toMatch(/^Uid:\t1\t1\t1\t1$/m);
    expect(status).toMatch(/^Gid:\t4\t4\t4\t4$/m);
    const limit = (name: string) => new RegExp(`^${name} +(\\d+) +(\\d+)`, 'm').exec(host.read(`/proc/${main}/limits`));
    for (const [name, value] of Object.entries({
      'Max address space': 2 ** 31,
      'Max open files': 512,
      'Max processes': 100,
      'Max core file size': 0,
      'Max file size': 1e9,
      'Max locked memory': 2 ** 20,
      'Max stack size': 2 ** 22,
    })) {
      expect([name, ...(limit(name)?.slice(1) ?? [])]).toEqual([name, String(value), String(value)]);
    }
    expect(await show('limited', 'KillSignal')).toBe('2');
    expect(await show('limited', 'TimeoutStopUSec')).toBe('1us');
    expect(await show('limited', 'KillMode')).toBe('process');
    await host.systemctl('stop', 'limited');
  });

  it('is not started where its program can not be executed', async () => {
    await expect(started(sleeping('missing', { command: ['/srv/missing'] }))).rejects.toThrow('missing.service');
    await host.systemctl('stop', 'missing');
  });

  it('is started again after what systemd takes for a clean end, but not after exit code 0', async () => {
    const policy = { restart: { policy: 'on-failure', backoff: { initial: '0s' } } } as const;
    const before = await started(sleeping('failing', policy));
    await host.exec(['kill', before]);
    await until(async () => !['0', before].includes(await pid('failing')));
    await host.systemctl('stop', 'failing');
    await started(sleeping('ending', { ...policy, command: ['sleep', '0.1'] }));
    await until(async () => (await show('ending', 'SubState')) === 'dead');
    expect(await show('ending', 'NRestarts')).toBe('0');
  });

  it('is held once it was started again as often as it may be', async () => {
    const limit = { restarts: 2, within: '1m' };
    const written = { command: ['false'], restart: { backoff: { initial: '10ms' }, limit } };
    write(define(sleeping('budget', written), OPTIONS));
    await host.systemctl('daemon-reload');
    await host.exec(['systemctl', 'start', 'budget']);
    await until(async () => (await show('budget', 'ActiveState')) === 'failed');
    const { stdout } = await host.exec(['journalctl', '--unit=budget', '--output=cat']);
    expect(stdout.match(/^Started|^Starting/gm)?.filter((word) => word === 'Starting')).toHaveLength(3);
  });

  it('takes raw lines that are called live without another process', async () => {
    const raw = (...systemd: readonly (readonly [string, string, string])[]) =>
      ({ raw: { systemd } }) as unknown as Partial<Service['written']>;
    const plain = sleeping('live');
    const main = await started(plain);
    const changed = sleeping(
      'live',
      raw(['Service', 'TasksMax', '33'], ['Service', 'MemoryMax', '100M'], ['Service', 'RuntimeMaxSec', '1h']),
    );
    const [before, after] = [plain, changed].map((service) => define(service, OPTIONS));
    expect(after).toMatchObject({ hash: (before as Definition).hash });
    write(after as Definition);
    expect(await verified('/etc/systemd/system/live.service')).toBe('');
    await host.systemctl('daemon-reload');
    const groups = host.read(`/proc/${main}/cgroup`).trim().split('\n');
    const group = (controller: string) =>
      groups.map((line) => line.split(':')).find(([, names]) => names === '' || names?.split(',').includes(controller));
    expect(group('pids')).toBeDefined();
    expect(await show('live', 'MainPID')).toBe(main);
    const control = await show('live', 'ControlGroup');
    const { stdout } = await host.exec([
      'sh',
      '-c',
      `cat /sys/fs/cgroup/pids${control}/pids.max || cat /sys/fs/cgroup${control}/pids.max
       cat /sys/fs/cgroup/memory${control}/memory.limit_in_bytes || cat /sys/fs/cgroup${control}/memory.max`,
    ]);
    expect(stdout).toBe(`33\n${100 * 2 ** 20}\n`);
    await host.systemctl('stop', 'live');
  });

  it('can not be started while it is disabled, whatever else others ask of it', async () => {
    const service = sleeping('blocked');
    await started(service);
    await host.systemctl('stop', 'blocked');
    const { path, text } = blockOf(service, OPTIONS);
    host.write(path, text);
    host.write(join(dirname(path), '10-other.conf'), '[Unit]\nConditionPathExists=|/etc\n');
    expect(await verified('/etc/systemd/system/blocked.service')).toBe('');
    await host.systemctl('daemon-reload');
    await host.systemctl('start', 'blocked');
    expect(await show('blocked', 'ActiveState')).toBe('inactive');
    expect(readUnit(host.read(path))).toMatchObject({ kind: 'ours', intact: true });
  });

  it('that is of others gets what was asked in a drop-in, and keeps the rest', async () => {
    host.write(
      '/usr/lib/systemd/system/packaged.service',
      '[Service]\nExecStart=sleep 1000\nNice=3\nEnvironment=A=1 B=1\n',
    );
    const { command, ...written } = sleeping('mine', {
      unit: 'packaged.service',
      environment: { B: '2' },
      restart: { policy: 'always' },
    }).written;
    write(define({ ...sleeping('mine'), written }, OPTIONS));
    expect(await verified('/usr/lib/systemd/system/packaged.service')).toBe('');
    await host.systemctl('daemon-reload');
    await host.systemctl('start', 'packaged');
    const environ = host.read(`/proc/${await pid('packaged')}/environ`).split('\0');
    expect(environ).toEqual(
      expect.arrayContaining(['A=1', 'B=2', expect.stringMatching(/^RECONCILED_DEFINITION=v1:define:mine::/)]),
    );
    expect(await show('packaged', 'Nice')).toBe('3');
    expect(await show('packaged', 'Restart')).toBe('always');
    await host.systemctl('stop', 'packaged');
  });

  it("runs in a user's own manager", async () => {
    const user = 'trader';
    const uid = await host.userManager(user);
    const unitDir = `/home/${user}/.config/systemd/user`;
    const definition = define(sleeping('own', { directory: '/srv' }), { ...OPTIONS, manager: 'user', unitDir });
    write(definition);
    const as = (...command: readonly string[]) => host.exec(command, { user });
    expect(await as('systemd-analyze', '--user', 'verify', '--man=no', `${unitDir}/own.service`)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    await as('systemctl', '--user', 'daemon-reload');
    expect(await as('systemctl', '--user', 'enable', '--now', 'own')).toMatchObject({ code: 0 });
    const main = (await as('systemctl', '--user', 'show', '--property=MainPID', '--value', 'own')).stdout.trim();
    expect(host.read(`/proc/${main}/status`)).toContain(`\nUid:\t${uid}\t`);
    const environ = host.read(`/proc/${main}/environ`).split('\0');
    expect(environ).toEqual(
      expect.arrayContaining([
        `HOME=/home/${user}`,
        `USER=${user}`,
        `LOGNAME=${user}`,
        'SHELL=/bin/sh',
        'LANG=C.UTF-8',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        expect.stringMatching(/^RECONCILED_DEFINITION=v1:define:own::/),
      ]),
    );
  });
});
