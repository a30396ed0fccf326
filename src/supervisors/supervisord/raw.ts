import { closest } from '../../closest.ts';
import type { Service } from '../../model.ts';
import type { Line } from './lines.ts';
import type { Refuse } from './refusals.ts';

interface Kind {
  readonly pattern: RegExp;
  readonly form: string;
}

const WHOLE: Kind = { pattern: /^-?[0-9]{1,9}$/, form: 'a whole number' };
const BOOLEAN: Kind = { pattern: /^(yes|true|on|1|no|false|off|0)$/i, form: '`true` or `false`' };
const SIZE: Kind = { pattern: /^[0-9]{1,15}([kmg]b)?$/i, form: 'a number of bytes, or with KB, MB or GB' };
const CODE = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
const CODES: Kind = { pattern: new RegExp(`^${CODE}( *, *${CODE})*$`), form: 'numbers from 0 to 255, with commas' };

/**
 * What of a program section the schema has no word for. What can be wrong with a value is looked at as well: one that
 * supervisord does not take fails its whole configuration, and with it what others run there.
 */
const PASSED: Readonly<Record<string, Kind>> = {
  priority: WHOLE,
  exitcodes: CODES,
  stdout_capture_maxbytes: SIZE,
  stdout_events_enabled: BOOLEAN,
  stdout_syslog: BOOLEAN,
  stderr_capture_maxbytes: SIZE,
  stderr_events_enabled: BOOLEAN,
  stderr_syslog: BOOLEAN,
};

/** The field that has the word for an option, or why there is none. */
const SAID_BY: Readonly<Record<string, string>> = {
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

const NAMING: Readonly<Record<string, string>> = {
  process_name: 'a program of ours is named as its service is',
  serverurl: 'its process tells by that which supervisord it is of',
};

type RawLine = readonly [section: string, key: string, value: string | number | boolean];

/** Lines of `raw.supervisord` as they stand in the section, in the order they were written. */
export function rawLines(service: Service): Line[] {
  return written(service).map(([, key, value]) => [key.toLowerCase(), String(value)]);
}

function written(service: Service): readonly RawLine[] {
  // The schema has checked them; the types made from it don't know such lists.
  return (service.written.raw?.supervisord ?? []) as unknown as readonly RawLine[];
}

/** Lines that supervisord would ignore or not take, and those that say what a field says. */
export function checkRaw(service: Service, refuse: Refuse): void {
  written(service).forEach(([section, option, value], i) => {
    const no = (summary: string, hint: string) => refuse(`raw.supervisord.${i}`, summary, hint);
    const key = option.toLowerCase();
    const kind = Object.hasOwn(PASSED, key) ? PASSED[key] : undefined;
    const said = Object.hasOwn(SAID_BY, key) ? SAID_BY[key] : undefined;
    const naming = Object.hasOwn(NAMING, key) ? NAMING[key] : undefined;
    if (section !== 'program') {
      no(`lines of [${section}] are not for one program`, 'write [program, option, value]');
    } else if (said !== undefined) {
      no(`${key} is what \`${said}\` says`, `write \`${said}\``);
    } else if (naming !== undefined) {
      no(`${key} is not for a program to say: ${naming}`, 'leave it out');
    } else if (kind === undefined) {
      const near = closest(key, Object.keys(PASSED));
      const hint =
        near === undefined ? `these are passed on: ${Object.keys(PASSED).join(', ')}` : `did you mean ${near}?`;
      no(`supervisord knows no option '${option}', and would ignore it without a word`, hint);
    } else if (!kind.pattern.test(String(value))) {
      no(`${key} can't be '${value}'`, `write ${kind.form}`);
    }
  });
}
