/** Parts to plan with, for tests. */
import type {
  Actual,
  Definition,
  Desired,
  FieldTable,
  Observed,
  Policy,
  Reading,
  Run,
  Service,
  ServiceId,
  SupervisorName,
} from '../../../src/model.ts';
import { type PlanInput, plan } from '../../../src/planner.ts';
import { BUILTIN_FIELDS } from '../../../src/supervisors/builtin/fields.ts';
import { defineBy } from '../../../src/supervisors/fields.ts';

export const FIELDS: ReadonlyMap<SupervisorName, FieldTable> = new Map([
  ['builtin', BUILTIN_FIELDS],
  ['systemd', BUILTIN_FIELDS],
]);

export function service(
  name: string,
  more: Partial<Omit<Service, 'written'>> & { readonly written?: Partial<Service['written']> } = {},
): Service {
  const state = more.state ?? 'running';
  const supervisor = more.supervisor ?? 'builtin';
  return {
    id: more.instance === undefined ? name : `${name}@${more.instance}`,
    name,
    supervisor,
    state,
    autostart: state === 'running',
    after: [],
    formerly: [],
    changes: 'now',
    inputs: {},
    file: `services/${name}.yaml`,
    ...more,
    written: { supervisor, state, command: [`/bin/${name}`], ...more.written },
  };
}

export function define(service: Service): Definition {
  const defined = defineBy(BUILTIN_FIELDS, service.supervisor, service);
  if (Array.isArray(defined)) throw new Error(defined.map((problem) => problem.summary).join('; '));
  return defined as Definition;
}

export const RUNNING: Extract<Run, { kind: 'running' }> = {
  kind: 'running',
  pid: 4711,
  since: 0,
  definition: 'current',
};
export const STOPPED: Run = { kind: 'stopped', started: true };
export const FATAL: Run = {
  kind: 'fatal',
  exit: { kind: 'code', code: 1 },
  at: 0,
  reason: 'it failed 4 times in a row',
};

/** An object of ours, as its service declares it. */
export function actual(service: Service, run: Run = RUNNING, more: Partial<Actual> = {}): Actual {
  const base = { kind: 'actual', id: service.id, owner: { kind: 'ours' }, restarts: 0 } as const;
  return { ...base, definition: define({ ...service, state: 'running' }), run, ...more };
}

export function read(...objects: Extract<Reading, { kind: 'read' }>['objects'][number][]): Reading {
  return { kind: 'read', objects };
}

export function desired(services: readonly Service[], prune: Policy['prune'] = { kind: 'off' }): Desired {
  const sorted = [...services].sort((a, b) => (a.id < b.id ? -1 : 1));
  return {
    revision: { content: '0123456789abcdef' },
    policy: { owner: 'default', prune, written: {} },
    services: sorted,
    instances: [],
    locate: () => undefined,
  };
}

export interface Given extends Partial<Omit<PlanInput, 'desired' | 'observed' | 'only' | 'asked'>> {
  readonly prune?: Policy['prune'];
  readonly only?: readonly string[];
  readonly asked?: readonly ServiceId[];
}

export function input(services: readonly Service[], observed: Reading | Observed, given: Given = {}): PlanInput {
  return {
    desired: desired(services, given.prune),
    definitions: new Map(services.filter(({ state }) => state !== 'absent').map((s) => [s.id, define(s)])),
    fields: FIELDS,
    observed: 'kind' in observed ? new Map([['builtin', observed]]) : observed,
    blocked: given.blocked ?? new Map(),
    ...(given.inPlace === undefined ? {} : { inPlace: given.inPlace }),
    ...(given.control === undefined ? {} : { control: given.control }),
    ...(given.settled === undefined ? {} : { settled: given.settled }),
    asked: new Set(given.asked),
    only: given.only && new Set(given.only),
  };
}

export function planned(services: readonly Service[], observed: Reading | Observed, given: Given = {}) {
  return plan(input(services, observed, given));
}
