import { join, resolve } from 'node:path';
import type { User } from '../../host/users.ts';
import type { Fields } from '../../model.ts';
import { environmentOf } from '../shared/environment.ts';
import type { Settings } from '../shared/settings.ts';
import { assignment, expanded, expandedTwice, holdsReturn, quoteArgument, RETURN_LINE } from './escape.ts';
import { toldOfStderr } from './raw-options.ts';
import { commandOf } from './wrapper.ts';

/** One option of a section; its value is escaped already. */
export type Line = readonly [key: string, value: string];

/** What a program section is made of besides settings. */
export interface Surroundings {
  readonly fields: Fields;
  /** Whose environment it has: its own user, else who supervisord runs as. */
  readonly account: User;
  /** The user it asks for exists; undefined where it asks for none. */
  readonly known: boolean | undefined;
  /** supervisord can switch users. */
  readonly privileged: boolean;
  /** What marks its process; nothing declared hides it. */
  readonly marks: Readonly<Record<string, string>>;
  readonly autostart: boolean;
  /** Lines that somebody wrote as they stand. */
  readonly raw: readonly Line[];
  /** The configuration is ours whole: no [DEFAULT] of others says what a section leaves out. */
  readonly owned: boolean;
  /** Unique on the host. */
  readonly name: string;
  readonly logDir: string;
}

/** supervisord's times are whole seconds; beyond some thirty years they are for ever. */
const LONGEST = 1e9;

/** supervisord's own defaults, of every version that is around. */
const DEFAULTS: Readonly<Record<string, string>> = {
  umask: '022',
  autostart: 'true',
  startsecs: '1',
  startretries: '3',
  stopsignal: 'TERM',
  stopwaitsecs: '10',
  stopasgroup: 'false',
  stdout_logfile_backups: '10',
  redirect_stderr: 'false',
  stderr_logfile_backups: '10',
};

/**
 * The lines of a program section. supervisord looks at every line of all sections again for each file that it includes: at
 * a thousand programs a line takes it a fifth of a second. Where nobody else can say otherwise, its defaults are left out.
 */
export function programLines(written: Settings, around: Surroundings): Line[] {
  const directory = resolve('/', written.directory);
  const settings = { ...written, directory };
  const { account, known, privileged, marks, autostart, fields, raw, owned, name, logDir } = around;
  const environment = { ...environmentOf({ ...settings, environmentFiles: [] }, account), ...marks };
  const unsayable = Object.entries(environment).flatMap(([key, value]) =>
    assignment(key, value) === undefined ? [key] : [],
  );
  const user = known === true ? account : undefined;
  const { argv, switches, apart } = commandOf(
    { settings, fields, account: user, privileged, name, folder: logDir },
    environment,
    unsayable,
  );
  const assignments = Object.entries(environment).flatMap(([key, value]) =>
    apart.has(key) ? [] : [assignment(key, value) ?? ''],
  );
  const { rules, stop, umask } = settings;
  const tree = String(stop.tree);
  const said = (option: string) => raw.some(([key]) => key === option);
  const own: Line[] = [
    ['command', expanded(argv.map(quoteArgument).join(' '))],
    ['directory', expanded(directory)],
    ...(switches && settings.user !== undefined ? [['user', settings.user] satisfies Line] : []),
    // By default it is that of user=, which is said where supervisord is to switch.
    ...(user !== undefined && user.uid !== 0 && !switches && raw.some(isUnixSocket) && !said('socket_owner')
      ? [['socket_owner', `${user.uid}:${user.gid}`] satisfies Line]
      : []),
    ['umask', umask],
    ['environment', expanded(assignments.join(','))],
    ['autostart', String(autostart)],
    ...restartLines(rules, owned, said),
    ['startsecs', seconds(rules.ready)],
    ['startretries', String(rules.retries)],
    ['stopsignal', stop.signal.slice('SIG'.length)],
    ['stopwaitsecs', seconds(rules.stopTimeout)],
    ['stopasgroup', tree],
    // Where it is not said it is as stopasgroup.
    ...(owned ? [] : [['killasgroup', tree] satisfies Line]),
    ...logLines(settings.logs, said),
  ];
  const lines = [...own.filter(([key, value]) => !owned || DEFAULTS[key] !== value), ...raw];
  return lines.some(([, value]) => holdsReturn(value)) ? [...lines, RETURN_LINE] : lines;
}

function isUnixSocket([key, value]: Line): boolean {
  return key === 'socket' && value.startsWith('unix:');
}

/** What is among the exit codes is not restarted where that is `unexpected`; versions differ in what they are by default. */
function restartLines(
  { policy, permanent }: Settings['rules'],
  owned: boolean,
  said: (option: string) => boolean,
): Line[] {
  const codes = [...(policy === 'always' ? [] : [0]), ...permanent].sort((a, b) => a - b);
  // Somebody's own lines say otherwise: then the daemon sees to it.
  const always = permanent.length === 0 || said('exitcodes') ? 'true' : 'unexpected';
  const restart: Line = ['autorestart', { always, 'on-failure': 'unexpected', never: 'false' }[policy]];
  if (said('exitcodes')) return [restart];
  if (policy === 'always' && permanent.length > 0) return [restart, ['exitcodes', codes.join(',')]];
  if (policy === 'on-failure') return [restart, ['exitcodes', codes.join(',')]];
  return owned ? [restart] : [restart, ['exitcodes', '0']];
}

function logLines({ stdout, stderr, maxSize, keep }: Settings['logs'], said: (option: string) => boolean): Line[] {
  const log = (stream: 'stdout' | 'stderr', path: string): Line[] => [
    [`${stream}_logfile`, expandedTwice(path)],
    // What is no file can't be rotated, and supervisord would fail at it.
    [`${stream}_logfile_maxbytes`, path.startsWith('/dev/') ? '0' : whole(maxSize)],
    [`${stream}_logfile_backups`, String(keep)],
  ];
  const [out, err] = [join(stdout), join(stderr)];
  // Two that write to one file would rotate it under each other, but what is told of one stream is not of another.
  const same = out === err && !toldOfStderr(said);
  return [...log('stdout', out), ['redirect_stderr', String(same)], ...(same ? [] : log('stderr', err))];
}

function seconds(ms: number): string {
  return String(Math.min(Math.floor(ms / 1000), LONGEST));
}

function whole(bytes: number): string {
  return String(BigInt(Math.min(bytes, Number.MAX_SAFE_INTEGER)));
}
