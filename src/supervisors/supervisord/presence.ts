import { statOf } from '../../host/procfs.ts';
import { type Instance, serviceOfInstance } from '../../instance.ts';
import { type Problem, unreachable, why } from '../../problem.ts';
import type { Place } from './place.ts';
import { otherConfigOf, processOf } from './process.ts';
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

/** Looks for the supervisord of a configuration: one call, and its process by its pid file or its arguments. Never throws. */
export async function findSupervisord({
  config,
  pidFile,
  address,
}: Pick<Place, 'config' | 'pidFile' | 'address'>): Promise<Presence> {
  const pid = processOf(config, pidFile);
  // Nothing would come of a call, and waiting for that takes its time.
  if (pid !== undefined && isStopped(pid)) return { kind: 'hung', pid, stopped: true };
  using rpc = createSupervisord(createClient(address));
  try {
    const { statecode, statename } = await rpc.getState(LIMIT);
    // supervisor.states: SupervisorStates: RUNNING is 1.
    if (statecode !== 1) return { kind: 'leaving', state: statename };
    const told = pid ?? (await rpc.getPid(LIMIT));
    // Its programs are not ours, whatever their names are.
    const other = pid === undefined ? otherConfigOf(told, config) : undefined;
    if (other !== undefined)
      return {
        kind: 'refused',
        because: `another supervisord answers on its socket: pid ${told}, started with ${other}`,
      };
    if (statOf(told) !== undefined) return { kind: 'up', pid: told };
    return { kind: 'refused', because: `it answers, but its process ${told} is not on this host (a container?)` };
  } catch (error) {
    if (error instanceof Silent && pid !== undefined) return { kind: 'hung', pid, stopped: isStopped(pid) };
    if (error instanceof Fault && error.name === 'SHUTDOWN_STATE') return { kind: 'leaving', state: 'SHUTDOWN' };
    const { code } = error as NodeJS.ErrnoException;
    const unheard = code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ECONNRESET';
    if (unheard) return pid === undefined ? { kind: 'gone' } : { kind: 'no-socket', pid };
    return { kind: 'refused', because: why(error) };
  }
}

/** By a signal; one that is traced (t) is looked at by somebody, and goes on. */
function isStopped(pid: number): boolean {
  return statOf(pid)?.state === 'T';
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
