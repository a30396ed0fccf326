import { type Board, createBoard, UNPROBED } from './health/board.ts';
import { failingText } from './health/cause.ts';
import type {
  Actual,
  Cause,
  Desired,
  Exit,
  HealthState,
  Observed,
  Run,
  Service,
  ServiceId,
  ServiceStatus,
  Status,
} from './model.ts';
import { exitAllowed } from './planner/exits.ts';
import { unreachable } from './problem.ts';

/** What is known of how well services are. */
export interface HealthView {
  readonly stateOf: (id: ServiceId, service: Service | undefined) => HealthState;
  readonly board: Pick<Board, 'levelOf' | 'causeOf' | 'failing' | 'groups' | 'host'>;
}

/** Where no daemon runs nobody probes: how well they are is told from what runs alone. */
export function unprobed(desired: Desired, observed: Observed): HealthView {
  const board = createBoard(UNPROBED);
  board.see(desired, observed);
  const stateOf: HealthView['stateOf'] = (_, service) => {
    return { kind: (service?.written.health ?? []).length > 0 ? 'unknown' : 'none' };
  };
  return { stateOf, board };
}

/** How all are together. */
export function healthOfAll({ board }: HealthView): Pick<Status, 'host' | 'groups'> {
  const groups = [...board.groups()].map(([name, level]) => ({ name, level: level ?? null }));
  return { host: board.host(), groups };
}

/** What `status` tells: every declared service and every object of ours, by name. Pure. */
export function statusOf(
  desired: Desired,
  observed: Observed,
  health: HealthView,
  left: ReadonlyMap<ServiceId, string> = new Map(),
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
      missing: isMissing(service, undefined) || (note !== null && service.state === 'running'),
      note: note ?? (isUntouched(service) ? 'nothing is done about it: `mode: observe`' : null),
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
        rows.set(object.id, {
          ...base,
          state: 'UNREADABLE',
          missing: service?.state === 'running',
          note: object.problem.summary,
        });
      else if (object.owner.kind === 'ours') rows.set(object.id, { ...base, ...ofRun(object, service, health) });
      else if (object.owner.superseded && service !== undefined) {
        const note = `it is ${object.owner.owner} still: reconcile --dry-run tells how it is taken over`;
        rows.set(object.id, { ...base, ...ofRun(object, service, health), note });
      } else if (service !== undefined)
        rows.set(object.id, {
          ...base,
          missing: isMissing(service, undefined),
          note: `belongs to '${object.owner.owner}'`,
        });
    }
  }
  for (const [id, row] of rows) rows.set(id, withHealth(row, health.board));
  for (const [id, text] of left) {
    const row = rows.get(id);
    if (row !== undefined) rows.set(id, { ...row, note: row.note === null ? text : `${row.note}; ${text}` });
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

/** What is not there yet is not to be made, as its own file says. */
function isUntouched({ written }: Service): boolean {
  return written.mode === 'observe';
}

/** Should it run by now, and does not? What could not be read is not known to. */
function isMissing(service: Service | undefined, run: Run | undefined): boolean {
  if (service?.state !== 'running') return false;
  switch (run?.kind) {
    case 'running':
    case 'starting':
      return false;
    case 'exited':
      return !exitAllowed(service, run.exit);
    case 'stopped':
      return run.started || service.autostart;
    case undefined:
      return service.autostart && !isUntouched(service);
    default:
      return true;
  }
}

const EMPTY = {
  pid: null,
  missing: false,
  since: null,
  restarts: 0,
  health: 'none',
  level: null,
  waitingFor: null,
  definition: 'none',
  revision: null,
  note: null,
} as const;

function named(
  id: ServiceId,
  service: Service | undefined,
): Pick<ServiceStatus, 'name' | 'group' | 'supervisor' | 'desired' | 'state'> {
  return {
    name: id,
    group: service?.group ?? null,
    supervisor: service?.supervisor ?? 'builtin',
    desired: service?.state ?? 'undeclared',
    state: 'ABSENT',
  };
}

/** What it waits for comes first: what it fails at itself is put down to that. */
function withHealth(row: ServiceStatus, board: HealthView['board']): ServiceStatus {
  const level = board.levelOf(row.name) ?? null;
  const cause = board.causeOf(row.name);
  if (cause === undefined) return { ...row, level };
  const note = [waitingText(cause, row.name, board), row.note].filter((text) => text !== null).join('; ');
  return { ...row, level, waitingFor: { name: cause.on, since: iso(cause.since) }, note };
}

function waitingText({ on, via, why }: Cause, id: ServiceId, board: HealthView['board']): string {
  const failing = Map.groupBy(board.failing(id), ({ probe }) => probe.about);
  const own = (failing.get('self') ?? []).map(({ probe }) => probe.name);
  const by = own.length === 0 ? '' : ` (its ${own.join(', ')} ${own.length === 1 ? 'fails' : 'fail'} by that)`;
  const others = failingText((failing.get('dependency') ?? []).filter(({ probe }) => probe.name !== on));
  const more = others === undefined ? '' : `; ${others}`;
  return `waiting for ${on}${via.length === 0 ? '' : ` by way of ${via.join(', ')}`}: ${why}${by}${more}`;
}

function ofRun(actual: Actual, service: Service | undefined, { stateOf, board }: HealthView): Partial<ServiceStatus> {
  const { run, id } = actual;
  const health = stateOf(id, service);
  const common = {
    missing: isMissing(service, run),
    restarts: actual.restarts,
    revision: actual.revision ?? null,
    health: health.kind,
    note: service === undefined ? 'no longer in Git' : null,
  };
  switch (run.kind) {
    case 'running':
    case 'starting': {
      const state = run.kind === 'running' ? 'RUNNING' : 'STARTING';
      const sick = board.causeOf(id) === undefined ? failingText(board.failing(id)) : undefined;
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
      if (run.left !== undefined) {
        const note = `its process ${run.left} goes on, looked after by nobody, until ${run.stoppedWith} is started`;
        return { ...common, state: 'STOPPED', note };
      }
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
        // Where no daemon runs nobody has started it again.
        note: `ended with ${formatExit(run.exit)}${common.missing ? '; to start it again: reconcile' : ', as its restart policy allows'}`,
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
