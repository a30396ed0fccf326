import { expect, it } from 'vitest';
import { adoptionOf, enforced, withoutMode } from '../../../src/import/adoption.ts';
import type { Plan } from '../../../src/model.ts';
import { actual, desired, planned, read, service } from '../planner/make.ts';

const NONE: Plan = { version: 1, revision: '', fingerprint: '', steps: [], held: [], notices: [] };

it('what needs no new process, or nothing at all, can be taken over; the rest is for a person to decide', () => {
  const [live, fresh, idle, dead] = [
    service('live', { written: { description: 'new' } }),
    service('fresh'),
    service('idle'),
    service('dead', { state: 'stopped' }),
  ];
  const plan = planned([live, fresh, idle, dead], read(actual(service('live')), actual(idle), actual(service('dead'))));
  const { now, left } = adoptionOf(plan, ['live', 'fresh', 'idle', 'dead']);
  expect(now).toEqual(['live', 'idle']);
  expect(left.map(({ name, step }) => [name, step?.effect])).toEqual([
    ['fresh', 'start'],
    ['dead', 'stop'],
  ]);
});

it('what is held is left, with the reason', () => {
  const held = { service: 'web@2', supervisor: 'systemd', reason: { kind: 'foreign', owner: 'x' } } as const;
  const { now, left } = adoptionOf({ ...NONE, held: [held] }, ['web', 'other']);
  expect(now).toEqual(['other']);
  expect(left).toEqual([{ name: 'web', step: undefined, held }]);
});

it('only those that are named are looked at as if nothing kept them from being done', () => {
  const observed = (name: string) => service(name, { written: { mode: 'observe' } });
  const { services } = enforced(desired([observed('a'), observed('b')]), new Set(['b']));
  expect(services.map(({ written }) => written.mode)).toEqual(['observe', undefined]);
});

it('the line goes with its comment, and nothing else', () => {
  const text =
    'supervisor: systemd\n# Only told, never done, until this line is gone.\nmode: observe\n\ncommand: [x]\n';
  expect(withoutMode(text)).toBe('supervisor: systemd\n\ncommand: [x]\n');
  expect(withoutMode('# mine\nmode: observe  \nx: 1\n')).toBe('# mine\nx: 1\n');
  expect(withoutMode('mode: observe # for now\n')).toBeUndefined();
  expect(withoutMode('a: { mode: observe }\n')).toBeUndefined();
});
