import { Failure, type Problem } from '../../problem.ts';
import type { Scope } from '../shared/bus-address.ts';
import { Turns } from '../shared/turns.ts';
import { unitPath } from './bus-path.ts';
import { type JobEnd, Jobs } from './jobs.ts';
import { type Link, type LinkCall, openLink } from './link.ts';
import { News } from './news.ts';
import {
  faceOf,
  type PropertyName,
  type PropertyValue,
  propertyValue,
  type UnitProperties,
  unitOf,
} from './properties.ts';
import { checked, type LinkChange, type ListedUnit, linkChanges, listedUnits, versionOf } from './replies.ts';
import { type Heard, hear, MANAGER, MANAGER_PATH, PROPERTIES } from './signals.ts';

export type { Scope } from '../shared/bus-address.ts';
export type { JobEnd, JobResult } from './jobs.ts';
export type { PropertyName, PropertyValue, ServiceProperties, UnitProperties } from './properties.ts';
export type { LinkChange, ListedUnit } from './replies.ts';

export type ManagerEvent =
  | Heard
  /** From now on changes may be missed. */
  | { readonly kind: 'lost'; readonly problem: Problem }
  /** They are heard again; read anew what matters. */
  | { readonly kind: 'back' };

/**
 * systemd, asked over D-Bus. Every method throws a Failure that says "cannot X: why", and ends: within 25 s, a reload
 * within 90 s, a job when systemd says so, on abort, or when nothing can be learnt of it any more. The codes a caller may
 * want to know: `no-such-unit`, `unit-masked`, `not-permitted`, `systemd-busy` (no answer in time), `systemd-gone` and
 * `bus-lost` (it may be done or not). While systemd or the bus restarts, calls wait up to 5 s for it.
 */
export interface Manager extends AsyncDisposable {
  /** 252. */
  readonly version: number;
  /** What is loaded, by patterns of names (`*.service`); units nobody uses may be missing, aliases are. One call. */
  listUnits(patterns: readonly string[]): Promise<readonly ListedUnit[]>;
  /**
   * All of one unit, by any of its names. A unit that is not there has `load: 'not-found'`. The first time after a reload
   * this costs systemd some 5 ms. A template (`name@.service`) is no unit.
   */
  unit(name: string): Promise<UnitProperties>;
  /** One property; a thousand may be asked at once. */
  property<N extends PropertyName>(unit: string, name: N): Promise<PropertyValue<N>>;
  /** How systemd is: starting, running, degraded, stopping, … */
  state(): Promise<string>;
  start(unit: string, signal: AbortSignal): Promise<JobEnd>;
  stop(unit: string, signal: AbortSignal): Promise<JobEnd>;
  /** Starts what does not run. */
  restart(unit: string, signal: AbortSignal): Promise<JobEnd>;
  /** Has the service read its own configuration again. */
  reloadUnit(unit: string, signal: AbortSignal): Promise<JobEnd>;
  /** Signals the main process of a unit, or all in its control group. */
  kill(unit: string, who: 'main' | 'all', signal: number): Promise<void>;
  resetFailed(unit: string): Promise<void>;
  /** daemon-reload. */
  reload(): Promise<void>;
  /** `installable`: false where the unit has no [Install] section, so that nothing was to be done. None of these reloads. */
  enable(
    units: readonly string[],
    how?: UnitFileOptions,
  ): Promise<{ readonly installable: boolean; readonly changes: readonly LinkChange[] }>;
  disable(units: readonly string[], how?: Pick<UnitFileOptions, 'runtime'>): Promise<readonly LinkChange[]>;
  mask(units: readonly string[], how?: UnitFileOptions): Promise<readonly LinkChange[]>;
  unmask(units: readonly string[], how?: Pick<UnitFileOptions, 'runtime'>): Promise<readonly LinkChange[]>;
  /**
   * Tells what happens, as it happens; a nudge, never the truth. Nothing of units is told while systemd reloads: then it
   * speaks of all of them.
   */
  watch(listener: (event: ManagerEvent) => void): Disposable;
}

export interface UnitFileOptions {
  /** Until the next boot. */
  readonly runtime?: boolean;
  /** Replace links that point elsewhere. */
  readonly force?: boolean;
}

/**
 * So many jobs are under way at a time. systemd asks the bus to tell it when the client of a job goes away, for each job;
 * beyond 512 such rules the bus refuses, and systemd takes that for the end of the bus (seen with 252).
 */
const JOBS = 128;

/** ms. A reload of a thousand units takes a second or two, on a host that is busy many more. */
const RELOAD_LIMIT = 90_000;

/** Throws a Failure: `no-systemd`, `no-bus`, `not-permitted`, … */
export async function connectManager(scope: Scope, signal?: AbortSignal): Promise<Manager> {
  const listeners = new Set<(event: ManagerEvent) => void>();
  const tell = (event: ManagerEvent) => {
    for (const listener of [...listeners]) listener(event);
  };
  const jobs = new Jobs((path, act) => isThere(link, path, act));
  const news = new News(RELOAD_LIMIT);
  const link = await openLink(
    scope,
    {
      signal: (raw) => {
        const heard = hear(raw);
        if (heard === undefined) return;
        if (heard.kind === 'job-ended') jobs.ended(heard.path, heard.result);
        if (news.has(heard)) tell(heard);
      },
      down: (problem) => {
        tell({ kind: 'lost', problem });
        // Each waits for the link to be up again, and then is sure.
        jobs.askAfterAll();
      },
      up: () => {
        news.reloaded();
        tell({ kind: 'back' });
      },
    },
    signal,
  );
  try {
    const act = 'ask for the version of systemd';
    const [text] = await link.call(act, get(MANAGER_PATH, MANAGER, 'Version'));
    const version = checked(act, () => versionOf(text));
    return createManager(link, jobs, listeners, version);
  } catch (error) {
    link.close();
    throw error;
  }
}

function createManager(
  link: Link,
  jobs: Jobs,
  listeners: Set<(event: ManagerEvent) => void>,
  version: number,
): Manager {
  const ask = <T>(act: string, call: LinkCall, read: (body: readonly unknown[]) => T): Promise<T> =>
    link.call(act, call).then((body) => checked(act, () => read(body)));
  const manage = (member: string, signature: string, body: readonly unknown[]) => ({
    path: MANAGER_PATH,
    interface: MANAGER,
    member,
    ...(body.length === 0 ? {} : { signature, body }),
  });
  const turns = new Turns(JOBS);
  const job = (act: string, member: string, unit: string, signal: AbortSignal) => {
    const begin = () => ask(act, manage(member, 'ss', [unit, 'replace']), ([path]) => String(path));
    return turns.take(Number.POSITIVE_INFINITY, never, () => jobs.run(act, begin, signal));
  };
  const none = () => {};

  return {
    version,
    listUnits: (patterns) =>
      ask(
        'list the units of systemd',
        { ...manage('ListUnitsByPatterns', 'asas', [[], patterns]), reads: true },
        ([list]) => listedUnits(list),
      ),
    unit: (name) => {
      const call = {
        reads: true,
        path: unitPath(name),
        interface: PROPERTIES,
        member: 'GetAll',
        signature: 's',
        body: [''],
      };
      return ask(`read ${name}`, call, ([all]) => unitOf(all));
    },
    property: (unit, name) =>
      ask(`read ${name} of ${unit}`, get(unitPath(unit), faceOf(name), name), ([value]) => propertyValue(name, value)),
    state: () => ask('ask systemd how it is', get(MANAGER_PATH, MANAGER, 'SystemState'), ([state]) => String(state)),
    start: (unit, signal) => job(`start ${unit}`, 'StartUnit', unit, signal),
    stop: (unit, signal) => job(`stop ${unit}`, 'StopUnit', unit, signal),
    restart: (unit, signal) => job(`restart ${unit}`, 'RestartUnit', unit, signal),
    reloadUnit: (unit, signal) => job(`reload ${unit}`, 'ReloadUnit', unit, signal),
    kill: (unit, who, signal) => ask(`signal ${unit}`, manage('KillUnit', 'ssi', [unit, who, signal]), none),
    resetFailed: (unit) => ask(`reset ${unit}`, manage('ResetFailedUnit', 's', [unit]), none),
    reload: () => ask('reload systemd', { ...manage('Reload', '', []), limit: RELOAD_LIMIT }, none),
    enable: (units, { runtime = false, force = false } = {}) =>
      ask(
        `enable ${units.join(', ')}`,
        manage('EnableUnitFiles', 'asbb', [units, runtime, force]),
        ([installable, changes]) => ({ installable: installable === true, changes: linkChanges(changes) }),
      ),
    disable: (units, { runtime = false } = {}) =>
      ask(`disable ${units.join(', ')}`, manage('DisableUnitFiles', 'asb', [units, runtime]), ([made]) =>
        linkChanges(made),
      ),
    mask: (units, { runtime = false, force = false } = {}) =>
      ask(`mask ${units.join(', ')}`, manage('MaskUnitFiles', 'asbb', [units, runtime, force]), ([made]) =>
        linkChanges(made),
      ),
    unmask: (units, { runtime = false } = {}) =>
      ask(`unmask ${units.join(', ')}`, manage('UnmaskUnitFiles', 'asb', [units, runtime]), ([made]) =>
        linkChanges(made),
      ),
    watch: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => listeners.delete(listener) };
    },
    [Symbol.asyncDispose]: async () => {
      listeners.clear();
      link.close();
    },
  };
}

function get(path: string, face: string, property: string): LinkCall {
  return { reads: true, path, interface: PROPERTIES, member: 'Get', signature: 'ss', body: [face, property] };
}

/** Is this job still there? Asked by systemd's answer to any of its properties. */
async function isThere(link: Link, path: string, act: string): Promise<boolean> {
  try {
    await link.call(act, get(path, 'org.freedesktop.systemd1.Job', 'State'));
    return true;
  } catch (error) {
    if (error instanceof Failure && error.problems[0]?.code === 'no-such-object') return false;
    throw error;
  }
}

function never(): Error {
  return new Error('a job waits as long as it takes');
}
