import { expect, it } from 'vitest';
import {
  HOLD,
  holdsOf,
  lastingHolds,
  type Marks,
  marksAfter,
  marksBefore,
  settledOf,
  untriedOf,
  withRestarting,
} from '../../src/marks.ts';
import type { Held, Notice, Observed, Outcome, Plan, Run, Step } from '../../src/model.ts';

const NOW = 1_000_000;
const WANTED = new Map([['web', 'a']]);
const everyone = () => true;

function report(parts: { held?: Held['reason']; notice?: Notice; outcome?: Outcome }) {
  const step = { id: 'start:web', service: 'web' } as Step;
  const plan = {
    held: parts.held === undefined ? [] : [{ service: 'web', supervisor: 'systemd', reason: parts.held }],
    notices: parts.notice === undefined ? [] : [parts.notice],
  } as unknown as Plan;
  return { plan, steps: parts.outcome === undefined ? [] : [{ step, outcome: parts.outcome, took: 1 }] };
}

const FAILED: Outcome = { kind: 'failed', problem: { code: 'x', summary: 'x' } };
const STOPPED: Held['reason'] = { kind: 'drift', what: 'stopped' };

it('a service is settled once it is as Git wants, by steps that are done or without any', () => {
  expect(marksAfter({}, WANTED, everyone, report({}))).toEqual({ web: { settled: 'a' } });
  expect(marksAfter({}, WANTED, everyone, report({ outcome: { kind: 'done' } }))).toEqual({
    web: { settled: 'a' },
  });
  expect(settledOf({ web: { settled: 'a' } }, WANTED)).toEqual(new Set(['web']));
  // A run was about to restart it.
  expect(settledOf({ web: { settled: 'a', restarting: 7 } }, WANTED)).toEqual(new Set());
});

it('what failed or is held for another reason is not: the next run is no stranger to it', () => {
  expect(marksAfter({}, WANTED, everyone, report({ outcome: FAILED }))).toEqual({});
  const blocked: Held['reason'] = { kind: 'blocked', problem: { code: 'x', summary: 'x' } };
  expect(marksAfter({}, WANTED, everyone, report({ held: blocked }))).toEqual({});
});

it('is not settled any more once Git wants something else', () => {
  expect(settledOf({ web: { settled: 'a' } }, new Map([['web', 'b']]))).toEqual(new Set());
});

it('a hold begins when drift is first seen and is not made longer by seeing it again', () => {
  const before: Marks = { web: { settled: 'a' } };
  const plan = { ...report({ held: STOPPED }).plan, steps: [] };
  const held = marksBefore(before, WANTED, plan, { now: NOW });
  expect(held).toEqual({ web: { settled: 'a', hold: { what: 'stopped', since: NOW, until: NOW + HOLD } } });
  expect(marksAfter(held, WANTED, everyone, report({ held: STOPPED }))).toEqual(held);
  expect(marksBefore(held, WANTED, plan, { now: NOW + 5000 })).toEqual(held);
  expect(holdsOf(held, NOW + HOLD - 1).get('web')).toEqual({ what: 'stopped', until: NOW + HOLD, expired: false });
  expect(holdsOf(held, NOW + HOLD).get('web')).toEqual({ what: 'stopped', until: NOW + HOLD, expired: true });
  expect([...lastingHolds(held, NOW).keys()]).toEqual(['web']);
  expect([...lastingHolds(held, NOW + HOLD).keys()]).toEqual([]);
});

it('a hold ends when the service is as Git wants again, and stays where healing failed', () => {
  const held: Marks = { web: { settled: 'a', hold: { what: 'stopped', since: 0, until: 1 } } };
  expect(marksAfter(held, WANTED, everyone, report({ outcome: { kind: 'done' } }))).toEqual({
    web: { settled: 'a' },
  });
  expect(marksAfter(held, WANTED, everyone, report({ outcome: FAILED }))).toEqual(held);
});

it('what is only told stays settled, and what a run was not about stays as it was', () => {
  const before: Marks = { web: { settled: 'old' } };
  const notice: Notice = { kind: 'drift', service: 'web', what: 'edited' };
  expect(marksAfter(before, WANTED, everyone, report({ notice }))).toEqual(before);
  expect(marksAfter(before, WANTED, () => false, report({}))).toEqual(before);
});

it('what is declared no more is forgotten', () => {
  expect(marksAfter({ gone: { settled: 'x' } }, WANTED, everyone, report({}))).toEqual({ web: { settled: 'a' } });
});

const START_FAILED: Outcome = { kind: 'failed', problem: { code: 'start-failed', summary: 'x' } };
const INTERRUPTED: Outcome = { kind: 'failed', problem: { code: 'interrupted', summary: 'x' } };

it('what could not be started was tried, what was interrupted was not: only the one is no news to the next run', () => {
  const after = (outcome: Outcome) => {
    const made = report({ outcome });
    const steps = made.steps.map((each) => ({ ...each, step: { ...each.step, effect: 'start' } as Step }));
    return untriedOf(marksAfter({ web: { settled: 'old' } }, WANTED, everyone, { ...made, steps }), WANTED);
  };
  expect(after(START_FAILED)).toEqual(new Set());
  expect(after(INTERRUPTED)).toEqual(new Set(['web']));
  expect(untriedOf({}, WANTED)).toEqual(new Set());
  expect(untriedOf({ web: { settled: 'a' } }, WANTED)).toEqual(new Set());
  expect(untriedOf({ web: { settled: 'a', tried: 'a' } }, new Map([['web', 'b']]))).toEqual(new Set(['web']));
});

it('a process that an interrupted run was about to replace is stale to the next one, another process is not', () => {
  const seen = { kind: 'present', hash: 'h', run: 'running', pid: 7 } as const;
  const step = { id: 'restart:web', service: 'web', effect: 'restart', seen } as unknown as Step;
  const marks = marksBefore({ web: { settled: 'a' } }, WANTED, { steps: [step], held: [] } as unknown as Plan, {
    now: NOW,
  });
  expect(marks).toEqual({ web: { settled: 'a', restarting: 7 } });
  const run = (pid: number): Run => ({ kind: 'running', pid, since: 0, definition: 'current' });
  const observed = (pid: number): Observed =>
    new Map([
      [
        'systemd',
        {
          kind: 'read',
          objects: [
            {
              kind: 'actual',
              id: 'web',
              owner: { kind: 'ours' },
              definition: { hash: 'h' },
              run: run(pid),
              restarts: 0,
            },
          ],
        },
      ],
    ]);
  expect(withRestarting(observed(7), marks).get('systemd')).toMatchObject({
    objects: [{ run: { pid: 7, definition: 'stale' } }],
  });
  expect(withRestarting(observed(8), marks)).toEqual(observed(8));
  expect(marksAfter(marks, WANTED, everyone, report({ outcome: { kind: 'done' } }))).toEqual({
    web: { settled: 'a' },
  });
});
