import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import type { Observed, Plan, Service, Step, UnreadableObject } from '../../../src/model.ts';
import { closure } from '../../../src/order.ts';
import { formerIds } from '../../../src/planner/names.ts';
import { type PlanInput, plan } from '../../../src/planner.ts';
import { applied } from './host.ts';
import { define, input, service } from './make.ts';
import { anyInput, anyRun } from './worlds.ts';

vi.setConfig({ testTimeout: 600_000 });

const RUNS = { numRuns: process.env.RECONCILED_LONG === '1' ? 20_000 : 1500 };

function holds(law: (input: PlanInput) => void): void {
  fc.assert(fc.property(anyInput, law), RUNS);
}

function objectsOf(observed: Observed) {
  return [...observed].flatMap(([supervisor, reading]) =>
    reading.kind === 'read' ? reading.objects.map((object) => ({ supervisor, object })) : [],
  );
}

it('has nothing left to do after all its steps were done', () => {
  holds((given) => {
    const observed = applied(plan(given), given.observed);
    expect(plan({ ...given, observed }).steps).toEqual([]);
  });
});

it('has nothing left to do once what a person asked for was done, though nobody asks again', () => {
  holds((given) => {
    const held = plan(given).held.map(({ service }) => service);
    const { steps } = plan({ ...given, observed: applied(plan(given), given.observed), asked: new Set() });
    // What was held although somebody asked is looked at anew, with what was to make way for it.
    const left = steps.filter(({ service, reason }) => !held.includes(reason.kind === 'renamed' ? reason.to : service));
    expect(left).toEqual([]);
  });
});

it('has nothing left to do after any part of its steps was done and the rest was planned again', () => {
  fc.assert(
    fc.property(anyInput, fc.nat(20), (given, count) => {
      const first = plan(given);
      const observed = applied({ ...first, steps: first.steps.slice(0, count) }, given.observed);
      const again = { ...given, observed };
      expect(plan({ ...again, observed: applied(plan(again), observed) }).steps).toEqual([]);
    }),
    RUNS,
  );
});

it('has no step for an object that is not ours', () => {
  holds((given) => {
    for (const step of plan(given).steps) {
      const object = objectsOf(given.observed).find(
        (o) => o.supervisor === step.supervisor && o.object.id === step.service,
      );
      const made = plan(given).steps.filter(({ service, action }) => service === step.service && action === 'create');
      if (object === undefined) expect(['create', ...(made.length > 0 ? ['handover'] : [])]).toContain(step.action);
      else expect(object.object).toMatchObject({ kind: 'actual', owner: { kind: 'ours' } });
    }
  });
});

it('has no step, a removal least of all, for what could not be read', () => {
  holds((given) => {
    const lost = objectsOf(given.observed)
      .map(({ object }) => object)
      .filter((object): object is UnreadableObject => object.kind === 'unreadable')
      .map(({ id }) => id);
    for (const step of plan(given).steps) {
      expect(given.observed.get(step.supervisor)?.kind).toBe('read');
      expect(lost).not.toContain(step.service);
    }
  });
});

it('loses no service when a supervisor becomes unreadable: nothing is removed that was not before', () => {
  holds((given) => {
    const removals = (p: Plan) =>
      p.steps.filter((s) => s.action === 'remove' && s.reason.kind !== 'renamed').map(({ id }) => id);
    const problem = { code: 'x', summary: 'cannot read builtin' };
    const observed: Observed = new Map([...given.observed, ['builtin', { kind: 'unreadable', problem }]]);
    const blind = plan({ ...given, observed });
    expect(blind.steps.filter(({ supervisor }) => supervisor === 'builtin')).toEqual([]);
    for (const { id, supervisor } of given.desired.services) {
      if (supervisor === 'builtin')
        expect(blind.held).toContainEqual({ service: id, supervisor, reason: { kind: 'unreadable', problem } });
    }
    // Fewer leftovers in sight may be within the cap, and of two copies one is in sight: apart from that, nothing new.
    if (given.desired.policy.prune.kind === 'on') return;
    const twice = objectsOf(given.observed).filter((o) => o.supervisor === 'builtin');
    for (const id of removals(blind)) {
      if (!twice.some(({ object }) => `remove:${object.id}` === id)) expect(removals(plan(given))).toContain(id);
    }
  });
});

it('has no step for an unchanged service that runs', () => {
  fc.assert(
    fc.property(anyInput, fc.nat(), (given, pick) => {
      const running = given.desired.services.filter(({ state }) => state === 'running' || state === 'manual');
      const one = running[pick % Math.max(1, running.length)];
      if (one === undefined) return;
      const observed = withRunning(given.observed, one);
      expect(plan({ ...given, observed }).steps.filter(({ service }) => service === one.id)).toEqual([]);
    }),
    RUNS,
  );
});

/** Exactly one object of this service: as declared, running. */
function withRunning(observed: Observed, { id, supervisor, ...rest }: Service): Observed {
  const definition = define({ id, supervisor, ...rest });
  return new Map(
    [...observed].map(([name, reading]) => {
      const others = reading.kind === 'read' ? reading.objects.filter((object) => object.id !== id) : [];
      if (name !== supervisor) return [name, { kind: 'read', objects: others }];
      const run = { kind: 'running', pid: 77, since: 0, definition: 'current' } as const;
      const own = { kind: 'actual', id, owner: { kind: 'ours' }, definition, run, restarts: 0 } as const;
      return [name, { kind: 'read', objects: [...others, own] }];
    }),
  );
}

it('never restarts for what is unknown', () => {
  fc.assert(
    fc.property(fc.constantFrom('now', 'staged'), fc.boolean(), (changes, stamped) => {
      const web = service('web', { changes });
      const definition = stamped ? { hash: undefined } : define(web);
      const run = { kind: 'running', pid: 9, since: 0, definition: 'unknown' } as const;
      const object = { kind: 'actual', id: 'web', owner: { kind: 'ours' }, definition, run, restarts: 0 } as const;
      const made = plan(input([web], { kind: 'read', objects: [object] }));
      expect(made.steps).toEqual([]);
      expect(made.notices).toEqual([{ kind: 'unknown-process', service: 'web', pid: 9 }]);
    }),
  );
});

it('restarts no staged or manual service that runs', () => {
  holds((given) => {
    for (const step of plan(given).steps) {
      const declared = given.desired.services.find(({ id }) => id === step.service);
      if (declared?.changes === 'staged' || declared?.state === 'manual') {
        if (step.seen.kind === 'present' && step.seen.run === 'running') expect(step.effect).not.toBe('restart');
      }
    }
  });
});

it('gives, for some services only, no step that the whole plan has not', () => {
  fc.assert(
    fc.property(anyInput, fc.subarray(['api', 'bridge', 'cache', 'db@2', 'old_a', 'edge@1', 'feed']), (given, only) => {
      const whole = new Map(plan(given).steps.map((step) => [step.id, step]));
      const part = plan({ ...given, only: new Set(only) });
      const ids = new Set(part.steps.map(({ id }) => id));
      for (const step of part.steps) {
        const { after = [], ...same }: Partial<Step> = whole.get(step.id) ?? {};
        expect(step).toMatchObject(same);
        for (const before of step.after) {
          expect(ids).toContain(before);
          expect(after).toContain(before);
        }
        // A rename is chosen as a whole: by the name of either.
        const renames = given.desired.services.flatMap((s) => formerIds(s).map((old) => [old, s.id]));
        const chosen = [step.service, ...renames.filter((pair) => pair.includes(step.service)).flat()];
        const all = [...chosen, ...renames.filter((pair) => pair.some((id) => chosen.includes(id))).flat()];
        expect(all.some((id) => only.includes(id) || only.includes(id.split('@')[0] ?? ''))).toBe(true);
      }
      const observed = applied(part, given.observed);
      expect(plan({ ...given, observed, only: new Set(only) }).steps).toEqual([]);
    }),
    RUNS,
  );
});

it('has unique step ids, each behind all that it waits for, and no cycle among them', () => {
  holds((given) => {
    const { steps } = plan(given);
    const places = new Map(steps.map((step, i) => [step.id, i]));
    expect(places.size).toBe(steps.length);
    const after = new Map(steps.map((step) => [step.id, step.after]));
    for (const [i, step] of steps.entries()) {
      for (const before of step.after) expect(places.get(before)).toBeLessThan(i);
      expect(closure([step.id], (id) => after.get(id) ?? []).has(step.id)).toBe(false);
    }
  });
});

it('starts a service after what it needs, and stops it before', () => {
  holds((given) => {
    const { steps } = plan(given);
    const after = new Map(steps.map((step) => [step.id, step.after]));
    const behind = (later: Step, earlier: Step) => closure([later.id], (id) => after.get(id) ?? []).has(earlier.id);
    const starts = (step: Step) => step.effect === 'start' || step.effect === 'restart';
    const stops = (step: Step) => step.action === 'stop' || step.action === 'remove';
    for (const declared of given.desired.services) {
      for (const step of steps.filter(({ service }) => service === declared.id)) {
        for (const needed of steps.filter(({ service }) => declared.after.includes(service.split('@')[0] ?? ''))) {
          if (starts(step) && starts(needed)) expect(behind(step, needed)).toBe(true);
          if (stops(step) && stops(needed)) expect(behind(needed, step)).toBe(true);
        }
      }
    }
  });
});

it('never starts a second copy: a former name is removed before the new one is created', () => {
  holds((given) => {
    const { steps } = plan(given);
    for (const step of steps.filter(({ action }) => action === 'create')) {
      const declared = given.desired.services.find(({ id }) => id === step.service);
      const owned = objectsOf(given.observed).filter(
        ({ object }) => object.kind === 'actual' && object.owner.kind === 'ours',
      );
      const there = owned.filter(({ object }) => object.id === step.service).map(({ supervisor }) => supervisor);
      expect(there).not.toContain(step.supervisor);
      const others = steps.filter(({ action, service }) => action === 'handover' && service === step.service);
      if (there.length > 0) expect([step.effect, others.length]).toEqual(['none', 1]);
      const suffix = declared?.instance === undefined ? '' : `@${declared.instance}`;
      for (const old of declared?.formerly ?? []) {
        const olds = owned.filter(({ object }) => object.id === `${old}${suffix}`);
        if (olds.some(({ supervisor }) => supervisor === step.supervisor))
          expect(step.after).toContain(`remove:${old}${suffix}`);
        else if (olds.length > 0) expect(step.effect).toBe('none');
      }
    }
  });
});

it('says the same, with the same fingerprint, whatever order things come in', () => {
  fc.assert(
    fc.property(anyInput, fc.nat(), (given, seed) => {
      const turn = <T>(items: readonly T[]) =>
        [...items.slice(seed % (items.length + 1)), ...items.slice(0, seed % (items.length + 1))].reverse();
      const observed: Observed = new Map(
        turn([...given.observed]).map(([name, reading]) => [
          name,
          reading.kind === 'read' ? { kind: 'read', objects: turn(reading.objects) } : reading,
        ]),
      );
      const again = {
        ...given,
        observed,
        definitions: new Map(turn([...given.definitions])),
        asked: new Set(turn([...given.asked])),
      };
      expect(plan(again)).toEqual(plan(given));
    }),
    RUNS,
  );
});

it('has another fingerprint when the revision or the run state of a service with a step has changed', () => {
  fc.assert(
    fc.property(anyInput, anyRun, (given, run) => {
      const before = plan(given);
      const { revision } = given.desired;
      const other = { ...given, desired: { ...given.desired, revision: { ...revision, content: 'fedcba9876543210' } } };
      expect(plan(other).fingerprint).not.toBe(before.fingerprint);
      const step = before.steps.find(({ seen }) => seen.kind === 'present' && seen.run !== run.kind);
      if (step === undefined) return;
      const observed: Observed = new Map(
        [...given.observed].map(([name, reading]) => [
          name,
          name !== step.supervisor || reading.kind === 'unreadable'
            ? reading
            : {
                kind: 'read',
                objects: reading.objects.map((o) => (o.kind === 'actual' && o.id === step.service ? { ...o, run } : o)),
              },
        ]),
      );
      expect(plan({ ...given, observed }).fingerprint).not.toBe(before.fingerprint);
    }),
    RUNS,
  );
});

it('changes nothing it is given', () => {
  holds((given) => {
    const before = structuredClone([given.desired.services, [...given.observed], [...given.definitions]]);
    plan(given);
    expect([given.desired.services, [...given.observed], [...given.definitions]]).toEqual(before);
  });
});
