import { type FSWatcher, mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Monitor } from '../../health/health.ts';
import type { Definition, Outcome, OwnStep, Reading, Service, ServiceId } from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import { openRestarts, type Restarts } from '../../restarts/restarts.ts';
import { check } from '../shared/check.ts';
import { writeFiles } from '../shared/files.ts';
import { makeFolders } from '../shared/folders.ts';
import { rotateLogs } from '../shared/rotation.ts';
import { settingsOf } from '../shared/settings.ts';
import type { Supervisor } from '../supervisor.ts';
import { define } from './define.ts';
import type { BuiltinEvent } from './events.ts';
import { BUILTIN_FIELDS } from './fields.ts';
import { checkLinks } from './launch.ts';
import { logPlaces } from './log-places.ts';
import { type Observer, observe } from './observe.ts';
import { readRecord } from './record.ts';
import { createScanner } from './scan.ts';
import { openScopes } from './scopes.ts';
import { Starts } from './starts.ts';
import { type StepContext, take } from './steps.ts';
import type { Surroundings } from './surroundings.ts';
import { cannotTouch, touch } from './touch.ts';
import { Unit } from './unit.ts';

export type { BuiltinEvent } from './events.ts';

export interface BuiltinOptions {
  readonly owner: string;
  /** Holds `services/ID/` for each service. */
  readonly runtimeDir: string;
  /** Where logs go that no service says another place for. */
  readonly logDir: string;
  /** In a daemon: `adopt` at once, and keep alive. Else for one apply, that leaves alone what it has started. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** Does a person want it left alone, so that it stays down once it ends? Absent: none is. */
  readonly isHeld?: (id: ServiceId) => boolean;
  /** Absent: one of its own. */
  readonly restarts?: Restarts;
  readonly whoListens?: WhoListens;
  /** What is being applied, for the records. */
  readonly revision?: (id: ServiceId) => string;
  readonly onEvent?: (event: BuiltinEvent) => void;
}

export interface Builtin extends Supervisor {
  /** Takes back all services of this owner: what runs, what ended meanwhile, what waits to be started again. */
  adopt(): Promise<void>;
  /**
   * Stops all services that were adopted or applied: each as soon as all that are `after` it are gone. Resolves when all
   * are gone, or on abort.
   */
  stopAll(signal: AbortSignal, after?: (id: ServiceId) => readonly ServiceId[]): Promise<void>;
}

/** How often (ms) logs are looked at: all, and as long as one of them keeps growing out of its size. */
const ROTATION = 10_000;
const ROTATION_GROWN = 1000;

/** The embedded supervisor. Disposing of it touches no service. */
export function createBuiltin(options: BuiltinOptions): Builtin {
  const { owner, logDir, supervise, monitor, isHeld = () => false } = options;
  const services = join(options.runtimeDir, 'services');
  const emit = options.onEvent ?? (() => {});
  const scanner = createScanner();
  const units = new Map<ServiceId, Unit>();
  const scopes = supervise ? openScopes((problem) => emit({ kind: 'trouble', problem })) : undefined;
  const restarts = options.restarts ?? openRestarts({ runtimeDir: options.runtimeDir });
  const { whoListens } = options;
  const starts = new Starts();
  const around: Surroundings = {
    ...{
      owner,
      services,
      logDir,
      supervise,
      monitor,
      isHeld,
      restarts,
      whoListens,
      scanner,
      scopes,
      emit,
      starts,
    },
  };
  const observer: Observer = { owner, services, scanner, supervises: supervise };
  const checkAs = async (service: Service, { fields }: Definition) => {
    const settings = settingsOf(service.id, fields, logDir);
    return (await check(service, settings, logDir)) ?? checkLinks(service, settings);
  };
  const checkService = async (service: Service): Promise<Problem | undefined> => {
    const definition = define(service);
    if (Array.isArray(definition)) return definition[0];
    return checkAs(service, definition);
  };
  const context: StepContext = {
    around,
    observer,
    units,
    revision: (id) => options.revision?.(id),
    check: async ({ target }) => target && checkAs(target.service, target.definition),
  };
  let rotation: NodeJS.Timeout | undefined;
  const rotateIn = (wait: number) => {
    rotation = setTimeout(async () => {
      const running = [...units.values()].filter(({ pid }) => pid !== undefined);
      const logging = running.map(({ id, settings }) => ({ id, logs: settings.logs }));
      const grown = await rotateLogs(logging, (service, problem) =>
        emit({ kind: 'service-trouble', service, problem }),
      );
      if (rotation !== undefined) rotateIn(grown ? ROTATION_GROWN : ROTATION);
    }, wait);
  };
  if (supervise) rotateIn(ROTATION);
  /** Two steps of one service never overlap. */
  const last = new Map<ServiceId, Promise<unknown>>();

  return {
    name: 'builtin',
    shared: false,
    fields: BUILTIN_FIELDS,
    define,
    check: checkService,
    observe: (_signal, _declared, { known } = {}): Promise<Reading> => starts.behind(() => observe(observer, known)),
    prepare: async (steps) => {
      const { refused } = writeFiles(steps, ({ action }) => action !== 'remove');
      return new Map([...refused, ...(await makeFolders(steps))]);
    },
    apply: (step: OwnStep, signal: AbortSignal): Promise<Outcome> => {
      // What gets a scope of its own is waited for by us until it is there.
      if (scopes === undefined) starts.expect(last.size);
      const outcome = (last.get(step.service) ?? Promise.resolve()).then(() => take(context, step, signal));
      const settled = outcome.catch(() => {});
      last.set(step.service, settled);
      void settled.then(() => last.get(step.service) === settled && last.delete(step.service));
      return outcome;
    },
    cannotTouch,
    touch: (service, what, _pid, signal) => touch(observer, service, what, signal),
    watch: (nudge) => watchFolder(options.runtimeDir, nudge),
    logs: async (asked) => logPlaces(services, owner, asked),
    adopt: async () => {
      scopes?.warm();
      const processes = scanner.take();
      const found = readNames(services).flatMap((id) => {
        const read = readRecord(services, id);
        return read.kind === 'record' && read.record.owner === owner ? [new Unit(around, read.record)] : [];
      });
      await Promise.all(
        found.map(async (unit) => {
          units.set(unit.id, unit);
          // A user that is gone: what runs is taken back all the same.
          await unit.prepare().catch(() => {});
          unit.resume(processes);
        }),
      );
    },
    stopAll: async (signal, after = () => []) => {
      const dependents = new Map<ServiceId, ServiceId[]>();
      for (const id of units.keys())
        for (const need of after(id)) dependents.set(need, [...(dependents.get(need) ?? []), id]);
      const stops = new Map<ServiceId, Promise<void>>();
      const stop = (unit: Unit): Promise<void> => {
        const known = stops.get(unit.id);
        if (known !== undefined) return known;
        const before = (dependents.get(unit.id) ?? []).flatMap((id) => units.get(id) ?? []);
        const stopped = Promise.all(before.map(stop)).then(() => {
          if (signal.aborted) return;
          unit.stop();
          return unit.until(({ name }) => name === 'STOPPED', signal);
        });
        stops.set(unit.id, stopped);
        return stopped;
      };
      await Promise.all([...units.values()].map(stop));
    },
    [Symbol.asyncDispose]: async () => {
      clearTimeout(rotation);
      rotation = undefined;
      for (const unit of units.values()) unit.close();
      units.clear();
      await starts[Symbol.asyncDispose]();
      scopes?.close();
      if (options.restarts === undefined) restarts[Symbol.dispose]();
    },
  };
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Notices folders of services that come and go, and when the folder of all of them does. Where the kernel has no watch
 * left, nothing is noticed: whoever watches looks now and then by himself too.
 */
function watchFolder(runtimeDir: string, nudge: () => void): AsyncDisposable {
  const services = join(runtimeDir, 'services');
  const begin = (folder: string, listener: (name: string | null) => void): FSWatcher | undefined => {
    try {
      return watch(folder, (_event, name) => listener(name)).on('error', () => {});
    } catch {
      return undefined;
    }
  };
  const watchServices = () => {
    mkdirSync(services, { recursive: true, mode: 0o700 });
    return begin(services, nudge);
  };
  let inner = watchServices();
  const outer = begin(runtimeDir, (name) => {
    if (name !== 'services') return;
    inner?.close();
    inner = watchServices();
    nudge();
  });
  return {
    [Symbol.asyncDispose]: async () => {
      outer?.close();
      inner?.close();
    },
  };
}
