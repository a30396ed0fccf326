import type { Actual, Desired, Exit, HealthState, Observed, Service, ServiceId, ServiceStatus } from './model.ts';
import { unreachable } from './problem.ts';

/** What `status` tells: every declared service and every object of ours, by name. Pure. */
export function statusOf(
  desired: Desired,
  observed: Observed,
  health: (id: ServiceId, service: Service | undefined) => HealthState,
  holds: ReadonlyMap<ServiceId, { readonly until: number; readonly expired: boolean }> = new Map(),
  duels: ReadonlyMap<ServiceId, { readonly rounds: number; readonly evidence: readonly string[] }> = new Map(),
): ServiceStatus[] {
  const rows = new Map<string, ServiceStatus>();
  const declared = new Map(desired.services.map((service) => [service.id, service]));
  for (const service of desired.services) {
    const reading = observed.get(service.supervisor);
    const note = reading?.kind === 'unreadable' ? reading.problem.summary : null;
    if (service.state === 'absent' && note === null) continue;
    rows.set(service.id, {
      ...EMPTY,
      ...named(service.id, service),
      state: note === null ? 'ABSENT' : 'UNREADABLE',
      note,
    });
  }
  const found = new Set<ServiceId>();
  for (const [supervisor, reading] of observed) {
    if (reading.kind === 'unreadable') continue;
    for (const object of reading.objects) {
      const service = declared.get(object.id);
      // While it is handed over it may be elsewhere too; what others have there of its name is not it.
      const elsewhere = service !== undefined && service.supervisor !== supervisor;
      if (elsewhere && (found.has(object.id) || (object.kind === 'actual' && object.owner.kind === 'foreign')))
        continue;
      if (!elsewhere) found.add(object.id);
      const base = { ...EMPTY, ...named(object.id, service), supervisor };
      if (object.kind === 'unreadable')
        rows.set(object.id, { ...base, state: 'UNREADABLE', note: object.problem.summary });
      else if (object.owner.kind === 'ours')
        rows.set(object.id, { ...base, ...ofRun(object, service, health(object.id, service)) });
      else if (service !== undefined) rows.set(object.id, { ...base, note: `belongs to '${object.owner.owner}'` });
    }
  }
  for (const [id, { until, expired }] of holds) {
    const row = rows.get(id);
    const left = `left as somebody made it until ${iso(until)}; to end that: reconcile start ${id}`;
    if (row !== undefined && !expired)
      rows.set(id, { ...row, note: row.note === null ? left : `${row.note}; ${left}` });
  }
  for (const [id, { rounds, evidence }] of duels) {
    const row = rows.get(id);
    const left = [`left alone: somebody undid it ${rounds} times`, ...evidence].join('; ');
    const end = `once that is over: reconcile start ${id}`;
    if (row !== undefined)
      rows.set(id, { ...row, note: [row.note, left, end].filter((text) => text !== null).join('; ') });
  }
  for (const [id, { commit, to, left }] of desired.quarantined ?? []) {
    const row = rows.get(id);
    if (row === undefined) continue;
    const note = [row.note, `${commit} is quarantined`].filter((text) => text !== null).join('; ');
    // It is as of the commit that it was put back to, whichever was in force when that was done.
    rows.set(id, { ...row, note, ...(to === undefined || left ? {} : { revision: to }) });
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const EMPTY = {
  pid: null,
  since: null,
  restarts: 0,
  health: 'none',
  definition: 'none',
  revision: null,
  note: null,
} as const;

function named(
  id: ServiceId,
  service: Service | undefined,
): Pick<ServiceStatus, 'name' | 'supervisor' | 'desired' | 'state'> {
  return {
    name: id,
    supervisor: service?.supervisor ?? 'builtin',
    desired: service?.state ?? 'undeclared',
    state: 'ABSENT',
  };
}

function ofRun(actual: Actual, service: Service | undefined, health: HealthState): Partial<ServiceStatus> {
  const { run } = actual;
  const common = {
    restarts: actual.restarts,
    revision: actual.revision ?? null,
    health: health.kind,
    note: service === undefined ? 'no longer in Git' : null,
  };
  switch (run.kind) {
    case 'running':
    case 'starting': {
      const state = run.kind === 'running' ? 'RUNNING' : 'STARTING';
      const sick =
        health.kind === 'unhealthy'
          ? `${health.about === 'self' ? '' : 'dependency '}${health.probe}: ${health.why}`
          : null;
      const { pid, definition } = run;
      return { ...common, state, pid, since: iso(run.since), definition, note: sick ?? common.note };
    }
    case 'backoff':
      return {
        ...common,
        state: 'BACKOFF',
        note: `ended with ${formatExit(run.exit)}; starts again at ${iso(run.until)}`,
      };
    case 'stopping':
      return { ...common, state: 'STOPPING', pid: run.pid };
    case 'stopped': {
      const waits = service?.state === 'running' && !service.autostart && !run.started;
      return {
        ...common,
        state: 'STOPPED',
        note: waits ? `waiting for a first start: reconcile start ${actual.id}` : common.note,
      };
    }
    case 'exited':
      return {
        ...common,
        state: 'EXITED',
        since: iso(run.at),
        note: `ended with ${formatExit(run.exit)}, as its restart policy allows`,
      };
    case 'fatal':
      return {
        ...common,
        state: 'FATAL',
        since: iso(run.at),
        note: `${run.reason}; to try again: reconcile start ${actual.id}`,
      };
    case 'held':
      return {
        ...common,
        state: 'HELD',
        note: `${run.reason}; next trial at ${iso(run.until)}, or reconcile start ${actual.id}`,
      };
    default:
      return unreachable(run);
  }
}

export function formatExit(exit: Exit): string {
  switch (exit.kind) {
    case 'code':
      return `exit code ${exit.code}`;
    case 'signal':
      return `signal ${exit.signal}`;
    case 'unknown':
      return 'an unknown exit';
    default:
      return unreachable(exit);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
