import { join } from 'node:path';
import type { Json } from '../../canonical.ts';
import type { Fields } from '../../model.ts';
import { formatDuration } from '../../units.ts';
import { BASE_PATH } from '../shared/environment.ts';
import { oneLine } from '../shared/texts.ts';
import { waitingLines } from './backoff.ts';
import { plain, plainPattern, quoteArgument } from './escape.ts';
import { execStart } from './exec.ts';
import type { Line } from './unit-text.ts';

/** What a field's directives depend on besides its value. */
export interface Context {
  readonly manager: 'system' | 'user';
  /** Of systemd. */
  readonly version: number;
  /** The unit is a template: `%i` is the instance. */
  readonly template: boolean;
  /** Absolute. */
  readonly directory: string;
  /** All fields, defaults filled. */
  readonly fields: Fields;
  /** Those that somebody wrote. */
  readonly written: Fields;
}

type Render = (value: Json, context: Context) => readonly Line[];

/** The directives of each field that is one, or several, in the order they stand in a unit. The schema checked the types. */
export const DIRECTIVES: Readonly<Record<string, Render>> = {
  description: (text) => [['Unit', 'Description', plain(oneLine(String(text)))]],
  'restart.limit.within': (ms) => [['Unit', 'StartLimitIntervalSec', duration(ms)]],
  // The first start counts too.
  'restart.limit.restarts': (count) => [['Unit', 'StartLimitBurst', String(Number(count) + 1)]],
  user: (user, { manager }) => (manager === 'user' ? [] : userLines(String(user))),
  directory: (_, { directory }) => one('WorkingDirectory', plain(directory)),
  umask: (mask) => one('UMask', String(mask).padStart(4, '0')),
  environmentFiles: (files) =>
    (files as readonly (readonly [path: string, digest: Json])[]).flatMap(([path]) =>
      one('EnvironmentFile', plainPattern(join(path))),
    ),
  command: (command, { directory, fields }) =>
    one('ExecStart', execStart(command as readonly string[], directory, fields['environment.PATH'] !== BASE_PATH)),
  'stop.signal': (signal) => one('KillSignal', `SIG${signal}`),
  // To systemd 0 is for ever.
  'stop.timeout': (ms) => one('TimeoutStopSec', ms === 0 ? '1us' : duration(ms)),
  'stop.tree': (tree) => one('KillMode', tree === true ? 'control-group' : 'process'),
  // Its main process is systemd's to know: sh is everywhere, /bin/kill is not.
  'reload.signal': (signal, { fields }) =>
    reloadLines(fields, ['/bin/sh', '-c', `kill -s ${signal} $MAINPID`].map(quoteArgument).join(' ')),
  'reload.command': (command, { directory, fields }) =>
    reloadLines(fields, execStart(command as readonly string[], directory, fields['environment.PATH'] !== BASE_PATH)),
  'restart.policy': (policy) => policyLines(String(policy)),
  'restart.permanentExitCodes': (codes) => one('RestartPreventExitStatus', (codes as readonly number[]).join(' ')),
  'restart.backoff.initial': (ms, context) => [...one('RestartSec', duration(ms)), ...backoffLines(context)],
  'limits.addressSpace': (limit) => one('LimitAS', count(limit)),
  'limits.openFiles': (limit) => one('LimitNOFILE', count(limit)),
  'limits.processes': (limit) => one('LimitNPROC', count(limit)),
  'limits.core': (limit) => one('LimitCORE', count(limit)),
  'limits.fileSize': (limit) => one('LimitFSIZE', count(limit)),
  'limits.lockedMemory': (limit) => one('LimitMEMLOCK', count(limit)),
  'limits.stack': (limit) => one('LimitSTACK', count(limit)),
  'logs.stdout': (path, context) => [
    ...one('StandardOutput', `append:${logFile(String(path), context)}`),
    // Without a word standard error would go where standard output goes.
    ...('logs.stderr' in context.fields ? [] : one('StandardError', 'journal')),
  ],
  'logs.stderr': (path, context) => one('StandardError', `append:${logFile(String(path), context)}`),
};

/** The longest time worth telling from for ever: some 30,000 years, well within what systemd counts. */
const LONGEST = 1e15;

function one(key: string, value: string): readonly Line[] {
  return [['Service', key, value]];
}

/** A unit of others may have lines of its own, in whose place ours come. */
function reloadLines({ unit }: Fields, value: string): readonly Line[] {
  return [...(unit === undefined ? [] : one('ExecReload', '')), ...one('ExecReload', value)];
}

function duration(ms: Json): string {
  return formatDuration(Math.min(Number(ms), LONGEST));
}

function count(limit: Json): string {
  const value = Number(limit);
  return value < 2 ** 63 ? String(BigInt(value)) : 'infinity';
}

function userLines(written: string): readonly Line[] {
  const [user = '', group] = written.split(':');
  return [...one('User', user), ...(group === undefined ? [] : one('Group', group))];
}

/** To systemd some signals are a clean end; here only exit code 0 is. */
function policyLines(policy: string): readonly Line[] {
  if (policy === 'never') return one('Restart', 'no');
  const clean = one('RestartForceExitStatus', 'SIGHUP SIGINT SIGTERM SIGPIPE');
  return [...one('Restart', policy), ...(policy === 'on-failure' ? clean : [])];
}

/**
 * The steps in which the wait grows from `initial` to `max`. Older versions can't: there, where somebody wrote how it is to
 * grow, a wrapper waits. What nobody wrote is not worth one: the restart limit ends it long before.
 */
function backoffLines({ version, manager, fields, written }: Context): readonly Line[] {
  const initial = Number(fields['restart.backoff.initial']);
  const factor = Number(fields['restart.backoff.factor']);
  const max = Number(fields['restart.backoff.max']);
  if (factor === 1 || initial === 0 || initial >= max) return [];
  if (version < 254) {
    const asked = 'restart.backoff.factor' in written || 'restart.backoff.max' in written;
    return asked ? waitingLines(manager, initial, factor, max).flatMap(([key, value]) => one(key, value)) : [];
  }
  const steps = Math.max(1, Math.ceil(Math.log(max / initial) / Math.log(factor)));
  return [...one('RestartSteps', String(steps)), ...one('RestartMaxDelaySec', duration(max))];
}

/** Instances must not write to one file: `api.log` of `api@2` is `api-2.log`. */
function logFile(written: string, { directory, template }: Context): string {
  const path = written.startsWith('/') ? join(written) : join(directory, written);
  if (!template || path.startsWith('/dev/')) return plain(path);
  // A zero byte stands for the instance, no path has one: other specifiers are none.
  return plain(path.replace(/(\.[^./]*)?$/, (extension) => `-\0${extension}`)).replace('\0', '%i');
}
