import { expect, test } from 'vitest';
import { apply } from '../../src/apply.ts';
import type { Event, Outcome, Plan, Step } from '../../src/model.ts';
import type { Supervisor } from '../../src/supervisors/supervisor.ts';

const step = (service: string, after: readonly string[] = []): Step => ({
  id: `start:${service}`,
  service,
  supervisor: 'builtin',
  action: 'start',
  reason: { kind: 'not-running', run: 'stopped' },
  effect: 'start',
  after: after.map((name) => `start:${name}`),
  seen: { kind: 'present', hash: 'h', run: 'stopped' },
});

const planOf = (...steps: readonly Step[]): Plan => ({
  version: 1,
  revision: 'r',
  fingerprint: 'f',
  steps,
  held: [],
  notices: [],
});

/** A supervisor whose steps end when told, in memory: apply's own order is what is tested. */
function scripted() {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<Outcome>>();
  const end = (service: string) => {
    const found = ends.get(service) ?? Promise.withResolvers<Outcome>();
    ends.set(service, found);
    return found;
  };
  const supervisor = {
    apply: (taken: Step) => {
      begun.push(taken.service);
      return end(taken.service).promise;
    },
  } as unknown as Supervisor;
  return { begun, end, supervisors: new Map([['builtin' as const, supervisor]]) };
}

/** Nothing here is handed over. */
const nobody = () => Promise.reject(new Error('no handover'));

const done: Outcome = { kind: 'done' };
const failed: Outcome = { kind: 'failed', problem: { code: 'x', summary: 'cannot start a: it is broken' } };
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('steps that wait for nothing begin at once, the others when all they wait for are done', async () => {
  const { begun, end, supervisors } = scripted();
  const report = apply(
    planOf(step('a'), step('b'), step('c', ['a', 'b'])),
    supervisors,
    () => {},
    new AbortController().signal,
    nobody,
  );
  await settle();
  expect(begun).toEqual(['a', 'b']);
  end('a').resolve(done);
  await settle();
  expect(begun).toEqual(['a', 'b']);
  end('b').resolve(done);
  end('c').resolve(done);
  expect((await report).steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done', 'done']);
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('a failure skips what comes after it, through all levels, and nothing else', async () => {
  const { begun, end, supervisors } = scripted();
  for (const name of ['b', 'd']) end(name).resolve(done);
  end('a').resolve(failed);
  const plan = planOf(step('a'), step('b'), step('c', ['a']), step('d', ['b']), step('e', ['c', 'd']));
  const report = await apply(plan, supervisors, () => {}, new AbortController().signal, nobody);
  expect(report.steps.map(({ step: { service }, outcome }) => `${service} ${outcome.kind}`)).toEqual([
    'a failed',
    'b done',
    'c skipped',
    'd done',
    'e skipped',
  ]);
  expect(begun).toEqual(['a', 'b', 'd']);
  const e = report.steps[4]?.outcome;
  expect(e?.kind === 'skipped' && e.problem.summary).toBe('did not start e: c comes first and was skipped');
});

test('after an abort no step begins, and each still has an outcome', async () => {
  const { begun, end, supervisors } = scripted();
  const abort = new AbortController();
  const report = apply(planOf(step('a'), step('b', ['a'])), supervisors, () => {}, abort.signal, nobody);
  await settle();
  abort.abort();
  end('a').resolve(done);
  expect((await report).steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'skipped']);
  expect(begun).toEqual(['a']);
});

test('a supervisor that throws makes its step fail with words, not the run', async () => {
  const supervisor = {
    apply: () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOSPC' })),
  } as unknown as Supervisor;
  const report = await apply(
    planOf(step('a')),
    new Map([['builtin', supervisor]]),
    () => {},
    new AbortController().signal,
    nobody,
  );
  expect(report.steps[0]?.outcome).toEqual({
    kind: 'failed',
    problem: { code: 'step-failed', summary: 'cannot start a: no space left on the device' },
  });
});

test('events tell each begin and end, and the report last', async () => {
  const { end, supervisors } = scripted();
  end('a').resolve(done);
  const events: Event[] = [];
  await apply(planOf(step('a')), supervisors, (event) => events.push(event), new AbortController().signal, nobody);
  expect(events.map(({ kind }) => kind)).toEqual(['step-started', 'step-ended', 'applied']);
});
