import { self } from '../../host/users.ts';
import type { Instance } from '../../instance.ts';
import type { HostFile } from '../../model.ts';
import { expanded } from './escape.ts';
import type { Line } from './lines.ts';
import { DRIFT, readSigned, signed } from './program-text.ts';

/** What the main configuration file of an instance says of itself. */
export interface MainConfigFile {
  readonly owner: string;
  readonly name: string;
  /** Somebody has changed it since it was written. */
  readonly edited: boolean;
}

/** The whole main configuration of an instance of ours; of one that others own we write none, and asking is a defect. */
export function mainConfig(instance: Instance, owner: string): HostFile {
  const { name, config, include, owned } = instance;
  if (owned === undefined) throw new Error(`the configuration of supervisord/${name} is not ours`);
  const { socket, log } = owned;
  const root = owned.user === undefined && self().uid === 0;
  const sections: readonly (readonly [name: string, lines: readonly Line[]])[] = [
    [
      'supervisord',
      [
        ['logfile', expanded(log.path)],
        ['logfile_maxbytes', log.path.startsWith('/dev/') ? '0' : String(log.maxSize)],
        ['logfile_backups', String(log.keep)],
        ['loglevel', log.level],
        ['pidfile', expanded(owned.pidFile)],
        // Else it removes, as it starts, the logs that others of its identifier have made up in the same folder.
        ['nocleanup', 'true'],
        ['minfds', String(owned.minfds)],
        ['minprocs', String(owned.minprocs)],
        // What it runs as is its service's to say; as root it complains where this is not said.
        ...(root ? [['user', 'root'] satisfies Line] : []),
      ],
    ],
    [
      'unix_http_server',
      [
        ['file', expanded(socket.path)],
        ['chmod', `0${socket.mode.toString(8).padStart(3, '0')}`],
        ...(socket.owner === undefined ? [] : [['chown', socket.owner] satisfies Line]),
      ],
    ],
    [
      'rpcinterface:supervisor',
      [['supervisor.rpcinterface_factory', 'supervisor.rpcinterface:make_main_rpcinterface']],
    ],
    ['supervisorctl', [['serverurl', expanded(`unix://${socket.path}`)]]],
    ['include', [['files', expanded(`${pattern(include)}/*.conf`)]]],
  ];
  const text = sections
    .map(([section, lines]) => `[${section}]\n${lines.map(([key, value]) => `${key}=${value}\n`).join('')}\n`)
    .join('');
  const header = `; Written by reconciled for the supervisord ${name} of owner ${owner}.\n; ${DRIFT}\n\n`;
  return {
    path: config,
    text: signed(`${header}${text}`, [
      ['Owner', owner],
      ['Instance', name],
    ]),
  };
}

/** Undefined where it is not ours. */
export function readMainConfig(text: string): MainConfigFile | undefined {
  const read = readSigned(text);
  const [owner, name] = [read?.values.get('Owner'), read?.values.get('Instance')];
  if (read === undefined || !owner || !name) return undefined;
  return { owner, name, edited: read.edited };
}

/** The files of [include] are patterns between blanks: what means something there stands for itself, a blank for any. */
function pattern(path: string): string {
  return path.replace(/[*?[]/g, '[$&]').replace(/\s/g, '?');
}
