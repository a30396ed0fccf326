import { descendantsOf, type ProcessRef, statOf } from '../../host/procfs.ts';
import type { Outcome, Service, ServiceId, Touch } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import { why } from '../../problem.ts';
import { writtenFields } from '../fields.ts';
import { settingsOf } from '../shared/settings.ts';
import { noReload, sendToAll, touchBy, untouched } from '../shared/touching.ts';
import { type Observer, observeOne } from './observe.ts';
import { readRecord } from './record.ts';
import { remainsOf } from './tree.ts';

export async function cannotTouch(service: Service, touch: Touch): Promise<Problem | undefined> {
  return touch.kind === 'reload' && service.written.reload === undefined ? noReload(service) : undefined;
}

/** To the process of this start of it, and to no other that has its number by now. */
export async function touch(observer: Observer, service: Service, what: Touch, abort: AbortSignal): Promise<Outcome> {
  try {
    const main = await mainOf(observer, service.id);
    if (main === undefined)
      return { kind: 'failed', problem: untouched(what, service.id, 'it has no process any more', 'not-running') };
    const tree = what.kind === 'signal' && what.tree ? await below(observer, service.id, main) : [];
    return await touchBy(
      service,
      settingsOf(service.id, writtenFields(service), '/'),
      what,
      main,
      async (signal) => sendToAll([main, ...tree], signal),
      abort,
    );
  } catch (error) {
    return { kind: 'failed', problem: untouched(what, service.id, why(error)) };
  }
}

/** What descends from it or bears its stamp, but for the shim that waits for its end. */
async function below({ scanner, owner }: Observer, id: ServiceId, main: ProcessRef): Promise<readonly ProcessRef[]> {
  const shim = statOf(main.pid)?.ppid;
  const known = [main, ...descendantsOf(main.pid)];
  const all = remainsOf(await scanner.loose(), { owner, id }, undefined, known);
  return all.filter(({ pid }) => pid !== main.pid && pid !== shim);
}

async function mainOf(observer: Observer, id: ServiceId): Promise<ProcessRef | undefined> {
  const found = await observeOne(observer, id);
  if (found?.kind !== 'actual' || found.owner.kind !== 'ours') return undefined;
  if (found.run.kind !== 'running' && found.run.kind !== 'starting') return undefined;
  const { pid } = found.run;
  const read = readRecord(observer.services, id);
  const recorded = read.kind === 'record' ? read.record.main : undefined;
  if (recorded?.pid === pid) return recorded;
  const stat = statOf(pid);
  return stat === undefined ? undefined : { pid, start: stat.start };
}
