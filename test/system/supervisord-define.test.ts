import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { childPidsOf, statOf, variablesOf } from '../../src/host/procfs.ts';
import { self } from '../../src/host/users.ts';
import type { Instance } from '../../src/instance.ts';
import type { Definition, Service } from '../../src/model.ts';
import { parseFile } from '../../src/supervisors/shared/environment.ts';
import { define } from '../../src/supervisors/supervisord/define.ts';
import { mainConfig } from '../../src/supervisors/supervisord/main-config.ts';
import { programsFile, writeParts } from '../../src/supervisors/supervisord/programs-file.ts';
import { environmentFiles, shell } from '../../src/supervisors/supervisord/script.ts';
import { until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { service as anyService } from '../unit/planner/make.ts';

const LONG = process.env.RECONCILED_LONG === '1';
const PARSED = LONG ? 100_000 : process.env.RECONCILED_LONG === 'reduced' ? 10_000 : 2000;
const BATCH = 40;
const RUN = LONG ? 1000 : 200;
const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);
const ROOT = process.getuid?.() === 0;

/** The Python that supervisord runs on. */
function python(): string {
  const path = execFileSync('/bin/sh', ['-c', 'command -v supervisord'], { encoding: 'utf8' }).trim();
  return /^#!\s*(\S+)/.exec(readFileSync(path, 'utf8'))?.[1] ?? '/usr/bin/python3';
}

// ---- Anything a service file may hold -------------------------------------------------------------------------

const parts = [
  ...['%', '%%', '%s', '%(', '%(here)s', '%%(here)s', '(here)s', '%(ENV_HOME)s', '%(program_name)s', '%(x)s', '%c'],
  ...[';', '#', ' ;', ' #', '\t;', '\u00a0#', '\x1f;', '\u3000;', '\n;', '\n#', '\n[program:x]\n', '\ncommand=x\n'],
  ...['"', "'", '""', `"'`, '\\', '\\\\', '\\"', "\\'", '\\n', '$', '$HOME', '`', '=', ',', ',B=', ':', '[', ']', '!'],
  ...[' ', '  ', '\t', '\n', '\n\n', '\r', '\r\n', '\x01', '\x07', '\x0b', '\x0c', '\x1b', '\x1c', '\x1e', '\x7f'],
  ...['\u0085', '\u00a0', '\u1680', '\u2028', '\u2029', '\u3000', '\ufeff', '\ufffe', 'é', '€', '😀'],
  ...['-', '--', '@', '+', '*', '?', '{', '}', '~', '&', '<', '>', '(', ')', '^', '|', '.', 'a', 'B', '0'],
];
const text = fc
  .oneof(
    { weight: 3, arbitrary: fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((items) => items.join('')) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
  )
  .filter((value) => !value.includes('\0'));
const args = fc.array(fc.oneof(text, fc.constantFrom('', ';', '#', '-', '--', '%')), { maxLength: 6 });
/** The name of a file, in a program's path; others have no line feed. */
const programName = text.map((value) => value.replaceAll('/', '')).filter((value) => !['', '.', '..'].includes(value));
const name = programName.filter((value) => !value.includes('\n'));
const variable = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,7}$/).filter((key) => !/^(PATH|LD_.*|BASH.*|ENV)$/.test(key)),
  fc.constantFrom('PWD', 'OLDPWD', 'IFS', 'SHLVL', '_', 'PPID', 'HOME', 'LANG', 'PS1'),
);
const whole = (max: number) => fc.integer({ min: 0, max });
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const draft = fc.record({
  args,
  program: fc.constantFrom('absolute', 'relative', 'in PATH', 'in own PATH'),
  programName,
  folder: name,
  environment: fc.dictionary(variable, text, { maxKeys: 4 }),
  variables: optional(name),
  stdout: optional(name),
  stderr: optional(name),
  sameLog: fc.boolean(),
  instance: fc.boolean(),
  user: ROOT ? fc.constantFrom(undefined, undefined, 'root', 'daemon', 'daemon:adm', '1:4') : fc.constant(undefined),
  umask: optional(fc.constantFrom('022', '077', '0027')),
  description: optional(text),
  limits: optional(fc.constantFrom({ openFiles: 512, core: '0B' }, { stack: '1MiB', addressSpace: '2GiB' })),
  ready: optional(whole(100)),
  retries: optional(whole(100)),
  signal: optional(fc.constantFrom('TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2')),
  timeout: optional(whole(100)),
  tree: optional(fc.boolean()),
  policy: optional(fc.constantFrom('always', 'on-failure', 'never')),
  backoff: optional(fc.constantFrom({ initial: '500ms' }, { factor: 3, max: '10s' })),
  maxSize: optional(whole(1e9)),
  keep: optional(whole(50)),
  autostart: fc.boolean(),
  state: fc.constantFrom('running', 'running', 'manual', 'stopped', 'disabled'),
  priority: optional(whole(999)),
});
type Draft = typeof draft extends fc.Arbitrary<infer T> ? T : never;

/** In the PATH that every service has. */
const INSTALLED = 'true';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Says where its output goes, and stays as it was started. */
const PROGRAM = '#!/bin/sh\necho out\necho err >&2\nkill -STOP $$\n';

/** A service, and what is to become of it. */
interface Case {
  readonly service: Service;
  readonly definition: Definition;
  readonly base: string;
  readonly given: Draft;
  readonly files: readonly (readonly [path: string, text: string, mode: number])[];
  readonly path: string;
  readonly command: readonly string[];
  readonly directory: string;
  /** But what files of variables hold. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdout: string;
  readonly stderr: string;
}

function instanceIn(folder: string, owned = true): Instance {
  return {
    name: 'define',
    supervisor: 'supervisord/define',
    file: 'supervisors/define.yaml',
    config: join(folder, 'supervisord.conf'),
    include: join(folder, 'conf.d'),
    allowInsecureSocket: false,
    owned: owned
      ? {
          socket: { path: join(folder, 'supervisor.sock'), mode: 0o700 },
          log: { path: join(folder, 'supervisord.log'), maxSize: 1_000_000, keep: 2, level: 'info' },
          pidFile: join(folder, 'supervisord.pid'),
          command: 'supervisord',
          user: undefined,
          minfds: 5 * RUN,
          minprocs: 200,
          boot: 'none',
          changes: 'now',
        }
      : undefined,
  };
}

/** `real`: it is to be run, so that its name must be one that a file can have. */
function caseOf(given: Draft, index: number, folder: string, real: boolean): Case {
  const base = join(folder, 'srv', real ? String(index) : 'x');
  const directory = real ? join(base, given.folder) : join('/srv', given.folder);
  const bin = join(base, given.programName.replaceAll(':', '_'), 'bin');
  const program = real && given.program === 'in PATH' ? 'absolute' : given.program;
  const [command, path] = {
    absolute: [join(base, given.programName), join(base, given.programName)],
    relative: [`./${given.programName}`, join(directory, given.programName)],
    'in PATH': [INSTALLED, INSTALLED],
    'in own PATH': [given.programName, real ? join(bin, given.programName) : given.programName],
  }[program] as [string, string];
  const environment = program === 'in own PATH' ? { ...given.environment, PATH: bin } : given.environment;
  const variables = given.variables === undefined ? undefined : join(base, 'variables', given.variables);
  const [stdout, stderr] = [given.stdout, given.sameLog ? given.stdout : given.stderr].map((log) =>
    log === undefined ? undefined : join(folder, 'logs', `${real ? index : 'x'}.${log}`),
  );
  const { user, umask, description, limits, autostart, state } = given;
  const backoff = real ? undefined : given.backoff;
  const seconds = (count: number | undefined) => (count === undefined ? {} : `${count}s`);
  const written = {
    ...without({ user, umask, description, limits }),
    command: [command, ...given.args],
    directory,
    environment,
    ...(variables === undefined ? {} : { environmentFiles: [variables] }),
    start: without({ ready: real ? '0s' : (seconds(given.ready) as string), retries: given.retries }),
    stop: without({ signal: given.signal, timeout: seconds(given.timeout) as string, tree: given.tree }),
    restart: without({ policy: real ? ('never' as const) : given.policy, backoff }),
    logs: without({
      stdout,
      stderr,
      maxSize: real || given.maxSize === undefined ? undefined : `${given.maxSize}B`,
      keep: given.keep,
    }),
    ...(given.instance ? { instances: 2 } : {}),
    ...(given.priority === undefined ? {} : { raw: { supervisord: [['program', 'Priority', given.priority]] } }),
  } as unknown as Service['written'];
  if (typeof written.start?.ready !== 'string') delete (written.start as Record<string, unknown>).ready;
  if (typeof written.stop?.timeout !== 'string') delete (written.stop as Record<string, unknown>).timeout;
  const id = `define${index}`;
  const service = anyService(id, {
    supervisor: 'supervisord/define',
    state: real ? 'running' : state,
    autostart: real || autostart,
    ...(given.instance ? { instance: 2 } : {}),
    written,
  });
  const instance = instanceIn(folder, real || index % 2 === 0);
  const definition = define(service, { instance, owner: 'define', logDir: join(folder, 'logs') });
  if (Array.isArray(definition)) throw new Error(`refused: ${JSON.stringify([definition, written])}`);

  const account = user === undefined || user === 'root' ? self() : undefined;
  const log = (path: string | undefined, otherwise: string) =>
    path === undefined
      ? join(folder, 'logs', otherwise)
      : normalize(given.instance ? path.replace(/(\.[^./]*)?$/, (extension) => `-2${extension}`) : path);
  return {
    service,
    definition: definition as Definition,
    base,
    given,
    files: [
      [join(directory, '.keep'), '', 0o644],
      [path, PROGRAM, 0o755],
      ...(variables === undefined ? [] : [[variables, 'FROM_FILE="1 "\nHOME=/f\n', 0o600] as const]),
    ],
    path,
    command: [command.startsWith('./') ? join(directory, command) : command, ...given.args],
    directory,
    environment: {
      PATH,
      HOME: account?.home ?? '/usr/sbin',
      USER: account?.name ?? 'daemon',
      LOGNAME: account?.name ?? 'daemon',
      SHELL: account?.shell ?? '/usr/sbin/nologin',
      LANG: 'C.UTF-8',
      ...environment,
      ...(given.instance ? { RECONCILED_INSTANCE: '2' } : {}),
      RECONCILED_DEFINITION: `v1:define:${id}:${given.instance ? '2' : ''}:${(definition as Definition).hash}`,
      RECONCILED_SUPERVISOR: 'supervisord/define',
    },
    stdout: log(stdout, `${service.id}.log`),
    stderr: log(stderr, `${service.id}-error.log`),
  };
}

/** Only what somebody wrote. */
function without<T extends object>(written: T): T {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined)) as T;
}

function write(folder: string, cases: readonly Case[]): void {
  const instance = instanceIn(folder);
  rmSync(instance.include, { recursive: true, force: true });
  for (const each of [instance.include, join(folder, 'logs')]) mkdirSync(each, { recursive: true });
  const { path, text } = mainConfig(instance, 'define');
  writeFileSync(path, text);
  writeParts(
    programsFile(instance, 'define'),
    cases.flatMap(({ service, definition }) => (definition.files ?? []).map(({ text }) => [service.id, text] as const)),
  );
}

interface Parsed {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly [option: string]: unknown;
}

interface Answer {
  readonly error?: string;
  readonly programs: Readonly<Record<string, Parsed>>;
  readonly warnings: readonly string[];
  readonly sockets: unknown;
  readonly main: Readonly<Record<string, unknown>>;
}

/** A command taken apart: what the program itself is, and the variables that come from a wrapper. */
function unwrapped(argv: readonly string[]): {
  readonly command: readonly string[];
  readonly set: Record<string, string>;
  readonly wrappers: string;
} {
  const set: Record<string, string> = {};
  const wrappers: string[] = [];
  let rest = argv;
  for (;;) {
    const [first = '', second = ''] = rest;
    if (first === '/bin/sh' && second === '-c' && rest[3] === 'reconciled') {
      if (rest[2]?.includes('reconciled-backoff')) wrappers.push('backoff');
      if (rest[2]?.includes('exec 3<')) wrappers.push('files');
      rest = rest.slice(4);
    } else if (/^\/\S*\/(env|setpriv|prlimit|nice)$/.test(first) && rest.includes('--')) {
      wrappers.push(first.slice(first.lastIndexOf('/') + 1));
      rest = rest.slice(rest.indexOf('--') + 1);
      while (first.endsWith('/env') && rest[0]?.includes('=')) {
        const [assignment = '', ...others] = rest;
        set[assignment.slice(0, assignment.indexOf('='))] = assignment.slice(assignment.indexOf('=') + 1);
        rest = others;
      }
    } else return { command: rest, set, wrappers: wrappers.join(' ') };
  }
}

describeWithSupervisord('a program file that we write', () => {
  let folder: string;

  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-define-')));
    return () => rmSync(folder, { recursive: true, force: true });
  });

  it(
    'says to the real parser what the service says',
    async () => {
      const parser = spawn(python(), [new URL('../rig/supervisord/parse-programs.py', import.meta.url).pathname], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const answers = createInterface(parser.stdout)[Symbol.asyncIterator]();
      try {
        for (let first = 0; first < PARSED; first += BATCH) {
          const drafts = fc.sample(draft, { numRuns: BATCH, seed: SEED + first });
          const cases = drafts.map((given, i) => caseOf(given, first + i, folder, false));
          write(folder, cases);
          parser.stdin.write(`${JSON.stringify(instanceIn(folder).config)}\n`);
          const answer = JSON.parse((await answers.next()).value ?? '') as Answer;
          expect({ seed: SEED, first, error: answer.error, warnings: answer.warnings }).toEqual({
            seed: SEED,
            first,
            error: undefined,
            warnings: [],
          });
          expect(answer.sockets).toEqual([[join(folder, 'supervisor.sock'), 0o700]]);
          expect(Object.keys(answer.programs)).toHaveLength(BATCH);
          for (const each of cases) compare(each, answer.programs[each.service.id]);
        }
      } finally {
        parser.kill();
      }
    },
    PARSED * 20 + 60_000,
  );

  it(
    'gives its process every byte of what was declared',
    async () => {
      // Other users are to get there.
      chmodSync(folder, 0o755);
      const cases = fc.sample(draft, { numRuns: RUN, seed: SEED }).map((given, i) => caseOf(given, i, folder, true));
      for (const [path, content, mode] of cases.flatMap(({ files }) => files)) {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content, { mode });
      }
      write(folder, cases);
      const supervisord = spawn('supervisord', ['--nodaemon', '--configuration', instanceIn(folder).config], {
        env: { PATH },
        stdio: 'ignore',
      });
      const children = () => (supervisord.pid === undefined ? [] : childPidsOf(supervisord.pid));
      try {
        await until(() => children().filter((pid) => statOf(pid)?.state === 'T').length === RUN, 90).catch(() => {});
        const came = new Map(children().map((pid) => [variablesOf(pid)?.('SUPERVISOR_PROCESS_NAME'), pid]));
        for (const each of cases) await compareProcess(each, came.get(each.service.id));
      } finally {
        const left = children();
        supervisord.kill('SIGKILL');
        for (const pid of left) process.kill(pid, 'SIGKILL');
        await until(() => supervisord.signalCode !== null);
      }
    },
    RUN * 300 + 60_000,
  );

  it('reads files of variables at its start as every supervisor does', () => {
    const line = fc.tuple(
      fc.constantFrom(
        '',
        '',
        ' ',
        '\t',
        '\r',
        '\u00a0',
        '\u2028 ',
        '\ufeff',
        'export ',
        'export\u3000\t',
        'export',
        ' export ',
      ),
      fc.oneof(variable, fc.constantFrom('', '1A', 'A B', 'é', 'PATH', 'RECONCILED_DEFINITION', 'export')),
      fc.constantFrom('=', '=', '=', '= ', '==', '', ' ='),
      fc.oneof(
        text,
        text.map((value) => `"${value}"`),
        text.map((value) => ` '${value}'\u3000`),
      ),
      fc.constantFrom('\n', '\n', '\r\n', '\n\n', '\r', ''),
    );
    const file = fc
      .array(
        line.map((items) => items.join('')),
        { maxLength: 8 },
      )
      .map((lines) => lines.join(''));
    const path = join(folder, 'variables');
    for (const content of fc.sample(file, { numRuns: RUN / 2, seed: SEED })) {
      writeFileSync(path, content);
      const [sh = '', ...args] = [...shell([environmentFiles([path])]), '/usr/bin/env', '-0'];
      const { stdout, stderr } = spawnSync(sh, args, { env: {}, encoding: 'utf8' });
      const entries = stdout
        .split('\0')
        .slice(0, -1)
        .map((each) => each.split(/=(.*)/s, 2) as [string, string]);
      const { RECONCILED_DEFINITION, ...expected } = parseFile(readFileSync(path, 'utf8'));
      expect({ seed: SEED, content, stderr, came: Object.fromEntries(entries) }).toEqual({
        seed: SEED,
        content,
        stderr: '',
        came: expected,
      });
    }
  });
});

/** The first line of a status file that begins so, as words. */
function words(status: string, key: string): string[] {
  return new RegExp(`^${key}[:\\s]\\s*(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? [];
}

/** What supervisord adds, and what Python makes of a missing locale. */
const ADDED = /^(SUPERVISOR_(ENABLED|SERVER_URL|PROCESS_NAME|GROUP_NAME)|LC_CTYPE)$/;

async function compareProcess(each: Case, pid: number | undefined): Promise<void> {
  const { service, given, path, directory, stdout, stderr, definition } = each;
  const text = definition.files?.[0]?.text;
  if (pid === undefined) throw new Error(`${service.id} does not run: ${readFileSync(stderr, 'utf8')}\n${text}`);
  const items = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').slice(0, -1);
  const entries = items('environ').map((item) => item.split(/=(.*)/s, 2) as [string, string]);
  const { RECONCILED_SETTINGS, ...environment } = Object.fromEntries(
    entries.filter(([key]) => key in each.environment || !ADDED.test(key)),
  );
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  const { openFiles, core, stack, addressSpace } = (given.limits ?? {}) as Readonly<Record<string, unknown>>;
  const asked = {
    ...(openFiles === undefined ? {} : { 'Max open files': '512' }),
    ...(core === undefined ? {} : { 'Max core file size': '0' }),
    ...(stack === undefined ? {} : { 'Max stack size': String(2 ** 20) }),
    ...(addressSpace === undefined ? {} : { 'Max address space': String(2 ** 31) }),
  };
  const expected = {
    argv: ['/bin/sh', path, ...given.args],
    environment: { ...each.environment, ...(given.variables === undefined ? {} : { FROM_FILE: '1 ', HOME: '/f' }) },
    cwd: directory,
    umask: (given.umask ?? '022').padStart(4, '0').slice(-4),
    uid: given.user === undefined || given.user === 'root' ? String(self().uid) : '1',
    gid: given.user === undefined || given.user === 'root' ? String(self().gid) : given.user === 'daemon' ? '1' : '4',
    limits: asked,
  };
  const came = {
    argv: items('cmdline'),
    environment,
    cwd: readlinkSync(`/proc/${pid}/cwd`),
    umask: words(status, 'Umask')[0],
    uid: words(status, 'Uid')[0],
    gid: words(status, 'Gid')[0],
    limits: Object.fromEntries(Object.keys(asked).map((name) => [name, words(limits, name)[0]])),
  };
  if (!isDeepStrictEqual(came, expected))
    expect({ seed: SEED, text, ...came }).toEqual({ seed: SEED, text, ...expected });
  if (!/^[0-9a-f]{12}$/.test(RECONCILED_SETTINGS ?? '')) expect.fail(`RECONCILED_SETTINGS=${RECONCILED_SETTINGS}`);
  const logged = () => [readFileSync(stdout, 'utf8'), readFileSync(stderr, 'utf8')];
  const lines = stdout === stderr ? ['out\nerr\n', 'out\nerr\n'] : ['out\n', 'err\n'];
  await until(() => isDeepStrictEqual(logged(), lines)).catch(() => expect(logged()).toEqual(lines));
}

function compare(
  { service, given, command, directory, environment, stdout, stderr, definition }: Case,
  parsed: Parsed | undefined,
): void {
  if (parsed === undefined) throw new Error(`no ${service.id}`);
  const { command: came, set, wrappers } = unwrapped(parsed.argv);
  const { RECONCILED_SETTINGS, ...rest } = { ...parsed.environment, ...set };
  const { policy = 'always', user } = given;
  const same = stdout === stderr;
  const backoff = given.backoff !== undefined && policy !== 'never';
  const shell = backoff || given.variables !== undefined;
  const switched = user !== undefined && (user.includes(':') || shell);
  const expected = {
    command,
    environment,
    group: service.id,
    name: service.id,
    directory,
    uid: user === undefined || switched ? null : user === 'root' ? 0 : 1,
    // Left out where it is as supervisord's own.
    umask: parsed.umask === null && (given.umask ?? '022') === '022' ? null : Number.parseInt(given.umask ?? '022', 8),
    priority: given.priority ?? 999,
    autostart: given.autostart && ['running', 'manual'].includes(given.state),
    autorestart: { always: 'RestartUnconditionally', 'on-failure': 'RestartWhenExitUnexpected', never: false }[policy],
    exitcodes: [0],
    startsecs: given.ready ?? 1,
    startretries: given.retries ?? 3,
    stopsignal: { TERM: 15, HUP: 1, INT: 2, QUIT: 3, KILL: 9, USR1: 10, USR2: 12 }[given.signal ?? 'TERM'],
    stopwaitsecs: given.timeout ?? 10,
    stopasgroup: given.tree ?? true,
    killasgroup: given.tree ?? true,
    redirect_stderr: same,
    stdout_logfile: stdout,
    stdout_logfile_maxbytes: given.maxSize ?? 50_000_000,
    stdout_logfile_backups: given.keep ?? 10,
    ...(same
      ? { stderr_logfile: null }
      : {
          stderr_logfile: stderr,
          stderr_logfile_maxbytes: given.maxSize ?? 50_000_000,
          stderr_logfile_backups: given.keep ?? 10,
        }),
  };
  const options = Object.fromEntries(Object.keys(expected).map((key) => [key, parsed[key]]));
  const text = definition.files?.[0]?.text;
  const all = { ...options, command: came, environment: rest };
  // Ten thousand expectations take longer than all the rest.
  if (!isDeepStrictEqual(all, expected))
    expect({ seed: SEED, text, ...all }).toEqual({ seed: SEED, text, ...expected });
  if (!/^[0-9a-f]{12}$/.test(RECONCILED_SETTINGS ?? '')) expect.fail(`RECONCILED_SETTINGS=${RECONCILED_SETTINGS}`);
  const needed = {
    backoff,
    files: given.variables !== undefined,
    prlimit: given.limits !== undefined,
    setpriv: switched,
  };
  for (const [wrapper, there] of Object.entries(needed)) {
    if (wrappers.split(' ').includes(wrapper) !== there) expect.fail(`${wrapper}: ${wrappers}: ${text}`);
  }
}
