import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { accountOf } from '../../src/supervisors/supervisord/account.ts';
import { readConfig, type SupervisordConfig } from '../../src/supervisors/supervisord/config-file.ts';
import type { Process, Program } from '../../src/supervisors/supervisord/programs.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { CONFIGS, layOut } from '../unit/supervisors/supervisord/lay-out.ts';

const RUNS = process.env.RECONCILED_LONG === '1' ? 20_000 : 2000;
const SEED = Number(process.env.RECONCILED_SEED ?? Date.now() % 2 ** 31);

const ENVIRONMENT = {
  HOME: '/root',
  PATH: '/usr/bin',
  NUMBER: '7',
  FLAG: 'yes',
  EMPTY: '',
  'A B': 'c',
  PERCENT: '%(here)s',
};

// ---- Files that nobody should write ---------------------------------------------------------------------------

const pick = (...all: readonly string[]) => fc.constantFrom(...all);

const spaces = pick('', ' ', ' ', '\t', '  ', '\u00a0', '\x1c', '\x85', '\u2003', '\x0b', '\ufeff');

const fragment = fc.oneof(
  { weight: 6, arbitrary: pick('a', 'b/c', 'x', '-v', '1', '42', 'true', 'sh', '/tmp', '.') },
  {
    weight: 4,
    arbitrary: pick(
      ';',
      ' ;',
      ' ; x',
      '#',
      ' #',
      '\t#',
      '"',
      "'",
      '=',
      ' = ',
      ':',
      ',',
      ', ',
      '[',
      ']',
      '\\',
      '$',
      '&',
      '<',
    ),
  },
  {
    weight: 3,
    arbitrary: pick(
      '%(here)s',
      '%(program_name)s',
      '%(process_num)02d',
      '%(process_num)c',
      '%(ENV_HOME)s',
      '%(ENV_PERCENT)s',
    ),
  },
  {
    weight: 1,
    arbitrary: pick('%(group_name)s', '%(host_node_name)s', '%(numprocs)d', '%(ENV_A B)s', '%%', '%%(here)s'),
  },
  {
    weight: 1,
    arbitrary: pick('%', '%s', '%d', '%(none)s', '%(here', '%(here)d', '%5.2s', '%(here).0s', '%(here)-9s', '%r'),
  },
  {
    weight: 1,
    arbitrary: pick('é', '🐬', '\u2028', '\u00a0', '\x85', '\x1f', '\x0c', '\ufeff', 'ß', 'İ', '\x01', '\ue000'),
  },
  { weight: 2, arbitrary: spaces },
);
const anything = fc.array(fragment, { maxLength: 6 }).map((all) => all.join(''));

const count = pick('0', '1', '3', '10', '+5', ' 7', '1_0', '-1', '%(ENV_NUMBER)s', '0x1', '1.5', '', 'x', '9 9');
const flag = pick(
  'true',
  'false',
  'Yes',
  'NO',
  'on',
  'OFF',
  '1',
  '0',
  '%(ENV_FLAG)s',
  'y',
  '',
  'unexpected',
  'true ; so',
);
const bytes = pick('0', '1MB', '50mb', '2 GB', '7Kb', '1_000kb', '1G', '1.5MB', '%(ENV_NUMBER)sMB', 'b', 'MB', '');
const environment = fc.oneof(
  fc
    .array(
      fc.tuple(
        pick('A', 'B_1', 'C.D', 'PATH', '"Q"', 'é', 'A%(process_num)d', '%(program_name)s'),
        pick(
          '1',
          '"a,b"',
          "'c d'",
          '"it\'s"',
          '/x:y',
          '%(ENV_PATH)s:/z',
          '"%%"',
          'a b',
          'a;b',
          'a#b',
          '"',
          '""',
          '%(here)s',
          '-+()',
        ),
      ),
      { maxLength: 3 },
    )
    .chain((pairs) =>
      pick(',', ', ', ',\n  ', ' ', ';', '\n # x\n ,').map((comma) => pairs.map((p) => p.join('=')).join(comma)),
    ),
  anything,
);
const file = pick(
  'AUTO',
  'none',
  'NONE',
  'off',
  'syslog',
  '/dev/stdout',
  '/dev/fd/1',
  '/tmp/%(program_name)s.log',
  'x.log',
  '~/y',
);
const files = fc.oneof(
  file,
  pick('/nowhere/x', '%(here)s/a%%b', '%(here)s/a%%%%b', '%(ENV_HOME)s/x', '/tmp/%(ENV_PERCENT)s', ''),
);

/** Options that supervisord knows, with values that are mostly well. */
const KNOWN: Readonly<Record<string, fc.Arbitrary<string>>> = {
  command: fc.oneof(pick('/bin/cat', 'sleep %(process_num)d', 'sh -c "a;b ; c"'), anything),
  process_name: pick(
    '%(program_name)s',
    '%(program_name)s_%(process_num)02d',
    '%(process_num)s',
    'a b',
    'a/b',
    'n',
    '%(ENV_A)s',
  ),
  numprocs: pick('1', '2', '3', '0', '-1', 'x'),
  numprocs_start: count,
  priority: count,
  autostart: flag,
  autorestart: flag,
  startsecs: count,
  startretries: count,
  exitcodes: pick('0', '0,2', '0, 255', '', '256', '-1', '0,', 'a', '1_0'),
  stopsignal: pick('TERM', 'sigint', 'SIGHUP', '9', '15', 'RTMIN', 'CLD', '0', '32', 'NOPE', '', ' usr1'),
  stopwaitsecs: count,
  stopasgroup: flag,
  killasgroup: flag,
  user: pick('root', '0', 'nobody', 'no-such-user', '99999', '', '+0'),
  redirect_stderr: flag,
  stdout_logfile: files,
  stderr_logfile: files,
  stdout_logfile_maxbytes: bytes,
  stderr_logfile_maxbytes: bytes,
  stdout_logfile_backups: count,
  stdout_capture_maxbytes: bytes,
  stdout_events_enabled: flag,
  stdout_syslog: flag,
  environment,
  directory: fc.oneof(files, anything),
  umask: pick('022', '0o22', '77', '8', '-1', 'x', '0O7_7', ''),
  serverurl: pick('AUTO', 'auto ', 'unix:///x', 'http://%(host_node_name)s:1'),
  programs: pick('a', 'a,b', 'b, a', 'b', 'f', 'a,,b', '', 'none', 'c '),
  events: pick('TICK_5', 'TICK_5,PROCESS_STATE', 'tick_60 , event', '', 'NOPE', 'TICK_5,'),
  buffer_size: count,
  socket: pick(
    'unix:///tmp/%(program_name)s.sock',
    'tcp://localhost:9000',
    'tcp://x:99999',
    'unix://rel',
    'http://x',
    '',
  ),
  socket_owner: pick('root', 'root:root', 'root:no-such-group', 'no-such-user'),
  socket_mode: pick('0700', 'x'),
  socket_backlog: count,
  file: pick('/tmp/s.sock', '%(here)s/s.sock', '~/s', 'rel/../s', '/tmp/./x//y', '%(program_name)s', ''),
  port: pick('9001', '*:9001', '127.0.0.1:9001', 'LOCALHOST:1', '[::1]:9', ':80', 'x', '70000', 'a:b', '1:', ''),
  username: pick('u', 'x %(ENV_HOME)s'),
  password: pick('p', '{SHA}82ab', '%', 'a ;b'),
  chmod: pick('0700', '0777', '770', '8'),
  chown: pick('root', 'root:root', 'nobody:nope', '0:0'),
  logfile: files,
  logfile_maxbytes: bytes,
  loglevel: pick('info', 'DEBUG', 'warn', 'warning', ''),
  pidfile: files,
  minfds: count,
  nodaemon: flag,
  childlogdir: pick('/tmp', '%(here)s', '/nowhere', '~', 'rel'),
  identifier: anything,
  files: pick(
    '*.conf',
    'conf.d/*.conf',
    'conf.d/[ab].conf x.conf',
    '%(here)s/conf.d/?.conf',
    'none/*',
    'conf.d',
    '%(ENV_X)s',
    '',
  ),
  'supervisor.rpcinterface_factory': pick('supervisor.rpcinterface:make_main_rpcinterface'),
  rlimit_as: pick('2GB'),
};

const USUAL: readonly (readonly [section: string, names: readonly string[]])[] = [
  ['program:a', ['command', 'priority', 'environment', 'stdout_logfile', 'stopsignal', 'numprocs', 'process_name']],
  ['program:b', ['command', 'autorestart', 'directory', 'exitcodes', 'stdout_logfile_maxbytes', 'redirect_stderr']],
  ['program:c ', ['command', 'user', 'umask', 'serverurl', 'stopasgroup', 'killasgroup', 'stderr_logfile']],
  ['group:g', ['programs', 'priority']],
  ['group:a', ['programs']],
  ['eventlistener:e', ['command', 'events', 'buffer_size']],
  ['fcgi-program:f', ['command', 'socket', 'socket_owner', 'socket_mode', 'socket_backlog', 'user']],
  ['supervisord', ['logfile', 'pidfile', 'environment', 'loglevel', 'minfds', 'childlogdir', 'umask', 'identifier']],
  ['unix_http_server', ['file', 'chmod', 'chown', 'username', 'password']],
  ['inet_http_server:x', ['port', 'username', 'password']],
  ['rpcinterface:supervisor', ['supervisor.rpcinterface_factory']],
  ['DEFAULT', ['directory', 'priority', 'umask', 'environment', 'startsecs', 'command']],
  ['include', ['files']],
  ['other:x', ['command']],
];

/** What a section cannot do without. */
const NEEDED: Readonly<Record<string, string>> = {
  'program:': 'command=/bin/cat',
  'eventlistener:': 'command=/bin/cat\nevents=TICK_5',
  'fcgi-program:': 'command=/bin/cat\nsocket=tcp://localhost:9000',
  unix_: 'file=/tmp/x.sock',
  inet_: 'port=9001',
  'rpcinterface:': 'supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface',
  include: 'files=conf.d/*.conf',
};

const name = (all: readonly string[]) =>
  fc.oneof({ weight: 8, arbitrary: pick(...all) }, { weight: 1, arbitrary: pick(...Object.keys(KNOWN)) });

const option = (names: readonly string[]) =>
  name(names).chain((key) =>
    fc
      .tuple(
        spaces.filter((space) => space.trim() === '' && space !== '\ufeff').map((space) => space.repeat(0)),
        fc.boolean().map((upper) => (upper ? key.toUpperCase() : key)),
        pick('=', '=', ' = ', ':', ' :\t', '=\u00a0'),
        fc.oneof({ weight: 5, arbitrary: KNOWN[key] ?? anything }, { weight: 1, arbitrary: anything }),
        fc.oneof({ weight: 8, arbitrary: fc.constant('') }, pick(' ; remark', ' # remark', '\t;', ';', '  ', '#')),
        fc.oneof(
          { weight: 8, arbitrary: fc.constant('') },
          fc.tuple(pick('\n\n ', '\n\t', '\n  ; x\n ', '\n#x\n  ', '\n \n\n  '), anything).map((all) => all.join('')),
        ),
      )
      .map((all) => all.join('')),
  );

const noise = fc.oneof(
  { weight: 6, arbitrary: pick('', '; remark', '# remark', '  ; indented', '\t', '#', '\u00a0# x') },
  { weight: 1, arbitrary: pick('key without value', '=', '= x', ': x', '[', '[]', '[]]', ']', ' indented = 1') },
  { weight: 1, arbitrary: anything.filter((text) => !text.includes('\n')) },
);

const section = fc.constantFrom(...USUAL).chain(([header, names]) =>
  fc
    .tuple(
      pick(
        `[${header}]`,
        `[${header}]`,
        `[${header}]`,
        `[${header}] trailing`,
        `  [${header}]`,
        `[${header}] ; x`,
        `[${header}]x]`,
      ),
      fc.boolean(),
      fc.array(fc.oneof({ weight: 5, arbitrary: option(names) }, { weight: 1, arbitrary: noise }), { maxLength: 5 }),
    )
    .map(([head, whole, lines]) => {
      const needed = whole ? Object.entries(NEEDED).find(([start]) => header.startsWith(start))?.[1] : undefined;
      return [head, ...(needed === undefined ? [] : [needed]), ...lines].join('\n');
    }),
);

const text = (before: readonly string[]) =>
  fc
    .tuple(
      fc.oneof({ weight: 30, arbitrary: fc.constant('') }, pick('\ufeff', '; x\n', '\n\n', 'x=1\n', '\ufeff\n')),
      fc.array(section, { maxLength: 5 }),
      pick('\n', '\n', '\n', '\r\n', '\r', '\n\r'),
      pick('', '\n', '\n\n', ' '),
    )
    .map(([start, sections, end, last]) => (start + [...before, ...sections].join('\n') + last).replaceAll('\n', end));

const world = fc.record({
  main: fc
    .tuple(fc.integer({ min: 0, max: 9 }), text(['[supervisord]']), text([]))
    .map(([i, well, any]) => (i === 0 ? any : well)),
  included: fc.dictionary(pick('a.conf', 'b.conf', 'c.conf', '.d.conf', 'B.conf', 'é.conf', 'x.txt'), text([]), {
    maxKeys: 3,
  }),
});

// ---- Both readings, in one form -------------------------------------------------------------------------------

type Sorted = Readonly<Record<string, unknown>>;

function processOf({ options }: Program, { stdout, stderr, ...process }: Process): Sorted {
  const { user, process_name, numprocs, numprocs_start, ...same } = options;
  const log = (output: string, { logfile, logfile_maxbytes, logfile_backups, syslog }: Process['stdout']) => ({
    [`${output}_logfile`]: logfile,
    [`${output}_logfile_maxbytes`]: logfile_maxbytes,
    [`${output}_logfile_backups`]: logfile_backups,
    [`${output}_syslog`]: syslog,
  });
  const uid = user === undefined ? undefined : accountOf(String(Number.isNaN(Number(user)) ? user : Number(user)))?.uid;
  return { ...same, ...process, ...log('stdout', stdout), ...log('stderr', stderr), uid };
}

const LEVELS: Readonly<Record<string, number>> = {
  critical: 50,
  error: 40,
  warn: 30,
  info: 20,
  debug: 10,
  trace: 5,
  blather: 3,
};

function readByUs(config: SupervisordConfig): unknown {
  if (config.problems.length > 0) return { refused: config.problems.map(({ summary }) => summary) };
  const valuesOf = (options: SupervisordConfig['defaults']) =>
    Object.fromEntries([...options.values()].map(({ name, value }) => [name, value]));
  const { loglevel, ...server } = config.server;
  return {
    sections: Object.fromEntries([...config.sections.values()].map(({ name, options }) => [name, valuesOf(options)])),
    defaults: valuesOf(config.defaults),
    server: { ...server, loglevel: LEVELS[loglevel] },
    groups: config.groups.map(({ kind, name, priority, programs }) => ({
      kind: kind === 'program' ? 'group' : kind,
      name,
      priority,
      processes: programs.flatMap((program) => program.processes.map((process) => processOf(program, process))),
    })),
    listeners: config.listeners.map((listener) => {
      const { section, username, password } = listener;
      const login = { section: section.name, username, password };
      if (listener.kind === 'tcp') return { ...login, host: listener.host, port: listener.port };
      return { ...login, path: listener.path, mode: listener.mode };
    }),
  };
}

/** Processes of one program have an order of their own in supervisord; what is not there is null. */
function canonical(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => {
      if (key === 'processes') return (inner as Sorted[]).map((one) => canonical(one)).sort(byText);
      if (inner === null || inner === undefined || typeof inner !== 'object' || Array.isArray(inner))
        return inner ?? null;
      return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
    }),
  );
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

class Parser {
  readonly #child: ChildProcessWithoutNullStreams = spawn('/usr/bin/python3', [
    new URL('supervisord-read.py', import.meta.url).pathname,
  ]);
  readonly #lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  #errors = '';

  constructor() {
    this.#child.stderr.on('data', (data: Buffer) => {
      this.#errors += data;
    });
  }

  async read(path: string): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify({ path, environment: ENVIRONMENT })}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`the parser ended: ${this.#errors}`);
    return JSON.parse(value);
  }

  stop(): void {
    this.#child.kill();
  }
}

describeWithSupervisord('a configuration', () => {
  let folder: string;
  let parser: Parser;
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'reconciled-read-')));
    parser = new Parser();
  });
  afterAll(() => {
    parser.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const both = async (path: string) => ({
    ours: canonical(
      readByUs(readConfig(path, { environment: (name) => (ENVIRONMENT as Readonly<Record<string, string>>)[name] })),
    ) as Sorted,
    theirs: (await parser.read(path).then(canonical)) as Sorted,
  });
  const compare = async (path: string): Promise<'read' | 'refused'> => {
    const { ours, theirs } = await both(path);
    if ('refused' in ours || 'refused' in theirs) {
      expect({ refused: 'refused' in ours, ours, theirs }).toMatchObject({ refused: 'refused' in theirs });
      return 'refused';
    }
    expect(ours).toEqual(theirs);
    return 'read';
  };

  it.each(readdirSync(CONFIGS).sort())('is read as supervisord reads it: %s', async (name) => {
    const path = layOut(join(folder, 'hand', name), readFileSync(join(CONFIGS, name), 'utf8'));
    expect(await compare(path)).toBe(name.startsWith('refused-') ? 'refused' : 'read');
  });

  it(`is read as supervisord reads it, whatever it holds (seed ${SEED})`, async () => {
    const seen = { read: 0, refused: 0 };
    const conf = join(folder, 'conf.d');
    await fc.assert(
      fc.asyncProperty(world, async ({ main, included }) => {
        rmSync(conf, { recursive: true, force: true });
        mkdirSync(conf);
        writeFileSync(join(folder, 'supervisord.conf'), main);
        for (const [name, content] of Object.entries(included)) writeFileSync(join(conf, name), content);
        seen[await compare(join(folder, 'supervisord.conf'))] += 1;
      }),
      { seed: SEED, numRuns: RUNS },
    );
    process.stdout.write(`  ${seen.read} read alike, ${seen.refused} refused alike\n`);
    expect(seen.read).toBeGreaterThan(RUNS / 20);
  }, 900_000);
});
