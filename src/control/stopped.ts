import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import type { Observed, Service, ServiceId } from '../model.ts';
import type { Unwell } from '../planner/unwell.ts';
import type { Request } from '../request.ts';
import { digestOf } from '../verify/digest.ts';
import { actualOf } from '../verify/sight.ts';

/**
 * That a service was stopped since a probe of it failed that says so (`onFailure: stop`): until a person starts it, or Git
 * says something else of it. Written before it is stopped, so that whoever is interrupted goes on with it.
 */
export interface Stopped {
  readonly probe: string;
  readonly why: string;
  /** ms since the epoch. */
  readonly at: number;
  /** The process that was not well: another one was started by a person. */
  readonly pid: number;
  /** What Git said of it then. */
  readonly digest: string;
}

export type AllStopped = Readonly<Record<ServiceId, Stopped>>;

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'stopped.json');

/** Fails where that is damaged. */
export function readStopped(stateDir: string): AllStopped {
  return readDecision(fileOf(stateDir), isAllStopped) ?? {};
}

/** Writes them where they have changed. */
export function saveStopped(stateDir: string, before: AllStopped, after: AllStopped): void {
  if (JSON.stringify(before) !== JSON.stringify(after)) writeDecision(fileOf(stateDir), after);
}

/** Those that are so still: nobody asks for a start, Git says what it said, and no other process of it runs. */
export function stillStopped(
  all: AllStopped,
  services: readonly Service[],
  observed: Observed,
  asked: ReadonlySet<ServiceId>,
): AllStopped {
  const entries = services.flatMap((service): [ServiceId, Stopped][] => {
    const stopped = all[service.id];
    if (stopped === undefined || asked.has(service.id) || stopped.digest !== digestOf(service)) return [];
    const run = actualOf(observed, service)?.run;
    const runs = run?.kind === 'running' || run?.kind === 'starting';
    return runs && run.pid !== stopped.pid ? [] : [[service.id, stopped]];
  });
  return Object.fromEntries(entries);
}

/** What failing probes want done: to what was not well, and not to a process that took its place since. */
export function unwellOf(
  { unwell = new Map() }: Request,
  stopped: AllStopped,
  services: readonly Service[],
  observed: Observed,
): ReadonlyMap<ServiceId, Unwell> {
  const all = new Map<ServiceId, Unwell>();
  for (const [id, { probe, why, pid }] of unwell) {
    const service = services.find((one) => one.id === id);
    const run = service === undefined ? undefined : actualOf(observed, service)?.run;
    if (run !== undefined && 'pid' in run && run.pid === pid) all.set(id, { act: 'restart', probe, why });
  }
  for (const [id, { probe, why, at }] of Object.entries(stopped)) all.set(id, { act: 'stop', probe, why, at });
  return all;
}

const isAllStopped = (value: unknown): value is AllStopped =>
  isObject(value) &&
  Object.values(value).every(
    (one) =>
      isObject(one) &&
      [one.probe, one.why, one.digest].every((text) => typeof text === 'string') &&
      [one.at, one.pid].every((number) => typeof number === 'number'),
  );
