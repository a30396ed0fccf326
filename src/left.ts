import { holdOn, isHeldBy, type PersonHold, readHolds } from './control/holds.ts';
import { gatedOf, holdsOf, readMarks } from './marks.ts';
import type { Service, ServiceId } from './model.ts';
import { Failure } from './problem.ts';

/** What is told of services that are left as somebody made them, or alone: until when, whose doing, why. */
export function leftTexts(stateDir: string, services: readonly Service[], now: number): ReadonlyMap<ServiceId, string> {
  const held = whole(() => readHolds(stateDir), []);
  const drifted = [
    ...holdsOf(
      whole(() => readMarks(stateDir), {}),
      now,
      gatedOf(services),
    ),
  ].flatMap(([id, { until, expired, by, stays }]): [ServiceId, string][] => {
    const left = `left as ${by ?? 'somebody'} made it`;
    const end = `to end that: reconcile release ${id}`;
    if (stays) return [[id, `${left}: its time is over, but it has a gate; ${end}`]];
    return expired ? [] : [[id, `${left} until ${iso(until)}; ${end}`]];
  });
  const asked = services.flatMap((service): [ServiceId, string][] => {
    const hold = holdOn(held, service, now) ?? last(held, service);
    if (hold === undefined) return [];
    const until = hold.until > now ? ` until ${iso(hold.until)}` : '';
    const over = until === '' ? '; its time is over, but it has a gate' : '';
    return [
      [service.id, `left alone${until} by ${hold.by}: ${hold.why}${over}; to end that: reconcile release ${hold.name}`],
    ];
  });
  return new Map([...drifted, ...asked]);
}

/** Of what has a gate, one that is over holds until a person says so. */
function last(held: readonly PersonHold[], service: Service): PersonHold | undefined {
  return service.written.gate === undefined ? undefined : held.findLast((hold) => isHeldBy(hold, service));
}

/** A status is wanted most where something is wrong: that a decision is damaged is told above it. */
function whole<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) return otherwise;
    throw error;
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z');
}
