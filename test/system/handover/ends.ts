import { expect } from 'vitest';
import { CONFIG, type Name, SOCKET } from './declared.ts';
import type { World } from './world.ts';

const INSTANCE = 'supervisord-dolphin.service';

/** All of these run under our supervisord and nowhere else, their units are off and as people wrote them, nothing is left to do. */
export async function expectMigrated(world: World, names: readonly Name[] = world.names): Promise<void> {
  const [programs, units] = [await world.programs(), await world.units()];
  const section = (name: Name) => world.host.read('/etc/supervisor/dolphin.d/reconciled-dolphin.conf').includes(name);
  expect(
    names.map((name) => [
      name,
      {
        copies: world.sampler.now(name).length,
        program: programs[name],
        section: section(name),
        under: world.cgroup(world.pid(name)),
        active: units[name]?.active,
        file: units[name]?.fileState,
      },
    ]),
  ).toEqual(
    names.map((name) => [
      name,
      { copies: 1, program: 'RUNNING', section: true, under: INSTANCE, active: 'inactive', file: 'disabled' },
    ]),
  );
  expect(world.unitsKept()).toBe(true);
  expect(await world.mode(SOCKET)).toBe('600 root');
  expect(await world.unitFileState(INSTANCE)).toBe('enabled');
  await expectNothingToDo(world);
}

/** All is as it was before: under systemd by the units that people wrote, without anything of ours. */
export async function expectBaseline(world: World): Promise<void> {
  await expectUnder(world, world.names);
  expect(await world.dropIns()).toBe('');
  for (const path of [CONFIG, '/etc/supervisor/dolphin.d/reconciled-dolphin.conf', `/etc/systemd/system/${INSTANCE}`])
    expect([path, world.host.exists(path)]).toEqual([path, false]);
  expect((await world.host.exec(['pgrep', '-f', 'supervisord'])).stdout).toBe('');
  await expectNothingToDo(world);
}

/** These run by their old units, which are enabled as they were. */
export async function expectUnder(world: World, names: readonly Name[]): Promise<void> {
  const units = await world.units();
  expect(
    names.map((name) => {
      const { active, fileState: file } = units[name] ?? {};
      const ownCgroup = world.cgroup(world.pid(name)) === world.unitOf(name);
      return [name, { copies: world.sampler.now(name).length, ownCgroup, active, file }];
    }),
  ).toEqual(names.map((name) => [name, { copies: 1, ownCgroup: true, active: 'active', file: 'enabled' }]));
  expect(world.unitsKept()).toBe(true);
}

/** What waits for the next start of something may still be told. */
export async function expectNothingToDo(world: World): Promise<void> {
  const { code, stdout } = await world.reconcile('--dry-run', '--json');
  const { steps, held } = JSON.parse(stdout) as {
    readonly steps: readonly unknown[];
    readonly held: readonly unknown[];
  };
  expect({ code, steps, held }).toEqual({ code: 0, steps: [], held: [] });
}

/** The engine has taken every scan once, in order, whoever ran it. */
export function expectScansInOrder(world: World): void {
  const scans = world.scans();
  expect(scans).toEqual(scans.map((_, i) => 471 + i));
  expect(scans.length).toBeGreaterThan(0);
}
