import { expect, it } from 'vitest';
import type { PersonHold } from '../../../src/control/holds.ts';
import type { DaemonEvent } from '../../../src/daemon/event.ts';
import { type Left, tellHolds } from '../../../src/daemon/holds.ts';
import { service } from '../planner/make.ts';

const HOUR = 3_600_000;
const desired = (written: object = {}): Left['desired'] => ({
  services: [service('web', { written: written as never })],
  policy: { owner: 'default', prune: { kind: 'off' }, written: {} } as Left['desired']['policy'],
});
const hold: PersonHold = { name: 'web', by: 'ann', why: 'a debugger', since: 0, until: HOUR };
const told = () => {
  const events: DaemonEvent[] = [];
  const next = tellHolds((event) => events.push(event));
  return {
    at: (now: number, left: Partial<Left> = {}) => {
      events.length = 0;
      const again = next({ holds: [], marks: {}, desired: desired(), ...left }, now);
      return { again, kinds: events.map(({ kind }) => kind), events: [...events] };
    },
  };
};

it('is told once, before its end, and when it is over; it is looked again when one of these comes', () => {
  const { at } = told();
  expect(at(0, { holds: [hold] })).toMatchObject({ again: HOUR - 300_000, kinds: ['held-by'] });
  expect(at(1, { holds: [hold] })).toMatchObject({ kinds: [] });
  expect(at(HOUR - 300_000, { holds: [hold] })).toMatchObject({ again: HOUR, kinds: ['hold-ends'] });
  expect(at(HOUR - 1, { holds: [hold] })).toMatchObject({ kinds: [] });
  expect(at(HOUR, { holds: [hold] })).toMatchObject({ again: undefined, kinds: ['released'] });
  expect(at(HOUR + 1)).toMatchObject({ kinds: [] });
});

it('is told half-way where it lasts no longer than that', () => {
  const { at } = told();
  expect(at(0, { holds: [{ ...hold, until: 10_000 }] }).again).toBe(5000);
});

it('tells the end of what somebody did by hand too, and what it waits for then', () => {
  const marks = { web: { hold: { what: 'stopped', since: 0, until: HOUR, by: 'ann' } } } as const;
  const { at } = told();
  const gated = desired({ gate: { file: { path: '/run/flat' } } });
  expect(at(HOUR - 1, { marks, desired: gated }).events).toEqual([
    { kind: 'hold-ends', service: 'web', until: HOUR, by: 'ann', waits: 'gate' },
  ]);
  // A person has said that it is over.
  const released = { web: { hold: { ...marks.web.hold, released: true } } } as const;
  expect(told().at(0, { marks: released })).toMatchObject({ again: undefined, kinds: [] });
});
