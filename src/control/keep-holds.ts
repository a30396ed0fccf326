import type { Plan, Report, ServiceId } from '../model.ts';
import { nameOf } from '../planner/draft.ts';
import type { Request } from '../request.ts';
import { changeHolds, heldAlso, isHeldBy, type PersonHold, readHolds } from './holds.ts';

/** What a run knows of what people want left alone. */
interface Known {
  readonly plan: Plan;
  readonly stops: ReadonlySet<ServiceId>;
}

/**
 * Before an apply: what a person has stopped is left alone from the stop on, whatever happens meanwhile, and what is over
 * is cleared away. Gives what is to be remembered after it: what could not be stopped is not left alone.
 */
export async function keepHolds(
  stateDir: string,
  { stop }: Pick<Request, 'stop'>,
  { plan, stops }: Known,
  chosen: (id: ServiceId) => boolean,
): Promise<(report: Report) => Promise<void>> {
  const now = Date.now();
  // What is quarantined is told besides, and stopped as any other.
  const waits = new Set(plan.held.flatMap(({ service, reason }) => (reason.kind === 'quarantined' ? [] : [service])));
  const still = (hold: PersonHold) => hold.until > now || isAwaited(hold, plan, chosen);
  const all = readHolds(stateDir);
  const more =
    stop === undefined
      ? []
      : [...stops]
          .filter((id) => !waits.has(id))
          .map((name): PersonHold => ({ name, by: stop.by, why: stop.why, since: now, until: stop.until }));
  if (more.length > 0 || !all.every(still))
    await changeHolds(stateDir, (before) => heldAlso(before.filter(still), more));
  return async ({ steps }) => {
    const undone = new Set(steps.filter(({ outcome }) => outcome.kind !== 'done').map(({ step }) => step.service));
    const vain = more.filter(({ name }) => undone.has(name));
    if (vain.length === 0) return;
    const isVain = (one: PersonHold) => vain.some(({ name, since }) => one.name === name && one.since === since);
    await changeHolds(stateDir, (before) => before.filter((one) => !isVain(one)));
  };
}

/** Its time is over, and something waits all the same for a person to say so; or the plan says nothing of it. */
function isAwaited(hold: PersonHold, { held }: Plan, chosen: (id: ServiceId) => boolean): boolean {
  if (!chosen(hold.name)) return true;
  return held.some(
    ({ service: id, reason }) => reason.kind === 'hold' && reason.stays && isHeldBy(hold, { name: nameOf(id), id }),
  );
}

/** A person's word that these go on, a service with all its instances: no longer left alone, before it is planned for. */
export async function endHolds(stateDir: string, names: readonly string[]): Promise<readonly PersonHold[]> {
  const isNamed = ({ name }: PersonHold) => names.includes(name) || names.includes(nameOf(name));
  const ended = readHolds(stateDir).filter(isNamed);
  if (ended.length > 0) await changeHolds(stateDir, (before) => before.filter((hold) => !isNamed(hold)));
  return ended;
}
