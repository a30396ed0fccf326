/** Arbitrary desired and observed states that have something to do with each other. */
import fc from 'fast-check';
import type {
  Actual,
  Exit,
  Observed,
  Reading,
  Run,
  Service,
  SupervisorName,
  UnreadableObject,
} from '../../../src/model.ts';
import type { PlanInput } from '../../../src/planner.ts';
import { define, input, service } from './make.ts';

const NAMES = ['api', 'bridge', 'cache', 'db', 'edge', 'feed'] as const;
const OLD = ['old_a', 'old_b', 'old_c'] as const;
const SUPERVISORS: readonly SupervisorName[] = ['builtin', 'systemd'];

/** What a definition is made of: few values, so that two are often equal. */
const body = fc.record({
  command: fc.constantFrom('x', 'x', 'x', 'y', 'z'),
  own: fc.boolean(),
  timeout: fc.constantFrom(undefined, '10s', '30s'),
  zone: fc.constantFrom(undefined, 'UTC', 'CET'),
  policy: fc.constantFrom(undefined, 'always' as const, 'on-failure' as const, 'never' as const),
});
type Body = typeof body extends fc.Arbitrary<infer T> ? T : never;

function written(name: string, b: Body): Partial<Service['written']> {
  return {
    command: [`/bin/${b.own ? name : 'shared'}`, b.command],
    ...(b.timeout === undefined ? {} : { stop: { timeout: b.timeout } }),
    ...(b.zone === undefined ? {} : { environment: { TZ: b.zone } }),
    ...(b.policy === undefined ? {} : { restart: { policy: b.policy } }),
  };
}

const declaration = fc.record({
  declared: fc.constantFrom(true, true, true, false),
  supervisor: fc.constantFrom<SupervisorName>('builtin', 'builtin', 'builtin', 'systemd'),
  state: fc.constantFrom('running', 'running', 'running', 'stopped', 'manual', 'disabled', 'absent'),
  autostart: fc.constantFrom(true, true, false),
  instances: fc.constantFrom(undefined, undefined, 1, 2, 3),
  after: fc.subarray([...NAMES]),
  formerly: fc.constantFrom(undefined, undefined, 0, 1, 2),
  changes: fc.constantFrom('now', 'now', 'staged'),
  body,
} as const);

const exit: fc.Arbitrary<Exit> = fc.constantFrom<Exit>(
  { kind: 'code', code: 0 },
  { kind: 'code', code: 1 },
  { kind: 'signal', signal: 'KILL' },
  { kind: 'unknown' },
);
const freshness = fc.constantFrom('current', 'current', 'stale', 'unknown');
const time = fc.integer({ min: 1, max: 1e6 });
const pid = fc.integer({ min: 2, max: 99_999 });

export const anyRun: fc.Arbitrary<Run> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('running'), pid, since: time, definition: freshness } as const),
  },
  fc.record({ kind: fc.constant('starting'), pid, since: time, definition: freshness } as const),
  fc.record({ kind: fc.constant('backoff'), until: time, exit } as const),
  fc.record({ kind: fc.constant('stopping'), pid } as const),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('stopped'), started: fc.boolean() } as const) },
  fc.record({ kind: fc.constant('exited'), exit, at: time } as const),
  fc.record({ kind: fc.constant('fatal'), exit, at: time, reason: fc.constant('it failed 4 times') } as const),
  fc.record({ kind: fc.constant('held'), exit, until: time, reason: fc.constant('5 restarts in 10m') } as const),
);

const object = fc.record({
  there: fc.constantFrom('ours', 'ours', 'ours', 'ours', 'foreign', 'unreadable', 'no', 'no'),
  /** As declared, or whatever. */
  same: fc.constantFrom(true, true, false),
  record: fc.constantFrom('whole', 'whole', 'whole', 'whole', 'hash', 'none'),
  body,
  run: anyRun,
});
type Seed = typeof object extends fc.Arbitrary<infer T> ? T : never;

const IDS = [...NAMES, ...OLD].flatMap((name) => [name, `${name}@1`, `${name}@2`, `${name}@3`, `${name}@4`]);

export interface WorldOptions {
  readonly unreadable?: boolean;
}

/** An input to plan(). */
export const anyInput: fc.Arbitrary<PlanInput> = fc
  .record({
    declarations: fc.tuple(...NAMES.map(() => declaration)),
    objects: fc.record({
      builtin: fc.array(fc.tuple(fc.nat(IDS.length - 1), object), { maxLength: 14 }),
      systemd: fc.array(fc.tuple(fc.nat(IDS.length - 1), object), { maxLength: 3 }),
    }),
    /** How many declared services have their object, at least. */
    kept: fc.array(object, { minLength: 18, maxLength: 18 }),
    silent: fc.constantFrom('none', 'none', 'none', 'none', 'builtin', 'systemd'),
    prune: fc.constantFrom(undefined, 1, 3, 10),
    asked: fc.subarray([...NAMES]),
    blocked: fc.array(fc.constantFrom(...NAMES), { maxLength: 1 }),
  })
  .map((w) => {
    const claimed = new Set<number>();
    const services = NAMES.flatMap((name, i): Service[] => {
      const d = w.declarations[i];
      if (d === undefined || !d.declared) return [];
      const formerly = d.formerly !== undefined && !claimed.has(d.formerly) ? [OLD[d.formerly] ?? ''] : [];
      if (d.formerly !== undefined) claimed.add(d.formerly);
      const instances = d.instances === undefined ? [undefined] : [1, 2, 3].slice(0, d.instances);
      return instances.map((instance) =>
        service(name, {
          ...(instance === undefined ? {} : { instance }),
          supervisor: d.supervisor,
          state: d.state,
          autostart: d.state === 'running' && d.autostart,
          after: d.after.filter((other) => other < name && w.declarations[NAMES.indexOf(other)]?.declared),
          formerly,
          changes: d.changes,
          written: written(name, d.body),
        }),
      );
    });
    const seeds = new Map<SupervisorName, Map<string, Seed>>(SUPERVISORS.map((name) => [name, new Map()]));
    for (const [i, s] of services.entries()) {
      const seed = w.kept[i];
      if (seed !== undefined) seeds.get(s.supervisor)?.set(s.id, seed);
    }
    for (const name of ['builtin', 'systemd'] as const) {
      for (const [index, seed] of w.objects[name]) seeds.get(name)?.set(IDS[index] ?? '', seed);
    }
    const observed: Observed = new Map(
      SUPERVISORS.map((name): [SupervisorName, Reading] => {
        if (w.silent === name)
          return [name, { kind: 'unreadable', problem: { code: 'x', summary: `cannot read ${name}` } }];
        const objects = [...(seeds.get(name) ?? [])].flatMap(([id, seed]) => made(id, seed, services));
        return [name, { kind: 'read', objects }];
      }),
    );
    const ids = (names: readonly string[]) => services.filter(({ name }) => names.includes(name)).map(({ id }) => id);
    return input(services, observed, {
      ...(w.prune === undefined ? {} : { prune: { kind: 'on', max: w.prune } }),
      asked: ids(w.asked),
      blocked: new Map(ids(w.blocked).map((id) => [id, { code: 'no-command', summary: 'cannot start: no command' }])),
    });
  });

function made(id: string, seed: Seed, services: readonly Service[]): (Actual | UnreadableObject)[] {
  if (seed.there === 'no') return [];
  if (seed.there === 'unreadable')
    return [{ kind: 'unreadable', id, problem: { code: 'x', summary: `cannot read ${id}` } }];
  const name = id.split('@')[0] ?? id;
  const like = services.find((s) => s.id === id) ?? service(name);
  const whole = define(seed.same ? like : service(name, { written: written(name, seed.body) }));
  const stamped = seed.record !== 'whole' && (seed.run.kind === 'running' || seed.run.kind === 'starting');
  const definition = stamped ? { hash: seed.record === 'hash' ? whole.hash : undefined } : whole;
  const owner =
    seed.there === 'foreign' ? ({ kind: 'foreign', owner: 'somebody' } as const) : ({ kind: 'ours' } as const);
  return [{ kind: 'actual', id, owner, definition, run: seed.run, restarts: 0 }];
}
