import { expect, it } from 'vitest';
import { createKnownRestarts } from '../../../../src/supervisors/systemd/known-restarts.ts';
import type { Manager } from '../../../../src/supervisors/systemd/manager.ts';

it('asks how often a unit was restarted once for each of its processes', async () => {
  const counts = new Map([
    ['web.service', 0],
    ['db.service', 3],
  ]);
  const asked: string[] = [];
  const manager = {
    property: async (unit: string, name: string) => {
      asked.push(`${unit} ${name}`);
      return counts.get(unit) ?? 0;
    },
  } as unknown as Manager;
  const restartsOf = createKnownRestarts();
  const both = () => Promise.all([restartsOf(manager, 'web.service', 10), restartsOf(manager, 'db.service', 20)]);
  expect([await both(), await both()]).toEqual([
    [0, 3],
    [0, 3],
  ]);
  expect(asked).toEqual(['web.service NRestarts', 'db.service NRestarts']);
  counts.set('web.service', 1);
  expect(await restartsOf(manager, 'web.service', 11)).toBe(1);
  // Without a process there is nothing to know it by.
  for (const restarts of [2, 3]) {
    counts.set('web.service', restarts);
    expect(await restartsOf(manager, 'web.service', 0)).toBe(restarts);
  }
});
