import { descendantsOf, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Outcome, Service, Touch } from '../../model.ts';
import { Failure, type Problem } from '../../problem.ts';
import { writtenFields } from '../fields.ts';
import { settingsOf } from '../shared/settings.ts';
import { noReload, sendToAll, touchBy, untouched } from '../shared/touching.ts';
import type { Link } from './link.ts';
import { callFailure } from './rpc.ts';

export async function cannotTouch(service: Service, touch: Touch): Promise<Problem | undefined> {
  return touch.kind === 'reload' && service.written.reload === undefined ? noReload(service) : undefined;
}

/** Its main process is signalled by supervisord itself, which has no word for all that descends from it. */
export async function touch(
  link: Link,
  service: Service,
  what: Touch,
  pid: number,
  abort: AbortSignal,
): Promise<Outcome> {
  const { id } = service;
  try {
    await link.demand();
    const child = link.children().get(id);
    const stat = statOf(pid);
    const main: ProcessRef | undefined = child ?? (stat && { pid, start: stat.start });
    if (main === undefined)
      return { kind: 'failed', problem: untouched(what, id, 'it has no process any more', 'not-running') };
    const send = async (signal: NodeJS.Signals) => {
      if (what.kind === 'signal' && what.tree) sendToAll([main, ...descendantsOf(main.pid)], signal);
      else await link.rpc().signalProcess(link.nameOf(id), signal.slice(3));
    };
    return await touchBy(service, settingsOf(service.id, writtenFields(service), '/'), what, main, send, abort);
  } catch (error) {
    if (error instanceof Failure && error.problems[0] !== undefined)
      return { kind: 'failed', problem: error.problems[0] };
    return { kind: 'failed', problem: untouched(what, id, callFailure(error)) };
  }
}
