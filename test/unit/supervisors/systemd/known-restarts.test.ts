import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createKnownRestarts } from '../../../../src/supervisors/systemd/known-restarts.ts';
import type { Manager } from '../../../../src/supervisors/systemd/manager.ts';

const folder = mkdtempSync(join(tmpdir(), 'reconciled-known-'));
afterAll(() => rmSync(folder, { recursive: true }));

function host() {
  const counts = new Map([
    ['web.service', 0],
    ['db.service', 3],
  ]);
  const asked: string[] = [];
  const property = async (unit: string, name: string) => {
    asked.push(`${unit} ${name}`);
    return counts.get(unit) ?? 0;
  };
  return { counts, asked, manager: { property } as unknown as Manager };
}

it('asks how often a unit was restarted once for each of its processes', async () => {
  const { counts, asked, manager } = host();
  const known = createKnownRestarts(undefined);
  const both = () =>
    Promise.all([
      known.of(manager, 'web.service', { pid: 10, start: 100 }),
      known.of(manager, 'db.service', { pid: 20, start: 200 }),
    ]);
  expect([await both(), await both()]).toEqual([
    [0, 3],
    [0, 3],
  ]);
  expect(asked).toEqual(['web.service NRestarts', 'db.service NRestarts']);
  counts.set('web.service', 1);
  expect(await known.of(manager, 'web.service', { pid: 11, start: 100 })).toBe(1);
  counts.set('web.service', 2);
  expect(await known.of(manager, 'web.service', { pid: 11, start: 101 })).toBe(2);
  // Without a process there is nothing to know it by.
  for (const restarts of [2, 3]) {
    counts.set('web.service', restarts);
    expect(await known.of(manager, 'web.service', undefined)).toBe(restarts);
  }
});

it('knows in this boot what another run has asked, and takes nothing else for it', async () => {
  const file = join(folder, 'cache', 'restarts.json');
  const { asked, manager } = host();
  const ask = async () => {
    const known = createKnownRestarts(file);
    const count = await known.of(manager, 'db.service', { pid: 20, start: 200 });
    known.save();
    return [count, asked.length];
  };
  expect([await ask(), await ask()]).toEqual([
    [3, 1],
    [3, 1],
  ]);
  const text = readFileSync(file, 'utf8');
  for (const [i, damaged] of [text.replace(/"boot":"./, '"boot":"x'), text.slice(0, -3), '[]'].entries()) {
    writeFileSync(file, damaged);
    expect(await ask()).toEqual([3, 2 + i]);
  }
  // What can't be written is asked again.
  const nowhere = createKnownRestarts(join(file, 'in a file'));
  expect(await nowhere.of(manager, 'db.service', { pid: 20, start: 200 })).toBe(3);
  expect(() => nowhere.save()).not.toThrow();
});
