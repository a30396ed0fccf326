import type { Monitor } from '../../health/health.ts';
import type {
  Actual,
  Definition,
  Outcome,
  OwnStep,
  Reading,
  Service,
  ServiceId,
  UnreadableObject,
} from '../../model.ts';
import type { Problem } from '../../problem.ts';
import type { WhoListens } from '../../restarts/local-port.ts';
import type { Restarts } from '../../restarts/restarts.ts';
import type { Scope } from '../shared/bus-address.ts';
import { withHold } from '../shared/held.ts';
import { inTurns } from '../shared/outcome.ts';
import { settingsOf } from '../shared/settings.ts';
import { installedVersion } from '../shared/systemd-version.ts';
import type { Supervisor } from '../supervisor.ts';
import type { UnitOptions } from './define.ts';
import { unitDirOf } from './disk.ts';
import { Drift } from './drift.ts';
import { SYSTEMD_FIELDS } from './fields.ts';
import { createKnownRestarts } from './known-restarts.ts';
import { logPlaces } from './log-places.ts';
import type { Manager } from './manager.ts';
import { observe } from './observe.ts';
import { createPreflight } from './preflight.ts';
import { prepare } from './prepare.ts';
import { type Observer, problemOf } from './sight.ts';
import { take, unitFor } from './steps.ts';
import { createUnitTaker } from './taker.ts';
import { type SystemdEvent, Tender } from './tend.ts';
import { cannotTouch, touch } from './touch.ts';
import { Waiting } from './waiting.ts';
import { defineWhole } from './whole.ts';

export type { SystemdEvent } from './tend.ts';

export interface SystemdOptions {
  readonly owner: string;
  /** The host's own manager for root, one's own for others. */
  readonly scope: Scope;
  /** Where logs go that no service says another place for: nowhere under systemd, but probes and checks ask. */
  readonly logDir: string;
  /** In a daemon: does what systemd leaves to it. */
  readonly supervise: boolean;
  readonly monitor: Monitor;
  /** Does a person want it left alone? Absent: none is. */
  readonly isHeld?: (id: ServiceId) => boolean;
  readonly restarts: Restarts;
  readonly whoListens?: WhoListens | undefined;
  /** For what was asked of systemd and stays so until the next boot. */
  readonly knownFile?: string;
  readonly onEvent?: (event: SystemdEvent) => void;
}

/** Services as units of systemd, over D-Bus. Connects when it first has something to ask. */
export function createSystemd(options: SystemdOptions): Supervisor {
  const { owner, scope, logDir, monitor, restarts, whoListens } = options;
  const unitDir = unitDirOf(scope);
  const unitOptions: UnitOptions = { manager: scope, unitDir, owner, version: installedVersion() };
  const define = (service: Service) => defineWhole(service, unitOptions);
  const drift = new Drift();
  const known = createKnownRestarts(options.knownFile);
  let connection: Promise<{ readonly manager: Manager; readonly waiting: Waiting }> | undefined;
  const connect = () => {
    connection ??= open().catch((error: unknown) => {
      connection = undefined;
      throw error;
    });
    return connection;
  };
  const open = async () => {
    const { connectManager } = await import('./manager.ts');
    const manager = await connectManager(scope);
    drift.hear(manager);
    if (options.supervise) manager.watch((event) => event.kind === 'unit-changed' && tender.heard(event.unit));
    return { manager, waiting: new Waiting(manager) };
  };
  const observer = async (): Promise<Observer> => ({
    ...{ scope, owner, unitDir, known },
    manager: (await connect()).manager,
  });
  const preflight = createPreflight({ scope, manager: async () => (await connect()).manager }, logDir);
  const tender = new Tender({
    ...{ owner, restarts, whoListens, monitor, logDir },
    isHeld: options.isHeld ?? (() => false),
    manager: async () => (await connect()).manager,
    emit: options.onEvent ?? (() => {}),
  });

  const held = <T extends Actual | UnreadableObject>(object: T) =>
    object.kind === 'actual' && object.owner.kind === 'ours'
      ? { ...object, run: withHold(object.run, restarts.hold(object.id)) }
      : object;
  const defined = (service: Service, ask: (definition: Definition) => Promise<Problem | undefined>) => {
    const definition = define(service);
    return Array.isArray(definition) ? Promise.resolve(definition[0]) : ask(definition as Definition);
  };
  const apply = async (step: OwnStep, signal: AbortSignal): Promise<Outcome> => {
    try {
      const { waiting } = await connect();
      const probe = tender.probe.bind(tender);
      const renew = () => {
        restarts.take(step.service, { kind: 'renewed' });
        restarts.flush();
      };
      tender.begin(step.service);
      return await take({ observer: await observer(), waiting, monitor, logDir, probe, renew }, step, signal);
    } catch (error) {
      return { kind: 'failed', problem: problemOf(error) };
    } finally {
      const { target, effect } = step;
      const starts = target !== undefined && (effect === 'start' || effect === 'restart');
      const settings = starts ? settingsOf(step.service, target.definition.fields, logDir) : undefined;
      tender.end(step.service, settings && { unit: unitFor(step), settings });
    }
  };

  return {
    name: 'systemd',
    shared: true,
    fields: SYSTEMD_FIELDS,
    taker: createUnitTaker(observer),
    define,
    check: (service) => defined(service, (definition) => preflight.check(service, definition)),
    judge: (service) => defined(service, (definition) => preflight.judge(service, definition)),
    observe: async (_signal, declared = [], { thorough = false, looking = false } = {}): Promise<Reading> => {
      try {
        const o = await observer();
        if (!looking) drift.begin();
        const found = await observe(o, declared, thorough);
        known.save();
        const reading = found.kind === 'read' ? { ...found, objects: found.objects.map(held) } : found;
        if (reading.kind === 'read') {
          const actuals = reading.objects.filter((object) => object.kind === 'actual');
          if (!looking) drift.follow(actuals);
          if (options.supervise && !looking) tender.follow(actuals);
        }
        return reading;
      } catch (error) {
        return { kind: 'unreadable', problem: problemOf(error) };
      }
    },
    prepare: async (steps) => {
      try {
        return await prepare(await observer(), steps);
      } catch (error) {
        const problem = problemOf(error);
        return new Map(steps.map(({ id }) => [id, problem]));
      }
    },
    apply: inTurns(apply),
    cannotTouch: (service, what) => cannotTouch(observer, service, what),
    touch: (service, what, pid, signal) => touch(observer, service, what, pid, signal),
    watch: (nudge, stir) => {
      drift.start({ scope, unitDir }, nudge, stir);
      return { [Symbol.asyncDispose]: async () => drift.stop() };
    },
    logs: async (services) => logPlaces(scope, services),
    [Symbol.asyncDispose]: async () => {
      drift.stop();
      tender[Symbol.dispose]();
      const open = await connection?.catch(() => undefined);
      open?.waiting[Symbol.dispose]();
      await open?.manager[Symbol.asyncDispose]();
    },
  };
}
