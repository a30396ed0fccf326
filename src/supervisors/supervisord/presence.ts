import { readIfThere } from '../../host/files.ts';
import { commandOf, listPids, statOf } from '../../host/procfs.ts';
import { type Instance, serviceOfInstance } from '../../instance.ts';
import { type Problem, unreachable, why } from '../../problem.ts';
import type { Place } from './place.ts';
import { createClient, createSupervisord, Fault, Silent } from './rpc.ts';

/** Is it there, and does it answer? */
export type Presence =
  | { readonly kind: 'up'; readonly pid: number }
  /** No socket answers, and there is no process. */
  | { readonly kind: 'gone' }
  /** `stopped`: by a signal. */
  | { readonly kind: 'hung'; readonly pid: number; readonly stopped: boolean }
  /** It runs, and nothing listens where its configuration says. */
  | { readonly kind: 'no-socket'; readonly pid: number }
  /** It shuts down, or starts all anew. */
  | { readonly kind: 'leaving'; readonly state: string }
  /** Whatever is there can't be asked. */
  | { readonly kind: 'refused'; readonly because: string };

/** ms. Told apart from busy: with a thousand programs it may be at one answer for a second or two. */
const LIMIT = 5000;

/** Looks for the supervisord of a configuration: one call, and its process by its pid file or its arguments. */
export async function findSupervisord(place: Place): Promise<Presence> {
  const pid = processOf(place);
  using rpc = createSupervisord(createClient(place.address));
  try {
    const { statecode, statename } = await rpc.getState(LIMIT);
    // supervisor.states: SupervisorStates: RUNNING is 1.
    if (statecode !== 1) return { kind: 'leaving', state: statename };
    if (pid === undefined)
      return { kind: 'refused', because: `it answers, but no process of it is found (${place.config})` };
    return { kind: 'up', pid };
  } catch (error) {
    if (error instanceof Silent && pid !== undefined) {
      const state = statOf(pid)?.state;
      return { kind: 'hung', pid, stopped: state === 'T' || state === 't' };
    }
    if (error instanceof Fault && error.name === 'SHUTDOWN_STATE') return { kind: 'leaving', state: 'SHUTDOWN' };
    const { code } = error as NodeJS.ErrnoException;
    const unheard = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET';
    if (unheard) return pid === undefined ? { kind: 'gone' } : { kind: 'no-socket', pid };
    return { kind: 'refused', because: why(error) };
  }
}

/** By its pid file where that names a supervisord of this configuration, else by the arguments of all processes. */
function processOf({ config, pidFile }: Place): number | undefined {
  const pid = Number(pidFile === undefined ? '' : (readIfThere(pidFile) ?? ''));
  if (pid > 1 && isIt(pid, config)) return pid;
  return listPids().find((each) => isIt(each, config) && statOf(each)?.state !== 'Z');
}

/** Places where it looks for a configuration when it is not told of one (supervisor.options: Options.default_configfile). */
const DEFAULTS = ['/etc/supervisor/supervisord.conf', '/etc/supervisord.conf'];

function isIt(pid: number, config: string): boolean {
  const [program = '', ...rest] = commandOf(pid);
  const args = program.endsWith('supervisord') ? rest : rest.slice(1);
  if (!program.endsWith('supervisord') && !(rest[0] ?? '').endsWith('supervisord')) return false;
  const told = configOf(args);
  return told === undefined ? DEFAULTS.includes(config) : told === config;
}

function configOf(args: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (arg === '-c' || arg === '--configuration') return args[i + 1];
    if (arg.startsWith('--configuration=')) return arg.slice('--configuration='.length);
    if (/^-[a-z]*c/.test(arg) && !arg.startsWith('--')) return arg.replace(/^-[a-z]*?c/, '') || args[i + 1];
  }
  return undefined;
}

/** Why nothing can be said of its programs; undefined where it is up, or is gone, with all that it ran. */
export function whyNot(instance: Instance, presence: Presence): Problem | undefined {
  const { name, owned, config } = instance;
  const it = `supervisord/${name}`;
  const anew = owned === undefined ? 'restart it by what runs it' : `restart ${serviceOfInstance(name)}`;
  const problem = (summary: string, hint: string): Problem => ({ code: 'supervisord-unreadable', summary, hint });
  switch (presence.kind) {
    case 'up':
    case 'gone':
      return undefined;
    case 'hung':
      return presence.stopped
        ? problem(
            `${it} does not answer: its process ${presence.pid} was stopped by a signal`,
            `kill -CONT ${presence.pid}`,
          )
        : problem(`${it} does not answer: its process ${presence.pid} hangs or is very busy`, 'look again in a minute');
    case 'no-socket':
      return problem(
        `${it} can't be asked: it runs as process ${presence.pid}, but its socket is gone`,
        `its programs go on; ${anew} when they may be restarted with it`,
      );
    case 'leaving':
      return problem(`${it} can't be asked: its state is ${presence.state}`, 'it is looked at again when that is over');
    case 'refused':
      return problem(`${it} can't be asked: ${presence.because}`, `its configuration: ${config}`);
    default:
      return unreachable(presence);
  }
}
