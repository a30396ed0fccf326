import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beganAt, bootId, variableOf } from '../../host/procfs.ts';
import type { Actual, Reading, Run, ServiceId, UnreadableObject } from '../../model.ts';
import { unreachable, why } from '../../problem.ts';
import { parseStamp, STAMP } from '../../stamp.ts';
import { settingsOf } from '../shared/settings.ts';
import { keptElsewhere } from './elsewhere.ts';
import { type Reality, realityOf } from './reality.ts';
import { folderOf, readRecord, type ServiceRecord } from './record.ts';
import { findMain, guessMains, type Processes, type Scanner, type Seen } from './scan.ts';

/** Longer than any supervisor is late: what should have been started by then has nobody who does. */
const LATE = 2000;
/** How often and how long (ms) to wait for a shim that is about to start its command, or to end. */
const LOOKS = [1, 2, 5, 10, 20, 50];

export interface Observer {
  readonly owner: string;
  readonly services: string;
  readonly scanner: Scanner;
  /** The one who asks supervises: what has just ended is about to be started again. */
  readonly supervises: boolean;
}

/** A pure reading of the records and of /proc, the same with or without a daemon. `known` processes are another's. */
export async function observe(observer: Observer, known?: ReadonlySet<number>): Promise<Reading> {
  let names: readonly string[];
  try {
    names = readdirSync(observer.services);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      const summary = `cannot read the runtime folder: ${why(error)}`;
      return { kind: 'unreadable', problem: { code: 'runtime-unreadable', summary, file: observer.services } };
    }
    names = [];
  }
  const objects = new Map<ServiceId, Actual | UnreadableObject>();
  const resting: ServiceRecord[] = [];
  const recorded = new Set<number>(known);
  const records: ServiceRecord[] = [];
  for (const id of names) {
    const read = readRecord(observer.services, id);
    if (read.kind === 'unreadable') objects.set(id, { kind: 'unreadable', id, problem: read.problem });
    if (read.kind === 'record') records.push(read.record);
  }
  for (const [record, reality] of await settled(observer, records)) {
    const { id } = record;
    objects.set(id, actual(observer, record, runOf(record, reality, observer.supervises, Date.now())));
    // Its shim's number is nobody else's while its session lives.
    if (reality.kind === 'living') recorded.add(reality.main.pid).add(reality.group);
    else if (record.owner === observer.owner) resting.push(record);
  }
  const processes = observer.scanner.take(recorded);
  for (const record of resting) {
    const main = unrecorded(processes, record, observer.owner);
    if (main) objects.set(record.id, unrecordedActual(observer, record, main));
  }
  for (const [id, main] of guessMains(processes, observer.owner)) {
    if (!objects.has(id)) objects.set(id, withoutRecord(observer, id, main));
  }
  return { kind: 'read', objects: [...objects.values()].sort((a, b) => (a.id < b.id ? -1 : 1)) };
}

/** One service alone; undefined where there is nothing of it. */
export async function observeOne(observer: Observer, id: ServiceId): Promise<Actual | UnreadableObject | undefined> {
  const read = readRecord(observer.services, id);
  if (read.kind === 'unreadable') return { kind: 'unreadable', id, problem: read.problem };
  if (read.kind === 'record') {
    const { record } = read;
    const reality = await settledOne(observer, record);
    if (reality.kind !== 'living') {
      const main = unrecorded(await observer.scanner.fresh(), record, observer.owner);
      if (main) return unrecordedActual(observer, record, main);
    }
    return actual(observer, record, runOf(record, reality, observer.supervises, Date.now()));
  }
  const main = guessMains(await observer.scanner.fresh(), observer.owner).get(id);
  return main === undefined ? undefined : withoutRecord(observer, id, main);
}

/** Waits out the moments in which a shim lives without its command: of all together, for as long as of the last of them. */
async function settled(
  { services }: Observer,
  records: readonly ServiceRecord[],
): Promise<ReadonlyMap<ServiceRecord, Reality>> {
  const look = (record: ServiceRecord) => realityOf(folderOf(services, record.id), record);
  const found = new Map(records.map((record) => [record, look(record)]));
  for (const wait of LOOKS) {
    const between = records.filter((record) => found.get(record)?.kind === 'between');
    if (between.length === 0) break;
    await sleep(wait);
    for (const record of between) found.set(record, look(record));
  }
  return found;
}

async function settledOne(observer: Observer, record: ServiceRecord): Promise<Reality> {
  const found = await settled(observer, [record]);
  return found.get(record) ?? realityOf(folderOf(observer.services, record.id), record);
}

/** What the state in a record means, given what there is. */
export function runOf(record: ServiceRecord, reality: Reality, supervised: boolean, now: number): Run {
  const { machine, main, definition } = record;
  const { state } = machine;
  if (reality.kind === 'rebooted' || (reality.kind === 'unborn' && !supervised))
    return { kind: 'stopped', started: false };
  if (reality.kind === 'living') {
    const { pid } = reality.main;
    if (state.name === 'STOPPING') return { kind: 'stopping', pid };
    const hash = main?.pid === pid ? main.hash : stampHash(pid);
    const freshness = hash === undefined ? 'unknown' : hash === definition.hash ? 'current' : 'stale';
    const starting =
      state.name === 'STARTING' &&
      now < state.since + settingsOf(record.id, definition.fields, record.logDir).rules.ready;
    return { kind: starting ? 'starting' : 'running', pid, since: reality.since, definition: freshness };
  }
  const exit = reality.kind === 'gone' ? reality.exit : ({ kind: 'unknown' } as const);
  switch (state.name) {
    case 'STARTING':
    case 'RUNNING':
      // Seen in the moment between its end and what its supervisor makes of it, or nobody watches it.
      if (supervised || reality.kind === 'between') return { kind: 'backoff', until: now, exit };
      return { kind: 'exited', exit, at: (reality.kind === 'gone' ? reality.at : undefined) ?? now };
    case 'BACKOFF':
      if (!supervised && state.until + LATE < now) return { kind: 'exited', exit: state.exit, at: state.until };
      return { kind: 'backoff', until: state.until, exit: state.exit };
    case 'STOPPING':
    case 'STOPPED':
      return { kind: 'stopped', started: record.started };
    case 'EXITED':
      return { kind: 'exited', exit: state.exit, at: state.at };
    case 'FATAL':
      return { kind: 'fatal', exit: state.exit, at: state.at, reason: state.reason };
    case 'HELD':
      return { kind: 'held', exit: state.exit, until: state.until, reason: state.reason };
    default:
      return unreachable(state);
  }
}

function actual(observer: Observer, record: ServiceRecord, run: Run): Actual {
  const { id, owner, definition, machine, revision } = record;
  return {
    kind: 'actual',
    id,
    owner: owner === observer.owner ? { kind: 'ours' } : { kind: 'foreign', owner },
    definition,
    run,
    restarts: machine.restarts,
    ...(revision === undefined ? {} : { revision }),
  };
}

function withoutRecord({ services }: Observer, id: ServiceId, main: Seen): Actual {
  const hash = main.stamp?.hash;
  const run = running(main, hash);
  return { kind: 'actual', id, owner: ownerOf(main, services), definition: { hash }, run, restarts: 0 };
}

/** A record of ours, and a process that is not the one in it. */
function unrecordedActual(observer: Observer, record: ServiceRecord, main: Seen): Actual {
  const run = running(main, record.definition.hash);
  return { ...actual(observer, record, run), owner: ownerOf(main, observer.services) };
}

function ownerOf(main: Seen, services: string): Actual['owner'] {
  return keptElsewhere(main, services) ?? { kind: 'ours' };
}

function running(main: Seen, hash: string | undefined): Run {
  const definition = main.stamp === undefined ? 'unknown' : main.stamp.hash === hash ? 'current' : 'stale';
  return { kind: 'running', pid: main.pid, since: beganAt(main), definition };
}

/** A process that is a service's by its stamp and its exact command, but not the one in its record. */
export function unrecorded(processes: Processes, record: ServiceRecord, owner: string): Seen | undefined {
  if (record.boot !== bootId()) return undefined;
  const { command } = settingsOf(record.id, record.definition.fields, record.logDir);
  return findMain(processes.values(), { owner, id: record.id }, command);
}

export function stampHash(pid: number): string | undefined {
  return parseStamp(variableOf(pid, STAMP) ?? '')?.hash;
}
