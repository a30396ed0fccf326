import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import type { Section } from './ini.ts';
import { environmentOf } from './programs.ts';
import type { Reader, Scope } from './reader.ts';
import { BOOLEAN, BYTES, LOG_LEVEL, OCTAL, WHOLE } from './values.ts';

/** Options of [supervisord] by its own names, with its defaults where nothing is said. Paths are absolute. */
export interface ServerOptions {
  readonly minfds: number;
  readonly minprocs: number;
  readonly directory: string | undefined;
  readonly user: string | undefined;
  readonly umask: number;
  /** A path, or `syslog`. */
  readonly logfile: string;
  readonly logfile_maxbytes: number;
  readonly logfile_backups: number;
  readonly loglevel: string;
  readonly pidfile: string;
  readonly identifier: string;
  readonly nodaemon: boolean;
  readonly silent: boolean;
  readonly childlogdir: string;
  readonly nocleanup: boolean;
  readonly strip_ansi: boolean;
  /** What all programs get. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads [supervisord]; what programs may refer to is extended by its environment. */
export function serverOptionsOf(reader: Reader, here: string, hostname: string, cwd: string): ServerOptions {
  const section: Section = reader.ini.sections.get('supervisord') ?? NOTHING;
  const scope: Scope = new Map([['here', here]]);
  const whole = (name: string, fallback: number) => reader.value(section, name, WHOLE, fallback, scope);
  const flag = (name: string) => reader.value(section, name, BOOLEAN, false, scope);
  const folder = (name: string) => {
    const path = reader.text(section, name, scope);
    return path === undefined ? undefined : reader.folder(section, name, path);
  };
  const file = (name: string, fallback: string) =>
    reader.file(section, name, reader.text(section, name, scope) ?? fallback);

  const logfile = file('logfile', 'supervisord.log');
  const options = {
    minfds: whole('minfds', 1024),
    minprocs: whole('minprocs', 200),
    directory: folder('directory'),
    user: reader.user(section, 'user', scope),
    umask: reader.value(section, 'umask', OCTAL, 0o022, scope),
    logfile: logfile === 'syslog' ? logfile : resolve(cwd, logfile),
    logfile_maxbytes: reader.value(section, 'logfile_maxbytes', BYTES, 50 * 2 ** 20, scope),
    logfile_backups: whole('logfile_backups', 10),
    loglevel: reader.value(section, 'loglevel', LOG_LEVEL, 'info', scope),
    pidfile: resolve(cwd, file('pidfile', 'supervisord.pid')),
    identifier: reader.text(section, 'identifier', scope) ?? 'supervisor',
    nodaemon: flag('nodaemon'),
    silent: flag('silent'),
    childlogdir: folder('childlogdir') ?? tmpdir(),
    nocleanup: flag('nocleanup'),
    strip_ansi: flag('strip_ansi'),
  };
  // By an oversight in supervisord it is expanded twice.
  const once = reader.text(section, 'environment', scope) ?? '';
  const twice = reader.expand(section, 'environment', once, new Map([...scope, ['host_node_name', hostname]]));
  const environment = environmentOf(reader, section, twice ?? '');
  // Only from here on.
  reader.give(environment);
  return { ...options, environment };
}

/** What stands for a [supervisord] that is not there. */
const NOTHING: Section = { name: 'supervisord', source: { path: '', lines: [] }, line: 0, options: new Map() };
