import { expect, it } from 'vitest';
import { expandGroups } from '../../src/groups.ts';
import type { Service } from '../../src/model.ts';
import { Failure } from '../../src/problem.ts';

const service = (id: string, group: string | undefined, state: Service['state'] = 'running') =>
  ({ id, name: id, state, ...(group === undefined ? {} : { group }) }) as Service;

const SERVICES = [
  service('a', 'dolphin'),
  service('b', 'dolphin', 'disabled'),
  service('c', 'whale'),
  service('d', undefined),
];

it('stands for all services of a group, each once, whatever else is named', () => {
  expect(expandGroups(['dolphin:*', 'a', 'd'], SERVICES)).toEqual(['a', 'b', 'd']);
});

it('leaves out what is not to run where it is about starting', () => {
  expect(expandGroups(['dolphin:*'], SERVICES, true)).toEqual(['a']);
});

it('refuses a group that nobody is in, and tells the nearest', () => {
  expect(() => expandGroups(['dolfin:*'], SERVICES)).toThrow(Failure);
  try {
    expandGroups(['dolfin:*', 'x:*'], SERVICES);
  } catch (error) {
    expect((error as Failure).problems).toMatchObject([
      { summary: "no service is in a group called 'dolfin'", hint: "did you mean 'dolphin:*'?" },
      { hint: 'there are dolphin, whale' },
    ]);
  }
});
