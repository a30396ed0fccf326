import fc from 'fast-check';

/** Configurations that supervisord takes, with all that programs can say. */

const pick = (...all: readonly string[]) => fc.constantFrom(...all);
const count = pick('0', '1', '3', '10', '+5', '1_0', '-1', '%(ENV_NUMBER)s', '400');
const flag = pick('true', 'false', 'Yes', 'NO', 'on', 'OFF', '1', '0', '%(ENV_FLAG)s', 'true ; so');
const bytes = pick('0', '1MB', '50mb', '2 GB', '7Kb', '50000000', '%(ENV_NUMBER)sMB');
const file = pick(
  'AUTO',
  'none',
  'syslog',
  '/dev/stdout',
  '/dev/null',
  '/tmp/%(program_name)s.log',
  '/tmp/%(process_num)s-x.log',
  '/tmp/same.log',
  'x.log',
  '%(here)s/a%%%%b',
);
const word = pick(
  'a',
  '-v',
  '"b c"',
  "'d\"e'",
  'x=1',
  '%(process_num)02d',
  '%%',
  'a#b;c',
  '\\"',
  'é🐬',
  '""',
  '-',
  '$HOME',
);
const command = fc
  .tuple(
    pick('/bin/cat', 'sleep', './run', 'a=b', '-x', 'sub/x', '"a b"'),
    fc.array(word, { maxLength: 4 }),
    pick(' ', '\t', '\n  '),
  )
  .map(([program, words, blank]) => [program, ...words].join(blank));
const environment = fc
  .array(
    fc.tuple(
      pick('A', 'B_1', 'C.D', 'PATH', 'é', 'HOME', 'MY_SECRET', 'A%(process_num)d', 'LANG', 'PWD', '_', 'E-F'),
      pick(
        '1',
        '"a,b"',
        "'c d'",
        '"it\'s"',
        '/x:y',
        '%(ENV_PATH)s:/z',
        '"%%"',
        '\'say "q"\'',
        '""',
        '%(here)s',
        '-+()',
        '"\n  x"',
      ),
    ),
    { maxLength: 4 },
  )
  .map((pairs) => pairs.map(([name, value]) => `${name}=${name === 'MY_SECRET' ? '"hush, hush"' : value}`).join(','));

const OPTIONS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  priority: count,
  autostart: flag,
  autorestart: fc.oneof(flag, pick('unexpected')),
  startsecs: count,
  startretries: count,
  exitcodes: pick('0', '0,2', '0, 255', '', '1'),
  stopsignal: pick('TERM', 'sigint', 'SIGHUP', '9', 'RTMIN', 'CLD', 'WINCH', ' usr1'),
  stopwaitsecs: count,
  killasgroup: pick('true', 'on'),
  user: pick('root', '0', 'nobody', 'daemon', '+0'),
  stdout_logfile: file,
  stderr_logfile: file,
  stdout_logfile_maxbytes: bytes,
  stderr_logfile_maxbytes: bytes,
  stdout_logfile_backups: count,
  stderr_logfile_backups: count,
  stdout_capture_maxbytes: bytes,
  stderr_capture_maxbytes: bytes,
  stdout_events_enabled: flag,
  stderr_events_enabled: flag,
  stdout_syslog: flag,
  stderr_syslog: flag,
  environment,
  directory: pick('/srv', '/tmp/', '%(here)s', 'rel/x', '/a/../b', '/srv/50%%', '/é x'),
  umask: pick('022', '0o27', '77', '7', '0777'),
  process_name: pick(
    '%(program_name)s',
    'n-%(program_name)s',
    '%(program_name)s;y',
    '%(program_name)s_%(process_num)02d',
  ),
  rlimit_as: pick('2GB'),
};
const options = fc.record(OPTIONS, { requiredKeys: [] }).map((all) => Object.entries(all as Record<string, string>));

const section = (header: string, needed: Readonly<Record<string, fc.Arbitrary<string>>>, but: readonly string[] = []) =>
  fc.tuple(fc.record(needed), options).map(([own, others]) => {
    const lines = [...Object.entries(own), ...others.filter(([key]) => !(key in own) && !but.includes(key))];
    return [`[${header}]`, ...lines.map(([key, value]) => `${key}=${value}`)].join('\n');
  });

const many = {
  command,
  numprocs: pick('2', '3'),
  numprocs_start: pick('0', '1', '9'),
  process_name: pick('%(program_name)s_%(process_num)02d', '%(process_num)d'),
};
const redirect = { command, redirect_stderr: flag };
const all = { command, stopasgroup: pick('true', '1'), stopsignal: pick('INT') };

/** Processes that differ in nothing but their names: others can't be instances of one service. */
const alike = <T extends string>(texts: fc.Arbitrary<T>) => texts.filter((text) => !text.includes('process_num'));
const ownFile = pick('AUTO', 'none', '/dev/null');
const pool = {
  ...many,
  command: alike(command),
  environment: alike(environment),
  stdout_logfile: ownFile,
  stderr_logfile: ownFile,
};

/** The text of a main file. */
export const wellConfig = fc
  .record({
    server: pick('', 'umask=077', 'directory=/tmp', 'environment=ALL="1",A="0",DB_PASSWORD="hunter222"', 'user=root'),
    defaults: pick('', '[DEFAULT]\numask=027', '[DEFAULT]\nstderr_logfile_backups=4\nstartsecs=9'),
    programs: fc.tuple(
      section('program:a', redirect),
      section('program:B', many),
      section('program:c', all, ['killasgroup']),
      section('program:a_00', { command }),
    ),
    listener: section('eventlistener:e', {
      command,
      events: pick('TICK_5', 'TICK_60, event'),
      buffer_size: pick('1', '10'),
    }),
    fcgi: section('fcgi-program:f', {
      command,
      socket: pick('unix:///tmp/%(program_name)s.sock', 'tcp://localhost:9000'),
      socket_backlog: pick('1', '65535'),
    }),
    pools: fc.tuple(
      section('eventlistener:pool', { ...pool, events: pick('TICK_5', 'EVENT') }),
      section('fcgi-program:cgi.pool', { ...pool, socket: pick('unix:///tmp/p.sock', 'tcp://localhost:9001') }),
    ),
    group: pick('', '[group:g]\nprograms=a,c', '[group:g]\nprograms = B , a\npriority=5', '[group:h]\nprograms=a_00,f'),
  })
  .map(({ server, defaults, programs, listener, fcgi, pools, group }) =>
    [defaults, '[supervisord]', server, ...programs, listener, fcgi, ...pools, group].join('\n'),
  );
