import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Model, type Old } from './model.ts';

const olds = fc.record({ up: fc.boolean(), enabled: fc.boolean() });
const settings = fc.record({ autostart: fc.boolean(), state: fc.constantFrom('running', 'manual') });

/** More calls than any handover makes. */
const MANY = 16;

/** The new one has it: the old one is given up for good, and the new one runs where that ran, or should. */
function expectOver(model: Model, old: Old, asked = false): void {
  if (!old.up && !old.enabled) return;
  expect(model.old).toMatchObject({ up: false, enabled: false, blocked: 'for-good' });
  const { state, autostart } = model.service;
  expect(model.fresh?.up).toBe(old.up || asked || (state === 'running' && autostart));
}

async function settle(model: Model): Promise<void> {
  for (let i = 0; i < 4 && model.plan().steps.length > 0; i += 1) await model.run();
  expect(model.plan().steps).toEqual([]);
}

describe('a handover, whatever becomes of it', () => {
  it('ends with the new one in place of the old, and then there is nothing to do', async () => {
    await fc.assert(
      fc.asyncProperty(olds, settings, async (old, made) => {
        const model = new Model({ ...old }, made);
        await model.run();
        expectOver(model, old);
        expect([model.plan().steps, model.plan().held, model.begun, model.doubles]).toEqual([[], [], undefined, []]);
      }),
    );
  });

  it('killed before or after any of its calls, and again in the next run, is finished by the one after', async () => {
    const kinds = fc.constantFrom('killed-before', 'killed-after');
    const fault = fc.record({ call: fc.integer({ min: 1, max: MANY }), kind: kinds });
    await fc.assert(
      fc.asyncProperty(olds, settings, fault, fc.option(fault), async (old, made, first, second) => {
        const model = new Model({ ...old }, made);
        await model.run(first);
        if (second !== null) await model.run(second);
        await settle(model);
        expectOver(model, old);
        expect(model.doubles).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('where any of its calls fails, everything is as before and it is held, or it is over and the next run ends it', async () => {
    await fc.assert(
      fc.asyncProperty(olds, settings, fc.integer({ min: 1, max: MANY }), async (old, made, call) => {
        const model = new Model({ ...old }, made);
        const outcomes = await model.run({ call, kind: 'fails' });
        const failed = outcomes !== 'killed' && outcomes.some(({ kind }) => kind !== 'done');
        const asked = model.reversed !== undefined;
        if (asked) {
          expect(failed).toBe(true);
          expect(model.old).toEqual({ ...old, blocked: undefined, taken: undefined });
          expect(model.fresh).toBeUndefined();
          expect(model.plan().held.map(({ reason }) => reason.kind)).toEqual(['reversed']);
          // A person's word has it tried again.
          await model.run(undefined, true);
        }
        await settle(model);
        expectOver(model, old, asked);
        expect(model.doubles).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('where the power goes at any of its calls, one copy is there after the boot, or none until the next run', async () => {
    const kinds = fc.constantFrom('killed-before', 'killed-after');
    const fault = fc.record({ call: fc.integer({ min: 1, max: MANY }), kind: kinds });
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fault, async (autostart, first) => {
        const model = new Model({ up: true, enabled: true }, { autostart });
        await model.run(first);
        model.boot();
        expect(model.doubles).toEqual([]);
        await settle(model);
        expect(model.doubles).toEqual([]);
        expect(model.old).toMatchObject({ up: false, blocked: 'for-good' });
        // What waits for a person after each boot does so after this one, once the old way is given up.
        if (autostart) expect(model.fresh?.up).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('that is found unwell by the run after a kill is reversed, and the new one stopped first', async () => {
    const fault = fc.record({
      call: fc.integer({ min: 1, max: MANY }),
      kind: fc.constantFrom('killed-before', 'killed-after'),
    });
    await fc.assert(
      fc.asyncProperty(settings, fault, async (made, first) => {
        const model = new Model({ up: true, enabled: true }, made);
        await model.run(first);
        model.ill = true;
        await model.run();
        expect(model.doubles).toEqual([]);
        if (model.reversed !== undefined) expect([model.old.up, model.fresh?.up ?? false]).toEqual([true, false]);
      }),
      { numRuns: 500 },
    );
  });

  it('that is interrupted before anything was stopped leaves nothing behind', async () => {
    const model = new Model({ up: true, enabled: true }, { autostart: false });
    model.interrupted.abort();
    await model.run();
    expect([model.old.up, model.old.enabled, model.old.blocked, model.begun]).toEqual([
      true,
      true,
      undefined,
      undefined,
    ]);
    // What somebody stops after that is not started for having run once.
    model.old.up = false;
    model.interrupted = new AbortController();
    await model.run();
    expect(model.fresh?.up).toBe(false);
  });
});
