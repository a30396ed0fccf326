import type { Service } from '../../model.ts';
import { EVENTS } from './native-groups.ts';
import { SIGNAL } from './values.ts';

/** What a value has to be. */
export interface Form {
  readonly fits: (value: string) => boolean;
  readonly form: string;
}

function form(pattern: RegExp, form: string): Form {
  return { fits: (value) => pattern.test(value), form };
}

const WHOLE = form(/^-?[0-9]{1,9}$/, 'a whole number');
const BOOLEAN = form(/^(yes|true|on|1|no|false|off|0)$/i, '`true` or `false`');
const SIZE = form(/^[0-9]{1,15}([kmg]b)?$/i, 'a number of bytes, or with KB, MB or GB');
const CODE = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
const CODES = form(new RegExp(`^(${CODE}( *, *${CODE})*)?$`), 'numbers from 0 to 255, with commas');
const COUNT = form(/^[1-9][0-9]{0,8}$/, 'a whole number from 1 on');

type RawLine = readonly [section: string, key: string, value: string | number | boolean];

export function rawOf({ raw }: Service['written']): readonly RawLine[] {
  // The schema has checked them; the types made from it don't know such lists.
  return (raw?.supervisord ?? []) as unknown as readonly RawLine[];
}

function saysRaw(written: Service['written'], option: string): boolean {
  return rawOf(written).some(([, key]) => key.toLowerCase() === option);
}

/** The kinds of a section for one program. */
export type SectionKind = 'program' | 'eventlistener' | 'fcgi-program';

/**
 * What of a section the schema has no word for. What can be wrong with a value is looked at as well: one that supervisord
 * does not take fails its whole configuration, and with it what others run there.
 */
export const PASSED: Readonly<Record<SectionKind, Readonly<Record<string, Form>>>> = {
  program: {
    priority: WHOLE,
    exitcodes: CODES,
    stdout_capture_maxbytes: SIZE,
    stdout_events_enabled: BOOLEAN,
    stdout_syslog: BOOLEAN,
    stderr_capture_maxbytes: SIZE,
    stderr_events_enabled: BOOLEAN,
    stderr_syslog: BOOLEAN,
  },
  eventlistener: {
    events: {
      fits: (value) => value.split(',').every((event) => EVENTS.has(event.trim().toUpperCase())),
      form: 'events of supervisord, with commas',
    },
    buffer_size: COUNT,
    result_handler: form(/^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$/, 'a function of Python, `package.module:name`'),
  },
  'fcgi-program': {
    socket: form(/^(unix:\/\/\/([^\s%;#]|%%)+|tcp:\/\/[^\s:%;#]+:[0-9]{1,5})$/, '`unix:///PATH` or `tcp://HOST:PORT`'),
    socket_backlog: form(
      /^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$/,
      'from 1 to 65535',
    ),
    socket_owner: form(/^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$/, 'a user, or user:group'),
    socket_mode: form(/^0?[0-7]{3}$/, 'an octal number such as 0700'),
  },
};

/** What a section of a kind can't do without. */
export const NEEDED: Readonly<Partial<Record<SectionKind, string>>> = {
  eventlistener: 'events',
  'fcgi-program': 'socket',
};

export function isKind(section: string): section is SectionKind {
  return Object.hasOwn(PASSED, section);
}

/** The field that has the word for an option. */
export const SAID_BY: Readonly<Record<string, string>> = {
  command: 'command',
  directory: 'directory',
  user: 'user',
  umask: 'umask',
  environment: 'environment',
  autostart: 'autostart',
  autorestart: 'restart.policy',
  startsecs: 'start.ready',
  startretries: 'start.retries',
  stopsignal: 'stop.signal',
  stopwaitsecs: 'stop.timeout',
  stopasgroup: 'stop.tree',
  killasgroup: 'stop.tree',
  stdout_logfile: 'logs.stdout',
  stderr_logfile: 'logs.stderr',
  redirect_stderr: 'logs.stderr',
  stdout_logfile_maxbytes: 'logs.maxSize',
  stderr_logfile_maxbytes: 'logs.maxSize',
  stdout_logfile_backups: 'logs.keep',
  stderr_logfile_backups: 'logs.keep',
  numprocs: 'instances',
  numprocs_start: 'instances',
};

/** What is never for a program to say, and why. */
export const NAMING: Readonly<Record<string, string>> = {
  process_name: 'a program of ours is named as its service is',
  serverurl: 'its process tells by that which supervisord it is of',
};

const WORDS = ['TERM', 'HUP', 'INT', 'QUIT', 'KILL', 'USR1', 'USR2'];

/** A case of an option that its field has no word for. */
interface Beyond extends Form {
  /** For all other cases. */
  readonly hint: string;
  /** Nothing else that is written says otherwise. */
  readonly where: (written: Service['written']) => boolean;
}

const separateLogs = (written: Service['written']) => {
  const { stdout, stderr } = written.logs ?? {};
  if (stderr === undefined) return true;
  return !stderr.startsWith('/dev/') && (stderr !== stdout || toldOfStderr((key) => saysRaw(written, key)));
};

/**
 * What is told of one output is not of the other: then one is not sent into the other, though both go to one file. Nor is
 * it of an event listener, which speaks to supervisord on one.
 */
export function toldOfStderr(said: (option: string) => boolean): boolean {
  return ['events', 'stderr_syslog', 'stderr_events_enabled', 'stderr_capture_maxbytes'].some(said);
}

/** What fields that say nearly the same can't: other signals, a kill of all after a stop of one, files of other sizes. */
export const BEYOND: Readonly<Record<string, Beyond>> = {
  stopsignal: {
    fits: (value) => SIGNAL.of(value) !== undefined && !WORDS.includes(value.toUpperCase().replace(/^SIG/, '')),
    form: 'another signal than `stop.signal` has a word for',
    hint: 'write `stop.signal`',
    where: (written) => written.stop?.signal === undefined,
  },
  killasgroup: {
    fits: (value) => BOOLEAN.fits(value) && /^(yes|true|on|1)$/i.test(value),
    form: '`true`',
    hint: 'write `stop.tree`',
    where: (written) => written.stop?.tree === false,
  },
  stderr_logfile_maxbytes: { ...SIZE, hint: 'write `logs.maxSize`', where: separateLogs },
  stderr_logfile_backups: {
    ...form(/^[0-9]{1,5}$/, 'a whole number'),
    hint: 'write `logs.keep`',
    where: separateLogs,
  },
};
