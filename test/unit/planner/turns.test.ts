import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Observed, Plan, Run, Service, Step } from '../../../src/model.ts';
import { type PlanInput, plan } from '../../../src/planner.ts';
import { applied } from './host.ts';
import { actual, FATAL, input, RUNNING, read, STOPPED, service } from './make.ts';

vi.setConfig({ testTimeout: 600_000 });

const RUNS = { numRuns: process.env.RECONCILED_LONG === '1' ? 10_000 : 800 };

const member = (name: string, more: Parameters<typeof service>[1] = {}) =>
  service(name, { group: 'dolphin', ...more, written: { group: 'dolphin', ...more.written } });
const changed = (name: string, more: Parameters<typeof service>[1] = {}) =>
  member(name, { ...more, written: { environment: { A: '1' } } });

function planOf(
  services: readonly Service[],
  observed: Observed,
  max: Readonly<Record<string, number>> = { dolphin: 1 },
): Plan {
  return plan(withMax(input(services, observed), max));
}

function withMax(given: PlanInput, max: Readonly<Record<string, number>>): PlanInput {
  const groups = Object.fromEntries(Object.entries(max).map(([group, maxUnavailable]) => [group, { maxUnavailable }]));
  const { desired } = given;
  return { ...given, desired: { ...desired, policy: { ...desired.policy, written: { groups } } } };
}

const builtin = (...objects: Parameters<typeof read>): Observed => new Map([['builtin', read(...objects)]]);
const afters = ({ steps }: Plan) => Object.fromEntries(steps.map(({ id, after }) => [id, after]));
const told = ({ held }: Plan) =>
  held.map(({ service, reason }) =>
    reason.kind === 'unavailable'
      ? `${service}: ${reason.down} of ${reason.group}, ${reason.max}`
      : `${service} ${reason.kind}`,
  );

describe('maxUnavailable', () => {
  const names = ['a', 'b', 'c', 'd'];
  const running = builtin(...names.map((name) => actual(member(name))));

  it('has the services of a group take turns', () => {
    expect(
      afters(
        planOf(
          names.map((name) => changed(name)),
          running,
        ),
      ),
    ).toEqual({
      'replace:a': [],
      'replace:b': ['replace:a'],
      'replace:c': ['replace:b'],
      'replace:d': ['replace:c'],
    });
    expect(
      afters(
        planOf(
          names.map((name) => changed(name)),
          running,
          { dolphin: 2 },
        ),
      ),
    ).toEqual({
      'replace:a': [],
      'replace:b': [],
      'replace:c': ['replace:a', 'replace:b'],
      'replace:d': ['replace:a', 'replace:b'],
    });
    expect(
      afters(
        planOf(
          names.map((name) => changed(name)),
          running,
          { shark: 1 },
        ),
      )['replace:d'],
    ).toEqual([]);
  });

  it('starts first what is down, and then goes on', () => {
    const made = planOf(
      [changed('a'), member('b'), changed('c')],
      builtin(actual(member('a')), actual(member('b'), STOPPED), actual(member('c'))),
    );
    expect(afters(made)).toEqual({ 'start:b': [], 'replace:a': ['start:b'], 'replace:c': ['replace:a'] });
  });

  it('holds the rest where what is down stays so', () => {
    const services = [changed('a'), member('b')];
    const observed = builtin(actual(member('a')), actual(member('b'), FATAL));
    expect(told(planOf(services, observed))).toEqual(['a: b of dolphin, 1', 'b fatal']);
    expect(afters(planOf(services, observed, { dolphin: 2 }))).toEqual({ 'replace:a': [] });
    // What would mend it is done.
    expect(afters(planOf([changed('a'), changed('b')], observed))).toEqual({
      'replace:b': [],
      'replace:a': ['replace:b'],
    });
  });

  it('counts nobody that is not to run, was never started, or is done', () => {
    const services = [
      changed('a'),
      member('b', { state: 'stopped' }),
      member('c', { autostart: false }),
      member('d', { written: { restart: { policy: 'never' } } }),
    ];
    const done: Run = { kind: 'exited', exit: { kind: 'code', code: 0 }, at: 1 };
    const observed = builtin(
      actual(member('a')),
      actual(member('b'), STOPPED),
      actual(member('c'), { kind: 'stopped', started: false }),
      actual(services[3] ?? member('d'), done),
    );
    expect(afters(planOf(services, observed))).toEqual({ 'replace:a': [] });
  });

  it('has instances that were renamed take turns, each with the end of the one before it', () => {
    const services = [1, 2, 3].map((instance) => member('app', { instance, formerly: ['web'] }));
    const command = { written: { command: ['/bin/app'] } };
    const olds = [1, 2, 3].map((instance) => actual(member('web', { instance, ...command })));
    expect(afters(planOf(services, builtin(...olds)))).toEqual({
      'remove:web@1': [],
      'create:app@1': ['remove:web@1'],
      'remove:web@2': ['create:app@1', 'remove:web@1'],
      'create:app@2': ['remove:web@2'],
      'remove:web@3': ['create:app@2', 'remove:web@2'],
      'create:app@3': ['remove:web@3'],
    });
  });

  it('holds what runs more of them than may be down at a time', () => {
    const runner = service('super', { runs: 'systemd', written: { environment: { A: '1' } } });
    const programs = ['a', 'b'].map((name) => member(name, { supervisor: 'systemd' }));
    const observed: Observed = new Map([
      ['builtin', read(actual(service('super')))],
      ['systemd', read(...programs.map((one) => actual(one)))],
    ]);
    expect(told(planOf([runner, ...programs], observed))).toEqual(['super: a,b of dolphin, 1']);
    const two = planOf([runner, ...programs], observed, { dolphin: 2 });
    expect(two.steps.map(({ id }) => id).sort()).toEqual(['replace:super', 'restart:a', 'restart:b']);
  });
});

// ---- in any group ----------------------------------------------------------------------------------------------

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
const anyRun = fc.constantFrom<Run>(
  RUNNING,
  RUNNING,
  RUNNING,
  RUNNING,
  STOPPED,
  FATAL,
  { kind: 'starting', pid: 3, since: 0, definition: 'current' },
  { kind: 'backoff', until: 9, exit: { kind: 'code', code: 1 } },
);

const anyGroup = fc
  .record({
    members: fc.array(
      fc.record({
        group: fc.constantFrom('dolphin', 'dolphin', 'shark'),
        changed: fc.constantFrom(true, true, false),
        renamed: fc.constantFrom(false, false, false, true),
        /** It is elsewhere, and is handed over. */
        moved: fc.constantFrom(false, false, false, true),
        there: fc.constantFrom(true, true, true, true, false),
        run: anyRun,
        after: fc.subarray(NAMES, { maxLength: 2 }),
      }),
      { minLength: NAMES.length, maxLength: NAMES.length },
    ),
    dolphin: fc.integer({ min: 1, max: 4 }),
    shark: fc.constantFrom(undefined, 1),
  })
  .map(({ members, dolphin, shark }) => {
    const services = members.map(({ group, changed, renamed, after }, i) => {
      const name = NAMES[i] ?? '';
      const befores = after.filter((other) => other < name);
      return service(name, {
        group,
        after: befores,
        afterIds: befores,
        formerly: renamed ? [`old_${name}`] : [],
        written: { group, ...(changed ? { environment: { A: '1' } } : {}) },
      });
    });
    const objects = members.flatMap(({ renamed, moved, there, run }, i) => {
      const name = NAMES[i] ?? '';
      const old = service(renamed ? `old_${name}` : name, { written: { command: [`/bin/${name}`] } });
      return there ? [[moved ? 'systemd' : 'builtin', actual(old, run)] as const] : [];
    });
    const of = (supervisor: string) =>
      read(...objects.filter(([one]) => one === supervisor).map(([, object]) => object));
    const observed: Observed = new Map([
      ['builtin', of('builtin')],
      ['systemd', of('systemd')],
    ]);
    const max = { dolphin, ...(shark === undefined ? {} : { shark }) };
    return { given: withMax(input(services, observed), max), max };
  });

/** The steps that take down what runs, each with the service that is down then. */
function interruptions({ steps }: Pick<Plan, 'steps'>): readonly (readonly [Step, string])[] {
  return steps.flatMap((step): (readonly [Step, string])[] => {
    const ran = step.seen.kind === 'present' && step.seen.run === 'running';
    if (step.action === 'remove' && ran)
      return [[step, step.reason.kind === 'renamed' ? step.reason.to : step.service]];
    const over =
      step.action === 'handover' && step.handover?.from.some((old) => old.kind === 'own' && old.run.kind === 'running');
    return step.effect === 'restart' && (ran || over) ? [[step, step.service]] : [];
  });
}

/** Who should be up and is not, as far as the host tells. */
function downIn({ desired, observed }: PlanInput, group: string): readonly string[] {
  const objects = [...observed.values()].flatMap((reading) => (reading.kind === 'read' ? reading.objects : []));
  return desired.services
    .filter((one) => one.group === group)
    .filter(
      ({ id, formerly }) =>
        !objects.some((o) => [id, ...formerly].includes(o.id) && o.kind === 'actual' && o.run.kind === 'running'),
    )
    .map(({ id }) => id);
}

/** By itself, or with one that it needs. */
const WAITS: ReadonlySet<string> = new Set(['unavailable', 'needs']);

describe('in any group', () => {
  it('is never more of them down at a time, whichever of the steps that may begin do, and whichever fails', () => {
    fc.assert(
      fc.property(anyGroup, fc.array(fc.nat(99), { minLength: 60, maxLength: 60 }), ({ given, max }, dice) => {
        const made = plan(given);
        const takes = new Map(interruptions(made).map(([step, service]) => [step.id, service]));
        const down = new Map(Object.keys(max).map((group) => [group, new Set(downIn(given, group))]));
        const groupOf = new Map(given.desired.services.map(({ id, group }) => [id, group ?? '']));
        const outcome = new Map<string, 'done' | 'failed'>();
        const begun = new Set<string>();
        let turn = 0;
        const roll = (n: number) => (dice[turn++ % dice.length] ?? 0) % n;
        for (;;) {
          const may = made.steps.filter(
            ({ id, after }) => !begun.has(id) && after.every((before) => outcome.get(before) === 'done'),
          );
          const running = made.steps.filter(({ id }) => begun.has(id) && !outcome.has(id));
          if (may.length === 0 && running.length === 0) break;
          const isBeginning = running.length === 0 || (may.length > 0 && roll(2) === 0);
          const step = isBeginning ? may[roll(may.length)] : running[roll(running.length)];
          if (step === undefined) break;
          const service = takes.get(step.id) ?? step.service;
          const group = groupOf.get(service) ?? '';
          if (isBeginning) {
            begun.add(step.id);
            if (!takes.has(step.id)) continue;
            down.get(group)?.add(service);
            expect(down.get(group)?.size ?? 0).toBeLessThanOrEqual(
              max[group as keyof typeof max] ?? Number.POSITIVE_INFINITY,
            );
            continue;
          }
          const fails = roll(8) === 0;
          outcome.set(step.id, fails ? 'failed' : 'done');
          const starts = step.effect === 'start' || step.effect === 'restart';
          if (!fails && starts) down.get(group)?.delete(step.service);
        }
      }),
      RUNS,
    );
  });

  it('does all that it would do without turns, and what finds no room is all that waits', () => {
    fc.assert(
      fc.property(anyGroup, ({ given }) => {
        const made = plan(given);
        const free = plan({
          ...given,
          desired: { ...given.desired, policy: { ...given.desired.policy, written: {} } },
        });
        const stuck = made.held.filter(({ reason }) => WAITS.has(reason.kind)).map(({ service }) => service);
        const asked = ({ id, reason, service }: Step) => [id, reason.kind === 'renamed' ? reason.to : service] as const;
        const left = free.steps.map(asked).filter(([id]) => !made.steps.some((step) => step.id === id));
        for (const [, service] of left) expect(stuck).toContain(service);
        expect(made.steps.filter(({ id }) => !free.steps.some((step) => step.id === id))).toEqual([]);
      }),
      RUNS,
    );
  });

  it('comes to an end: each run has room for more, until all is done that can be', () => {
    fc.assert(
      fc.property(anyGroup, ({ given }) => {
        let { observed } = given;
        for (let i = 0; i < NAMES.length; i += 1) {
          const made = plan({ ...given, observed });
          if (made.steps.length === 0) break;
          observed = applied(made, observed);
        }
        const made = plan({ ...given, observed });
        expect(made.steps).toEqual([]);
        // Whoever still waits does so for those that nobody can mend.
        for (const { reason } of made.held)
          if (reason.kind === 'unavailable') expect(reason.down.length).toBeGreaterThan(0);
      }),
      RUNS,
    );
  });
});
