import type { Desired, Observed } from '../model.ts';
import type { Back, Request } from '../request.ts';
import { saidText } from '../secrets.ts';
import type { ApplyRequest } from './wire.ts';

/** The ids of what a service is after, all instances. */
export function afterOf(desired: Desired | undefined): (id: string) => readonly string[] {
  const byName = Map.groupBy(desired?.services ?? [], ({ name }) => name);
  const byId = new Map(desired?.services.map((service) => [service.id, service]));
  return (id) => (byId.get(id)?.after ?? []).flatMap((name) => (byName.get(name) ?? []).map((service) => service.id));
}

/** What a client asks for, without what it says of itself. */
export function plainRequest(request: ApplyRequest): Request {
  const { only, asked, expect, claim, restartStaged, back, retry, override, approve, by = 'somebody' } = request;
  const { stop, restart, release } = request;
  return {
    only,
    asked,
    ...(expect === undefined ? {} : { expect }),
    ...(claim === undefined ? {} : { claim }),
    ...(restartStaged === undefined ? {} : { restartStaged }),
    ...(back === undefined ? {} : { back: backOf(back, request.by) }),
    ...(retry === undefined ? {} : { retry }),
    ...(override === undefined ? {} : { override: { why: saidText(override), by: saidText(by) } }),
    ...(approve === undefined ? {} : { approve: { plan: approve, by } }),
    ...(stop === undefined ? {} : { stop: { ...stop, why: saidText(stop.why), by: saidText(by) } }),
    ...(restart === undefined ? {} : { restart }),
    ...(release === undefined ? {} : { release }),
  };
}

function backOf({ commit, only }: NonNullable<ApplyRequest['back']>, by: string | undefined): Back {
  return { only, ...(commit === undefined ? {} : { commit }), ...(by === undefined ? {} : { by }) };
}

/** How many services of ours run. */
export function runningIn(observed: Observed): number {
  const objects = [...observed.values()].flatMap((reading) => (reading.kind === 'read' ? reading.objects : []));
  return objects.filter(
    (object) => object.kind === 'actual' && object.owner.kind === 'ours' && object.run.kind === 'running',
  ).length;
}
