import { conflictsIn, readClaims } from './graph/claims.ts';
import { declaredOf } from './graph/declared.ts';
import { type Manager, nameOfManager } from './graph/managers.ts';
import { match } from './graph/match.ts';
import { plausible } from './graph/plausible.ts';
import { createProcessTable, type Process, type Processes } from './graph/processes.ts';
import { straysOf } from './graph/strays.ts';
import { linkOf, variableOf } from './host/procfs.ts';
import type { Desired, Notice, Observed, Service, ServiceId } from './model.ts';
import type { Stray } from './planner/declared.ts';
import type { InPlace } from './planner/handover.ts';
import { STAMP } from './stamp.ts';
import { programsFile } from './supervisors/supervisord/programs-file.ts';
import { keyOfThing, type Thing } from './thing.ts';

/** Who else runs, or would run, what is declared. */
export interface Surroundings {
  readonly strays: readonly (Stray & { readonly thing: Thing; readonly start: number })[];
  readonly conflicts: readonly Extract<Notice, { readonly kind: 'conflict' }>[];
}

/** Remembers what it read of processes that go on running: a daemon looks again and again. */
const processTable = createProcessTable();

/** What was read of the host at one time, to be asked of. */
export interface View {
  readonly processes: Processes;
  /** Does a thing run the service, as far as can be told? What does not, restarts it or is a watchdog: it goes first. */
  isCopy(thing: Thing, service: Service): boolean;
  around(observed: Observed, inPlace: ReadonlyMap<ServiceId, InPlace>): Surroundings;
}

/** Reads only. */
export function readSurroundings({ services, instances, policy }: Desired): View {
  const { owner } = policy;
  const processes = processTable();
  const supervisords = instances.map((instance) => ({ config: instance.config, own: programsFile(instance, owner) }));
  const { claims } = readClaims({ owner, supervisords, processes });
  const declared = services.filter(({ state }) => state !== 'absent').map(declaredOf);
  return {
    processes,
    isCopy: (thing, service) => {
      const { command, directory } = service.written;
      switch (thing.kind) {
        case 'cron':
        case 'timer':
          return false;
        case 'process':
          return command !== undefined && match({ argv: thing.command }, { command, directory }).kind !== 'none';
        case 'unit':
        case 'program': {
          // An older version may be another command: only what is seen to restart the service is no copy of it.
          const own = claims.filter((claim) => keyOfThing(claim.thing) === keyOfThing(thing));
          const does = conflictsIn([declaredOf(service)], own, true).map((conflict) => conflict.does);
          return !does.includes('restarts') || does.includes('runs');
        }
      }
    },
    around: (observed, inPlace) => {
      const run = pidsOf(observed);
      const known = new Set([...run, ...shimsOf(run, processes), ...[...inPlace.values()].flatMap(pidsIn)]);
      const others = [...processes].filter(({ pid }) => !known.has(pid)).map(lineOf);
      const strays = straysOf(plausible(declared, others), known, processes).filter(isOfNobody);
      return {
        strays: strays.map(({ service, pid, start, match, manager, why }) => {
          const thing: Thing = { kind: 'process', command: processes.get(pid)?.argv ?? [] };
          return { service, pid, start, exact: match.kind === 'exact', by: byWhom(manager), why, thing };
        }),
        conflicts: conflictsIn(declared, claims).map(({ service, where, why, thing }) => {
          return { kind: 'conflict' as const, service, where, why, supersedes: written(thing) };
        }),
      };
    },
  };
}

/** `run by unit web.service`; `and nobody supervises it` where that is so. */
function byWhom(manager: Manager): string {
  return manager.kind === 'unknown' || manager.kind === 'session'
    ? 'and nobody supervises it'
    : `run by ${nameOfManager(manager)}`;
}

/** With the program itself, where the arguments are written over. */
function lineOf(process: Process): readonly string[] {
  const { argv } = process;
  return /[\s:]/.test(argv[0] ?? '') ? [...argv, (process.exe ?? '').replace(/ \(deleted\)$/, '')] : argv;
}

/** What bears a stamp is some supervisor's to find again; what lives in another container is no copy of ours. */
function isOfNobody({ pid }: { readonly pid: number }): boolean {
  return variableOf(pid, STAMP) === undefined && linkOf(pid, 'ns/pid') === linkOf('self', 'ns/pid');
}

function pidsOf(observed: Observed): number[] {
  return [...observed.values()].flatMap((reading) => {
    if (reading.kind === 'unreadable') return [];
    return reading.objects.flatMap((object) =>
      object.kind === 'actual' && 'pid' in object.run ? [object.run.pid] : [],
    );
  });
}

/** What the embedded supervisor puts before each of its processes. */
function shimsOf(pids: readonly number[], processes: Processes): number[] {
  return pids.flatMap((pid) => {
    const parent = processes.get(processes.get(pid)?.ppid ?? 0);
    // Nobody else's shell is the parent of what a supervisor runs; an orphan's parent is none.
    return parent?.comm === 'sh' && parent.pid !== 1 ? [parent.pid] : [];
  });
}

function pidsIn({ things }: InPlace): number[] {
  return things.flatMap(({ state }) => (state.kind === 'there' ? state.processes.map(({ pid }) => pid) : []));
}

/** As it would be written in a service file. */
function written(thing: Thing): string {
  switch (thing.kind) {
    case 'unit':
      return `{ unit: ${thing.unit} }`;
    case 'timer':
      return `{ timer: ${thing.timer} }`;
    case 'program':
      return `{ program: ${thing.program}, config: ${thing.config} }`;
    case 'process': {
      const user = thing.user === undefined ? '' : `, user: ${thing.user}`;
      return `{ process: ${JSON.stringify(thing.command)}${user} }`;
    }
    case 'cron':
      return `{ cron: ${JSON.stringify(thing.line)} }`;
  }
}
