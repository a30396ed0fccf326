import type { Section } from './ini.ts';
import { pairsOf } from './pairs.ts';
import type { Reader, Scope } from './reader.ts';
import { AUTORESTART, BOOLEAN, BYTES, EXIT_CODES, nameIn, OCTAL, SIGNAL, WHOLE } from './values.ts';

/** Where one output of a process goes. */
export interface Log {
  /** A path, `AUTO` for a file that supervisord makes up, or `NONE`. */
  readonly logfile: string;
  readonly logfile_maxbytes: number;
  readonly logfile_backups: number;
  readonly syslog: boolean;
}

/** One of the processes of a program: those options that may differ among them. */
export interface Process {
  readonly name: string;
  readonly command: string;
  readonly directory: string | undefined;
  /** With that of [supervisord]. */
  readonly environment: Readonly<Record<string, string>>;
  readonly stdout: Log;
  readonly stderr: Log;
}

/** Options of a program by supervisord's own names, with its defaults where nothing is said. */
export interface ProgramOptions {
  readonly priority: number;
  readonly autostart: boolean;
  readonly autorestart: boolean | 'unexpected';
  /** Seconds, as all times. */
  readonly startsecs: number;
  readonly startretries: number;
  /** Its number. */
  readonly stopsignal: number;
  readonly stopwaitsecs: number;
  readonly stopasgroup: boolean;
  readonly killasgroup: boolean;
  readonly exitcodes: readonly number[];
  readonly redirect_stderr: boolean;
  readonly numprocs: number;
  readonly numprocs_start: number;
  /** With its variables not in place yet. */
  readonly process_name: string;
  readonly stdout_capture_maxbytes: number;
  readonly stdout_events_enabled: boolean;
  readonly stderr_capture_maxbytes: number;
  readonly stderr_events_enabled: boolean;
  readonly serverurl: string | undefined;
  /** A name or number; whoever supervisord runs as where none is said. */
  readonly user: string | undefined;
  readonly umask: number | undefined;
}

export interface Program {
  /** As in [program:NAME]. */
  readonly name: string;
  readonly section: Section;
  readonly options: ProgramOptions;
  readonly processes: readonly Process[];
}

/** What counts for all programs of a configuration. */
export interface Surroundings {
  readonly here: string;
  readonly hostname: string;
  /** That [supervisord] gives its programs. */
  readonly environment: Readonly<Record<string, string>>;
}

/** More than any supervisord could run: nothing is gained by counting them. */
const MOST = 100_000;

/** supervisor.options: processes_from_section. Undefined where its name alone is refused. */
export function programOf(
  reader: Reader,
  section: Section,
  group: string,
  { here, hostname, environment: common }: Surroundings,
): Program | undefined {
  const name = sectionName(reader, section);
  if (name === undefined) return undefined;
  const scope: Scope = new Map([
    ['here', here],
    ['program_name', name],
    ['host_node_name', hostname],
    ['group_name', group],
  ]);
  const whole = (option: string, fallback: number) => reader.value(section, option, WHOLE, fallback, scope);
  const flag = (option: string, fallback: boolean) => reader.value(section, option, BOOLEAN, fallback, scope);
  const bytes = (option: string, fallback: number) => reader.value(section, option, BYTES, fallback, scope);

  const stopasgroup = flag('stopasgroup', false);
  const serverurl = reader.text(section, 'serverurl', scope);
  const options: ProgramOptions = {
    priority: whole('priority', 999),
    autostart: flag('autostart', true),
    autorestart: reader.value(section, 'autorestart', AUTORESTART, 'unexpected', scope),
    startsecs: whole('startsecs', 1),
    startretries: whole('startretries', 3),
    stopsignal: reader.value(section, 'stopsignal', SIGNAL, 15, scope),
    stopwaitsecs: whole('stopwaitsecs', 10),
    stopasgroup,
    killasgroup: flag('killasgroup', stopasgroup),
    exitcodes: reader.value(section, 'exitcodes', EXIT_CODES, [0], scope),
    redirect_stderr: flag('redirect_stderr', false),
    numprocs: whole('numprocs', 1),
    numprocs_start: whole('numprocs_start', 0),
    process_name: nameIn(reader.raw(section, 'process_name') ?? '%(program_name)s') ?? '',
    stdout_capture_maxbytes: bytes('stdout_capture_maxbytes', 0),
    stdout_events_enabled: flag('stdout_events_enabled', false),
    stderr_capture_maxbytes: bytes('stderr_capture_maxbytes', 0),
    stderr_events_enabled: flag('stderr_events_enabled', false),
    serverurl: serverurl?.trim().toUpperCase() === 'AUTO' ? undefined : serverurl,
    user: reader.user(section, 'user', scope),
    umask: reader.value<number | undefined>(section, 'umask', OCTAL, undefined, scope),
  };
  const { numprocs, numprocs_start: first } = options;
  if (nameIn(reader.raw(section, 'process_name') ?? '') === undefined)
    reader.refuse(section, 'process_name', 'a name takes no blank, no : and no /');
  if (numprocs > 1 && !options.process_name.includes('%(process_num)'))
    reader.refuse(section, 'numprocs', 'of more than one process, %(process_num)s has to be in process_name');
  if (numprocs > MOST) reader.refuse(section, 'numprocs', 'that is more than it can run');
  if (stopasgroup && !options.killasgroup)
    reader.refuse(section, 'killasgroup', 'what is stopped as a group can only be killed as a group (stopasgroup)');

  const processes: Process[] = [];
  for (let number = first; number < first + Math.min(numprocs, MOST); number += 1) {
    // What one process has in its environment, the next may refer to, unless supervisord has one of that name.
    for (const known of scope.keys()) if (reader.variable(known) !== undefined) scope.delete(known);
    scope.set('process_num', number).set('numprocs', numprocs);
    processes.push(processOf(reader, section, options, scope, common));
  }
  return { name, section, options, processes };
}

function processOf(
  reader: Reader,
  section: Section,
  { process_name, redirect_stderr }: ProgramOptions,
  scope: Scope,
  common: Readonly<Record<string, string>>,
): Process {
  if (!reader.has(section, 'command')) reader.refuse(section, undefined, 'it has no command');
  const written = reader.raw(section, 'environment') ?? '';
  const environment = environmentOf(reader, section, reader.expand(section, 'environment', written, scope) ?? '');
  for (const [name, value] of Object.entries(environment)) scope.set(`ENV_${name}`, value);
  const log = (output: 'stdout' | 'stderr'): Log => {
    const [file, syslog] = logfile(reader, section, `${output}_logfile`, scope);
    const value = {
      logfile_maxbytes: reader.value(section, `${output}_logfile_maxbytes`, BYTES, 50 * 2 ** 20, scope),
      logfile_backups: reader.value(section, `${output}_logfile_backups`, WHOLE, 10, scope),
      syslog: reader.value(section, `${output}_syslog`, BOOLEAN, false, scope) || syslog,
    };
    return { logfile: output === 'stderr' && redirect_stderr ? 'NONE' : file, ...value };
  };
  return {
    name: reader.expand(section, 'process_name', process_name, scope) ?? '',
    directory: reader.text(section, 'directory', scope),
    stdout: log('stdout'),
    stderr: log('stderr'),
    command: reader.text(section, 'command', scope) ?? '',
    environment: { ...common, ...environment },
  };
}

export function environmentOf(reader: Reader, section: Section, text: string): Readonly<Record<string, string>> {
  const pairs = pairsOf(text);
  if (pairs === undefined) reader.refuse(section, 'environment', 'it has to be of the form NAME="value",OTHER="value"');
  return pairs ?? {};
}

/** Where an output goes, and whether to syslog by this old way to say so. */
function logfile(
  reader: Reader,
  section: Section,
  name: string,
  scope: Scope,
): readonly [file: string, syslog: boolean] {
  const once = reader.text(section, name, scope);
  if (once === undefined) return ['AUTO', false];
  // By an oversight in supervisord.
  const path = reader.expand(section, name, once, scope);
  if (path === undefined) return ['AUTO', false];
  switch (path.toLowerCase()) {
    case 'none':
    case 'off':
      return ['NONE', false];
    case 'auto':
      return ['AUTO', false];
    case 'syslog':
      return ['NONE', true];
    default:
      return [reader.file(section, name, path), false];
  }
}

/** What stands behind the colon of [program:NAME]. */
export function sectionName(reader: Reader, section: Section): string | undefined {
  const name = nameIn(section.name.slice(section.name.indexOf(':') + 1));
  if (name === undefined) reader.refuse(section, undefined, 'a name takes no blank, no : and no /');
  return name;
}
