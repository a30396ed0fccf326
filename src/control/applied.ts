import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Observed, Report, ServiceId } from '../model.ts';
import { alive } from '../planner/draft.ts';

/**
 * What the services of the embedded supervisor run with while changes may have to wait. Its own records are gone after a boot,
 * and to start again what ran before is no change: else a freeze or a shut window would keep a whole host down.
 */
export type Applied = ReadonlyMap<ServiceId, string>;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'applied.json');

export function readApplied(stateDir: string): Applied {
  return new Map(Object.entries(readDecision(fileOf(stateDir), isApplied) ?? {}));
}

/** Writes it where it has changed. */
export function saveApplied(stateDir: string, before: Applied, after: Applied): void {
  const same = before.size === after.size && [...after].every(([id, hash]) => before.get(id) === hash);
  if (!same) writeDecision(fileOf(stateDir), Object.fromEntries([...after].sort()));
}

/**
 * What is remembered once it was looked: what runs, with what; and of what is not there at all, as just after a boot, what
 * was remembered before.
 */
export function appliedNow(before: Applied, observed: Observed, declared: ReadonlySet<ServiceId>): Applied {
  const reading = observed.get('builtin');
  if (reading === undefined || reading.kind === 'unreadable') return before;
  // What waits to be started again is as good as running.
  const there = new Set(
    reading.objects.filter((object) => object.kind === 'actual' && object.run.kind !== 'backoff').map(({ id }) => id),
  );
  const kept = [...before].filter(([id]) => declared.has(id) && !there.has(id));
  const running = reading.objects.flatMap((object): [ServiceId, string][] => {
    if (object.kind !== 'actual' || object.owner.kind !== 'ours' || !alive(object.run)) return [];
    const { hash } = object.definition;
    return hash === undefined || object.run.definition !== 'current' ? [] : [[object.id, hash]];
  });
  return new Map([...kept, ...running]);
}

/** And once an apply is done. */
export function appliedAfter(before: Applied, { steps }: Pick<Report, 'steps'>): Applied {
  const after = new Map(before);
  for (const { step, outcome } of steps) {
    if (step.supervisor !== 'builtin' || outcome.kind !== 'done') continue;
    const { service, effect, target } = step;
    if ((effect === 'start' || effect === 'restart') && target !== undefined)
      after.set(service, target.definition.hash);
    else if (effect === 'stop') after.delete(service);
  }
  return after;
}

const isApplied = (value: unknown): value is Readonly<Record<ServiceId, string>> =>
  isObject(value) && Object.values(value).every((hash) => typeof hash === 'string');
