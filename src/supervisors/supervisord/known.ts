/** The options that supervisord 4 looks at, by section. What else a section says is ignored without a word. */

const PROGRAM =
  words(`command process_name numprocs numprocs_start priority autostart autorestart startsecs startretries
  exitcodes stopsignal stopwaitsecs stopasgroup killasgroup user redirect_stderr environment directory umask serverurl
  stdout_logfile stdout_logfile_maxbytes stdout_logfile_backups stdout_capture_maxbytes stdout_events_enabled stdout_syslog
  stderr_logfile stderr_logfile_maxbytes stderr_logfile_backups stderr_capture_maxbytes stderr_events_enabled stderr_syslog`);

const SERVER = words(`logfile logfile_maxbytes logfile_backups loglevel pidfile umask nodaemon silent minfds minprocs
  nocleanup childlogdir user directory strip_ansi environment identifier`);

/** By what a section's name begins with; all that ends in a colon has a name of its own behind it. */
const SECTIONS: readonly (readonly [name: string, options: readonly string[] | 'any'])[] = [
  ['program:', PROGRAM],
  ['eventlistener:', [...PROGRAM, 'buffer_size', 'events', 'result_handler']],
  ['fcgi-program:', [...PROGRAM, 'socket', 'socket_backlog', 'socket_owner', 'socket_mode']],
  ['group:', ['programs', 'priority']],
  ['supervisord', SERVER],
  // supervisord takes whatever begins with these for another listener.
  ['unix_http_server', ['file', 'chmod', 'chown', 'username', 'password']],
  ['inet_http_server', ['port', 'username', 'password']],
  ['include', ['files']],
  // For supervisorctl.
  ['supervisorctl', ['serverurl', 'username', 'password', 'prompt', 'history_file']],
  // What they are given is their own affair.
  ['rpcinterface:', 'any'],
  ['ctlplugin:', 'any'],
];

const OPEN_ENDED = ['unix_http_server', 'inet_http_server'];

function words(text: string): readonly string[] {
  return text.split(/\s+/);
}

/** What is looked at in a section; undefined where nobody looks at the section at all. */
export function knownOptions(section: string): readonly string[] | 'any' | undefined {
  const fits = (name: string) =>
    name.endsWith(':') || OPEN_ENDED.includes(name) ? section.startsWith(name) : section === name;
  return SECTIONS.find(([name]) => fits(name))?.[1];
}

/** The first part of all sections that there are. */
export const SECTION_NAMES: readonly string[] = SECTIONS.map(([name]) => name.replace(':', ''));
