import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Json } from '../canonical.ts';
import { accountOf } from '../supervisors/supervisord/account.ts';
import type { Section } from '../supervisors/supervisord/ini.ts';
import type { Listener } from '../supervisors/supervisord/listeners.ts';
import { formatSize } from '../units.ts';
import type { FoundSupervisor, Loss } from './found.ts';
import { lossOf, unheardIn } from './programs-losses.ts';
import type { WellRead } from './programs-read.ts';
import { plainUser } from './programs-service.ts';

/** What its file says of a supervisord of ours that takes the place of one, and what it does not say. */
export function supervisorOf(
  { config, inherited }: Pick<WellRead, 'config' | 'inherited'>,
  name: string,
): FoundSupervisor {
  const { server } = config;
  const section = config.sections.get('supervisord');
  const has = (option: string) => section?.options.has(option) ?? config.defaults.has(option);
  const carried = new Set(['environment', 'directory', 'umask', 'nodaemon']);
  const take = <T extends Json>(option: string, field: string, value: T | undefined): Readonly<Record<string, T>> => {
    if (!has(option)) return {};
    if (value === undefined) return {};
    carried.add(option);
    return { [field]: value };
  };
  const within = (value: number, least: number, most: number) => (value >= least && value <= most ? value : undefined);
  const user = server.user === undefined ? undefined : plainUser(server.user);
  const isRoot = user !== undefined && accountOf(user)?.uid === 0;
  if (isRoot) carried.add('user');
  const log = {
    ...take('logfile', 'path', server.logfile === '/dev/null' ? server.logfile : undefined),
    ...take('logfile_maxbytes', 'maxSize', formatSize(Math.max(0, server.logfile_maxbytes))),
    ...take('logfile_backups', 'keep', within(server.logfile_backups, 0, 10_000)),
    ...take('loglevel', 'level', server.loglevel),
  };
  const listener = config.listeners.find((each) => each.kind === 'unix');
  const socket = socketOf(listener);
  const supervisor: Readonly<Record<string, Json>> = {
    config: join(folder(), `supervisord-${name}.conf`),
    // Where there is no systemd that would start it at boot, a daemon of ours runs it.
    ...(existsSync('/run/systemd/system') ? {} : { boot: 'none' }),
    ...(Object.keys(socket).length === 0 ? {} : { socket }),
    ...(Object.keys(log).length === 0 ? {} : { log }),
    ...take('user', 'user', isRoot || user === undefined || !USER.test(user) ? undefined : user),
    ...take('minfds', 'minfds', within(server.minfds, 16, 1_048_576)),
    ...take('minprocs', 'minprocs', within(server.minprocs, 1, 4_194_304)),
  };
  const losses: Loss[] = [
    ...(section === undefined
      ? []
      : [...section.options.values()].flatMap((option): Loss[] => {
          const why = WHY[option.name];
          return carried.has(option.name) || why === undefined ? [] : [lossOf(option, why)];
        })),
    ...[...config.sections.values()].flatMap((each) => ofOthers(each, listener)),
    ...(inherited.length === 0 ? [] : [notInherited(inherited)]),
    ...[...unheardIn(config)].flatMap(([each, of]) => (/^(program|eventlistener|fcgi-program):/.test(each) ? [] : of)),
  ];
  const comments = new Map([
    ['', `A supervisord of ours for the programs of ${config.path}, which goes on as it is for all that stay there.`],
  ]);
  return { path: config.path, name, supervisor, comments, losses };
}

const USER = /^([a-z_][a-z0-9_.-]*\$?|[0-9]+)$/;

/** Why what is said to supervisord itself is not. */
const WHY: Readonly<Record<string, string>> = {
  logfile: 'the one that is there writes it, and ours has a log of its own',
  pidfile: 'the one that is there writes it, and ours has one of its own',
  logfile_maxbytes: 'it is no size that a log can have',
  logfile_backups: 'it is no number of files that can be kept',
  loglevel: 'it is no level',
  user: 'it has no name that can be written',
  minfds: 'it is out of range',
  minprocs: 'it is out of range',
  childlogdir: 'no log of ours is one that supervisord makes up: they are in the log folder',
  nocleanup: 'no log of ours is one that supervisord makes up and removes',
  identifier: 'it names supervisord in its own log and in logs that it makes up',
  strip_ansi: 'logs are kept as they are written: colours of programs stay in them',
  silent: 'ours has a log of its own, and says the same on its output',
};

/** The folder of configurations of ours, apart from all that others include. */
function folder(): string {
  if (process.getuid?.() === 0) return '/etc/reconciled';
  return join(process.env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'reconciled');
}

function socketOf(listener: Listener | undefined): Readonly<Record<string, Json>> {
  if (listener?.kind !== 'unix') return {};
  const { mode, owner } = listener;
  const open = (mode & 0o002) !== 0;
  return {
    ...(open || mode === 0o700 ? {} : { mode: `0${(mode & 0o777).toString(8).padStart(3, '0')}` }),
    ...(owner === undefined || !owner.split(':').every((part) => USER.test(part)) ? {} : { owner }),
  };
}

function ofOthers(section: Section, listener: Listener | undefined): readonly Loss[] {
  const { name } = section;
  const all = (why: string, but: readonly string[] = []) =>
    [...section.options.values()].flatMap((option) => (but.includes(option.name) ? [] : [lossOf(option, why)]));
  if (name.startsWith('inet_http_server')) return all('ours listens on its socket alone');
  if (name.startsWith('unix_http_server')) {
    if (section !== listener?.section) return all('ours has one socket');
    const { mode } = listener.kind === 'unix' ? listener : { mode: 0 };
    return [...section.options.values()].flatMap((option): Loss[] => {
      switch (option.name) {
        case 'file':
          return [lossOf(option, 'the one that is there listens on it, and ours has one of its own')];
        case 'username':
        case 'password':
          return [lossOf(option, 'who may speak to ours is told by the mode and owner of its socket')];
        case 'chmod':
          return (mode & 0o002) === 0 ? [] : [lossOf(option, 'any user of this host could control it: ours has 0700')];
        case 'chown':
          return 'owner' in socketOf(listener) ? [] : [lossOf(option, 'it has no name that can be written')];
        default:
          return [];
      }
    });
  }
  if (name === 'supervisorctl')
    return all('it is for supervisorctl: `reconcile status` and the like need none', ['serverurl', 'prompt']);
  if (name.startsWith('rpcinterface:') && name !== 'rpcinterface:supervisor')
    return all('ours has no other interfaces');
  if (name.startsWith('ctlplugin:')) return all('it is for supervisorctl');
  return [];
}

/** One for all: on a host that somebody works at there are dozens. */
function notInherited(names: readonly string[]): Loss {
  const [them, one, it] = names.length === 1 ? ['it', 'variable', 'it'] : ['them', 'variables', 'one'];
  const why = `supervisord was started with ${them}, and ours is not: a program that needs ${it} has to say so`;
  return { key: `${one} ${[...names].sort().join(', ')}`, why };
}
