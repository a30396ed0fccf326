import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { controlOf, type Decided } from '../../../src/control/index.ts';
import type { Held, Plan, Policy, Reading, Service, ServiceId } from '../../../src/model.ts';
import { closure } from '../../../src/order.ts';
import { formerIds } from '../../../src/planner/names.ts';
import { type PlanInput, plan } from '../../../src/planner.ts';
import { applied } from './host.ts';
import { actual, input, read, STOPPED, service } from './make.ts';
import { anyInput } from './worlds.ts';

vi.setConfig({ testTimeout: 600_000 });

const RUNS = { numRuns: process.env.RECONCILED_LONG === '1' ? 10_000 : 800 };

interface Given extends Partial<Decided> {
  readonly policy?: Policy['written'];
  readonly asked?: readonly ServiceId[];
  readonly quarantined?: readonly ServiceId[];
}

function inputWith(base: PlanInput, { policy = {}, asked, quarantined = [], ...decided }: Given): PlanInput {
  const hold = { kind: 'quarantined', commit: 'c', why: 'x', at: 1 } as const;
  const before = { ...base.desired, policy: { ...base.desired.policy, written: policy } };
  const desired =
    quarantined.length === 0 ? before : { ...before, quarantined: new Map(quarantined.map((id) => [id, hold])) };
  const control = controlOf(desired, { freezes: [], approvals: [], ...decided });
  return {
    ...base,
    desired,
    ...(asked === undefined ? {} : { asked: new Set(asked) }),
    ...(control === undefined ? {} : { control }),
  };
}

function planOf(services: readonly Service[], observed: Reading, given: Given = {}): Plan {
  return plan(inputWith(input(services, observed), given));
}

const frozen = (name: string) => ({ name, by: 'ann', why: 'audit', since: 1 });
const shut = { shut: () => ({ why: 'not now', until: 5000 }), next: () => 5000 };
const reasons = ({ held }: Plan) => held.map(({ service, reason }) => `${service} ${reason.kind}`);
const ids = ({ steps }: Plan) => steps.map(({ id }) => id);

const web = service('web', { written: { environment: { A: '1' } } });
const old = actual(service('web'));
const waits = { action: 'replace', effect: 'restart' } as const;

describe('what has to wait', () => {
  it('is held, with what would be done', () => {
    expect(planOf([web], read(old), { freezes: [{ ...frozen('web'), until: 9 }] }).held).toEqual([
      {
        service: 'web',
        supervisor: 'builtin',
        reason: { kind: 'frozen', name: 'web', by: 'ann', why: 'audit', until: 9, waits },
      },
    ]);
    expect(planOf([web], read(old), { windows: shut }).held).toEqual([
      { service: 'web', supervisor: 'builtin', reason: { kind: 'window', why: 'not now', until: 5000, waits } },
    ]);
    expect(planOf([web], read(old), { policy: { mode: 'observe' } }).held).toEqual([
      { service: 'web', supervisor: 'builtin', reason: { kind: 'observed', waits } },
    ]);
  });

  it("is nothing where a service is as it should be, and a service's own word wins", () => {
    expect(planOf([service('web')], read(old), { policy: { mode: 'observe' } })).toMatchObject({ steps: [], held: [] });
    const enforced = service('web', { written: { environment: { A: '1' }, mode: 'enforce' } });
    expect(ids(planOf([enforced], read(old), { policy: { mode: 'observe' } }))).toEqual(['replace:web']);
    const observed = service('web', { written: { environment: { A: '1' }, mode: 'observe' } });
    expect(reasons(planOf([observed], read(old)))).toEqual(['web observed']);
  });

  it('tells what is frozen with every plan', () => {
    expect(planOf([service('web')], read(old), { freezes: [frozen('*')] }).notices).toEqual([
      { kind: 'frozen', service: '*', by: 'ann', why: 'audit' },
    ]);
  });

  it('keeps what is left alone anyhow as it is told', () => {
    const fatal = actual(service('web'), {
      kind: 'fatal',
      exit: { kind: 'code', code: 1 },
      at: 0,
      reason: 'it failed',
    });
    expect(reasons(planOf([service('web')], read(fatal), { freezes: [frozen('*')] }))).toEqual(['web fatal']);
  });

  it('is passed by whoever overrides it, but not where it is only observed or waits for an approval', () => {
    const given = { freezes: [frozen('*')], windows: shut, override: true };
    expect(ids(planOf([web], read(old), given))).toEqual(['replace:web']);
    expect(reasons(planOf([web], read(old), { ...given, policy: { mode: 'observe' } }))).toEqual(['web observed']);
    const confirmed = service('web', { written: { environment: { A: '1' }, confirm: true } });
    expect(reasons(planOf([confirmed], read(old), given))).toEqual(['web approval']);
  });

  it('is not what goes back after it did not stay well, unless it is frozen', () => {
    const confirmed = service('web', { written: { environment: { A: '1' }, confirm: true } });
    const given = { windows: shut, quarantined: ['web'] };
    expect(ids(planOf([confirmed], read(old), given))).toEqual(['replace:web']);
    expect(ids(planOf([confirmed], read(old), { ...given, freezes: [frozen('web')] }))).toEqual([]);
  });

  it('is not the start of what ran before a boot, as it was', () => {
    const hash = actual(service('web')).definition.hash ?? '';
    const given = { freezes: [frozen('*')], windows: shut };
    expect(ids(planOf([service('web')], read(), { ...given, applied: new Map([['web', hash]]) }))).toEqual([
      'create:web',
    ]);
    expect(ids(planOf([web], read(), { ...given, applied: new Map([['web', hash]]) }))).toEqual([]);
    const only = { applied: new Map([['web', hash]]), policy: { mode: 'observe' } as const };
    expect(ids(planOf([service('web')], read(), only))).toEqual([]);
  });
});

describe('what belongs together', () => {
  const site = service('site', { formerly: ['web'] });

  it('waits together where it was renamed: the old one is not ended for a new one that may not come', () => {
    for (const name of ['site', 'web']) {
      const made = planOf([site], read(old), { freezes: [frozen(name)] });
      expect([ids(made), reasons(made)]).toEqual([[], ['site frozen']]);
    }
    const own = { ...site, written: { ...site.written, mode: 'enforce' } } as const;
    expect(ids(planOf([own], read(old), { policy: { mode: 'observe' } }))).toEqual(['remove:web', 'create:site']);
  });

  it('waits together where one runs the others: they would go down with it', () => {
    const runner = service('super', { runs: 'systemd', written: { environment: { A: '1' } } });
    const program = service('web', { supervisor: 'systemd' });
    const observed = new Map([
      ['builtin', read(actual(service('super')))],
      ['systemd', read(actual(program))],
    ] as const);
    const given = inputWith(input([runner, program], observed), { freezes: [frozen('web')] });
    expect(reasons(plan(given))).toEqual(['super frozen']);
    const confirmed = { ...program, written: { ...program.written, confirm: true } };
    expect(reasons(plan(inputWith(input([runner, confirmed], observed), {})))).toEqual(['super approval']);
  });

  it('has what needs it wait as well', () => {
    const db = service('db');
    const api = service('api', { after: ['db'] });
    expect(reasons(planOf([api, db], read(), { freezes: [frozen('db')] }))).toEqual(['api needs', 'db frozen']);
    // One that runs meanwhile is good enough.
    const runs = planOf([api, service('db', { written: { environment: { A: '1' } } })], read(actual(db)), {
      freezes: [frozen('db')],
    });
    expect([ids(runs), reasons(runs)]).toEqual([['create:api'], ['db frozen']]);
  });

  it('is frozen by its name where Git has it no more', () => {
    const base = input([service('other')], read(old, actual(service('other'))), { prune: { kind: 'on', max: 9 } });
    expect(ids(plan(inputWith(base, { freezes: [] })))).toEqual(['remove:web']);
    expect(reasons(plan(inputWith(base, { freezes: [frozen('web')] })))).toEqual(['web frozen']);
  });
});

describe('approvals', () => {
  const confirmed = (name: string, value: string) =>
    service(name, { written: { environment: { A: value }, confirm: true } });
  const [a, b] = [confirmed('a', '1'), confirmed('b', '1')];
  const before = read(actual(service('a')), actual(service('b')));
  const workOf = ({ held }: Plan) =>
    held.flatMap(({ service, reason }) =>
      reason.kind === 'approval' ? [{ service, work: reason.work, plan: reason.plan, by: 'ann', at: 1 }] : [],
    );

  it('has one id for all that waits: the same work has the same, anything else another', () => {
    const first = workOf(planOf([a, b], before));
    expect(first).toHaveLength(2);
    expect(new Set(first.map(({ plan }) => plan)).size).toBe(1);
    expect(first[0]?.plan).toMatch(/^[0-9a-f]{10}$/);
    // Another pid is nothing new, nor is what others need.
    const later = read(
      actual(service('b'), { kind: 'running', pid: 9, since: 5, definition: 'current' }),
      actual(service('a')),
    );
    expect(workOf(planOf([a, b, service('c')], later))).toEqual(first);
    const plans = [
      planOf([confirmed('a', '2'), b], before),
      planOf([a], read(actual(service('a')))),
      planOf([a, b], read(actual(service('a'), STOPPED), actual(service('b')))),
      planOf([{ ...a, changes: 'staged' }, b], before),
    ].map((made) => workOf(made)[0]?.plan);
    expect(new Set([...plans, first[0]?.plan]).size).toBe(5);
  });

  it('lets through what was approved, each service by itself', () => {
    const approvals = workOf(planOf([a, b], before));
    expect(ids(planOf([a, b], before, { approvals }))).toEqual(['replace:a', 'replace:b']);
    const one = planOf([a, confirmed('b', '2')], before, { approvals });
    expect([ids(one), reasons(one)]).toEqual([['replace:a'], ['b approval']]);
    // Once one is done, the other is still approved.
    const half = planOf([a, b], read(actual(a), actual(service('b'))), { approvals });
    expect([ids(half), reasons(half)]).toEqual([['replace:b'], []]);
    // A way back is other work.
    const back = planOf([service('a', { written: { confirm: true } })], read(actual(a)), { approvals });
    expect(reasons(back)).toEqual(['a approval']);
  });

  it('waits for its window once it is approved, and for its approval before', () => {
    expect(reasons(planOf([a], before, { windows: shut }))).toEqual(['a approval']);
    expect(reasons(planOf([a], before, { windows: shut, approvals: workOf(planOf([a], before)) }))).toEqual([
      'a window',
    ]);
  });

  it('is not needed of a person who asks for a service by its name, nor to look at it', () => {
    expect(ids(planOf([a], read(), { asked: ['a'] }))).toEqual(['create:a']);
    expect(ids(planOf([a, b], before, { preview: true }))).toEqual(['replace:a', 'replace:b']);
    expect(reasons(planOf([a], read(), { asked: ['a'], freezes: [frozen('a')] }))).toEqual(['a frozen']);
    expect(reasons(planOf([a], read(), { asked: ['a'], windows: shut }))).toEqual(['a window']);
  });
});

// ---- in any world ----------------------------------------------------------------------------------------------

const NAMES = ['api', 'bridge', 'cache', 'db', 'edge', 'feed', 'old_a', 'old_b', 'old_c'];

const anyControl = fc.record({
  freezes: fc.subarray([...NAMES, '*'], { maxLength: 3 }),
  shut: fc.subarray(NAMES, { maxLength: 4 }),
  observe: fc.subarray(NAMES, { maxLength: 2 }),
  confirm: fc.subarray(NAMES, { maxLength: 4 }),
  policy: fc.constantFrom<Policy['written']>({}, {}, {}, { mode: 'observe' }),
});

const controlledInput = fc.tuple(anyInput, anyControl).map(([base, given]): PlanInput => {
  const services = base.desired.services.map((one): Service => {
    const words = {
      ...(given.observe.includes(one.name) ? { mode: 'observe' as const } : {}),
      ...(given.confirm.includes(one.name) ? { confirm: true } : {}),
    };
    return { ...one, written: { ...one.written, ...words } };
  });
  const windows = {
    shut: ({ name }: { readonly name: string }) => (given.shut.includes(name) ? { why: 'not now' } : undefined),
    next: () => undefined,
  };
  return inputWith(
    { ...base, desired: { ...base.desired, services } },
    { policy: given.policy, freezes: given.freezes.map(frozen), windows },
  );
});

/** All that a service is after, and that is after. */
function needs({ desired }: PlanInput, id: ServiceId): ReadonlySet<string> {
  const after = (name: string) => desired.services.filter((one) => one.name === name).flatMap((one) => one.after);
  return closure([id.split('@')[0] ?? ''], after);
}

const CONTROLLED: ReadonlySet<Held['reason']['kind']> = new Set(['frozen', 'window', 'observed', 'approval']);

describe('in any world', () => {
  it('has no step for what has to wait, and all the rest converges', () => {
    fc.assert(
      fc.property(controlledInput, (given) => {
        const made = plan(given);
        const held = new Map(made.held.map(({ service, reason }) => [service, reason]));
        for (const step of made.steps) {
          const reason = held.get(step.service)?.kind;
          expect(reason === undefined || !CONTROLLED.has(reason), `${step.id} ${reason}`).toBe(true);
          const one = given.desired.services.find(({ id }) => id === step.service);
          if (one !== undefined) expect(given.control?.stay(one)).toBeUndefined();
        }
        expect(plan({ ...given, observed: applied(made, given.observed) }).steps).toEqual([]);
      }),
      RUNS,
    );
  });

  it('never ends what makes way for something that may not come', () => {
    fc.assert(
      fc.property(controlledInput, (given) => {
        const made = plan(given);
        const steps = new Set(made.steps.map(({ service }) => service));
        const free = plan({ ...given, control: undefined } as unknown as PlanInput);
        for (const step of made.steps.filter(({ reason }) => reason.kind === 'renamed')) {
          const to = step.reason.kind === 'renamed' ? step.reason.to : '';
          if (free.steps.some(({ service }) => service === to)) expect(steps).toContain(to);
        }
      }),
      RUNS,
    );
  });

  it('has, beside what waits for it, the steps that it has without anything to wait for', () => {
    fc.assert(
      fc.property(controlledInput, (given) => {
        const made = plan(given);
        const { control: _, ...free } = given;
        const whole = new Set(plan(free).steps.map(({ id, effect }) => `${id} ${effect}`));
        const left = made.held.map(({ service }) => service.split('@')[0] ?? '');
        for (const step of made.steps) {
          // What it needs, by itself or through others, is not ended after all.
          const of = step.reason.kind === 'renamed' ? step.reason.to : step.service;
          const kept = left.some((name) => needs(given, of).has(name));
          if (!kept) expect(whole).toContain(`${step.id} ${step.effect}`);
        }
        // What is no longer done without being held itself makes way for one that is, or is needed by one.
        const done = new Set([...made.steps.map(({ service }) => service), ...made.held.map(({ service }) => service)]);
        const partners = given.desired.services.flatMap((one) =>
          made.held.some(({ service }) => service === one.id) ? formerIds(one) : [],
        );
        for (const step of plan(free).steps) expect([...done, ...partners]).toContain(step.service);
      }),
      RUNS,
    );
  });

  it('does it all once everything is approved, and the windows are open', () => {
    fc.assert(
      fc.property(controlledInput, (given) => {
        const { control: _, ...free } = given;
        const approved = given.control === undefined ? undefined : { ...given.control, stay: () => undefined };
        const waiting = plan({ ...free, ...(approved === undefined ? {} : { control: approved }) });
        const works = waiting.held.flatMap(({ service, reason }) =>
          reason.kind === 'approval' ? [[service, reason.work] as const] : [],
        );
        const all = approved === undefined ? {} : { control: { ...approved, approved: new Map(works) } };
        expect(plan({ ...free, ...all }).steps).toEqual(plan(free).steps);
      }),
      RUNS,
    );
  });
});
