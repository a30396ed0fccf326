import { expect, it } from 'vitest';
import { waitFor } from '../../src/gates/ask.ts';
import { nextTry } from '../../src/gates/book.ts';
import { gateOf } from '../../src/gates/gate.ts';
import { answerOf, type GateState, gateWords } from '../../src/planner/gates.ts';

const gate = { exec: { command: ['/opt/flat', '--password', 'hunter2'] } };

it('has its defaults, and never shows a secret', () => {
  expect(gateOf({ written: { gate } as never })).toMatchObject({
    ...{ every: 10_000, tryFor: 10_000, timeout: 600_000, otherwise: 'wait' },
    target: { kind: 'exec' },
  });
  expect(gateWords(gate)).toBe('exec /opt/flat --password ***');
  expect(gateWords({ http: { url: 'https://a:b@h/x?token=1' } })).toBe('http https://a:***@h/x?token=***');
  expect(gateWords(gate, 'engine', 'supervisord')).toBe('of engine: exec /opt/flat --password ***');
});

it('counts how long the same has waited, and begins anew for something else', () => {
  const ten = gateOf({ written: { gate } as never });
  if (ten === undefined) throw new Error('no gate');
  const first = waitFor(ten, 'a', undefined, 1000);
  expect(first).toEqual({ since: 1000, work: 'a', every: 10_000, until: 601_000 });
  expect(waitFor(ten, 'a', first, 5000)).toEqual(first);
  expect(waitFor(ten, 'b', first, 5000).since).toBe(5000);
  expect(nextTry({ web: first }, 5000)).toBe(15_000);
  expect(nextTry({ web: first }, 600_500)).toBe(601_000);
  expect(nextTry({}, 0)).toBeUndefined();
});

it('is shut before it is late, and late before it is open', () => {
  const needed = ['a', 'b'].map((id) => ({ id, gate }));
  const states = (a: GateState, b: GateState) => ({
    states: new Map([
      ['a', a],
      ['b', b],
    ]),
    override: false,
    preview: false,
  });
  const shut = { kind: 'shut', why: 'no', since: 1, otherwise: 'wait' } as const;
  const ask = { kind: 'late', why: 'no', since: 1, otherwise: 'ask' } as const;
  const proceed = { kind: 'late', why: 'no', since: 1, otherwise: 'proceed' } as const;
  const passed = { kind: 'passed' } as const;
  expect(answerOf(needed, 'a', false, states(passed, passed))).toEqual({ kind: 'open' });
  expect(answerOf(needed, 'a', false, states(ask, shut))).toMatchObject({ kind: 'shut' });
  expect(answerOf(needed, 'a', false, states(proceed, ask))).toMatchObject({ kind: 'ask' });
  expect(answerOf(needed, 'a', true, states(proceed, ask))).toEqual({ kind: 'open' });
  expect(answerOf(needed, 'a', false, states(proceed, passed))).toEqual({ kind: 'open' });
  expect(answerOf(needed, 'a', false, { ...states(shut, ask), override: true })).toEqual({ kind: 'open' });
});
