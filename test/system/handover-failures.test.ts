import { afterEach, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { type MigrationOptions, migration, type Name, PROD } from './handover/declared.ts';
import { expectBaseline, expectMigrated, expectScansInOrder, expectUnder } from './handover/ends.ts';
import { CAN_FREEZE, freeze } from './handover/frozen.ts';
import { World } from './handover/world.ts';

/** Ready as soon as it answers, and given up soon. */
const QUICK = { ready: '0s', timeout: '3s' };
const INSTANCE = 'supervisord-dolphin.service';
const ALL: readonly Name[] = ['scan_bridge', 'nautilus_trader', 'ticker'];

/** A handover that can't succeed: reversed, held and explained; the rest of its group waits, others are done. */
describeOnSystemd('a handover that fails', () => {
  let world: World;
  afterEach(() => world?.[Symbol.asyncDispose]());

  const pidsOf = (names: readonly Name[]) => names.map((name) => world.pid(name));
  const migrate = (more: MigrationOptions['more'] = {}) => world.commit('There', migration(world.names, { more }));

  interface Expected {
    readonly failed: Name;
    readonly why: RegExp;
    /** Of its group, and after it. */
    readonly waiting?: readonly Name[];
    readonly done?: readonly Name[];
    /** Nothing was stopped: what failed had not even begun. */
    readonly untouched?: boolean;
  }

  /** Applies; wants exit code 3, all explained, the old one in force; and that a second apply leaves it so. */
  async function failing({ failed, why, waiting = [], done = [], untouched = false }: Expected): Promise<string> {
    const [old, others] = [world.pid(failed), pidsOf(waiting)];
    const { code, all, words } = await world.reconcile();
    expect([code, all]).toEqual([3, expect.stringMatching(why)]);
    expect(words).toContain(failed);
    await expectReversed({ failed, why, waiting, done, untouched }, old, others);
    return words;
  }

  async function expectReversed(
    { failed, why, waiting = [], done = [], untouched }: Expected,
    old: number,
    others: readonly number[],
  ): Promise<void> {
    await world.sampler.caughtUp();
    await expectUnder(world, [failed, ...waiting]);
    expect(pidsOf(waiting)).toEqual(others);
    if (untouched) expect(world.pid(failed)).toBe(old);
    const programs = await world.programs();
    for (const name of [failed, ...waiting]) expect([name, programs[name] ?? 'STOPPED']).toEqual([name, 'STOPPED']);
    for (const name of done) {
      expect([name, programs[name]]).toEqual([name, 'RUNNING']);
      expect(world.cgroup(world.pid(name))).toBe(INSTANCE);
      expect((await world.units())[name]).toMatchObject({ active: 'inactive', fileState: 'disabled' });
    }
    const pids = pidsOf(world.names);
    const { words } = await world.reconcile('--dry-run');
    expect(words).toContain(`! ${failed} held`);
    expect(words).toMatch(why);
    expect((await world.reconcile()).code).toBe(3);
    expect(pidsOf(world.names)).toEqual(pids);
    expect(await world.dropIns()).not.toContain('/run/systemd/system/');
    expect(world.sampler.doubles()).toEqual([]);
  }

  it('before it begins: its command is not there', async () => {
    world = await World.create({ names: ALL });
    await migrate({ scan_bridge: { command: ['/opt/dolphin/venv/bin/python3', 'scan_bridge_service.py'] } });
    const why = /\/opt\/dolphin\/venv\/bin\/python3/;
    await failing({ failed: 'scan_bridge', why, waiting: ['nautilus_trader'], done: ['ticker'], untouched: true });
    await migrate();
    expect((await world.reconcile()).code).toBe(0);
    await expectMigrated(world);
  });

  it('before it begins: the disk of its log folder is full', async () => {
    world = await World.create({ names: ALL });
    await sh(
      world.host,
      'mkdir /opt/full && mount -t tmpfs -o size=4m,mode=0777 full /opt/full; cat /dev/zero >/opt/full/rest 2>/dev/null || true',
    );
    await migrate({ scan_bridge: { logs: { stdout: '/opt/full/bridge.log', stderr: '/opt/full/bridge-error.log' } } });
    const why = /\/opt\/full/;
    await failing({ failed: 'scan_bridge', why, waiting: ['nautilus_trader'], done: ['ticker'], untouched: true });
    await sh(world.host, 'rm /opt/full/rest');
    expect((await world.reconcile('start', 'scan_bridge', 'nautilus_trader')).code).toBe(0);
    await expectMigrated(world);
  });

  it('the new one exits at once; a change in Git is tried, and a revert leaves nothing', async () => {
    world = await World.create({ names: ALL });
    await migrate({ scan_bridge: { environment: { MISBEHAVE: 'exit' }, start: { retries: 0 } } });
    const words = await failing({
      failed: 'scan_bridge',
      why: /exit|FATAL|ended/i,
      waiting: ['nautilus_trader'],
      done: ['ticker'],
    });
    expect(words).toContain('dolphin-scan-bridge.service');
    await world.revert();
    expect((await world.reconcile()).code).toBe(0);
    await expectBaseline(world);
    await migrate();
    expect((await world.reconcile()).code).toBe(0);
    await expectMigrated(world);
    expectScansInOrder(world);
  });

  it('the new one is never ready', async () => {
    world = await World.create({ names: ALL });
    await migrate({ nautilus_trader: { environment: { MISBEHAVE: 'never-ready' }, start: QUICK } });
    await failing({ failed: 'nautilus_trader', why: /api|8010|ready|health/, done: ['scan_bridge', 'ticker'] });
    expectScansInOrder(world);
  });

  it('the new one is unhealthy', async () => {
    world = await World.create({ names: ALL });
    await migrate({ nautilus_trader: { environment: { MISBEHAVE: 'unhealthy' }, start: QUICK } });
    await failing({ failed: 'nautilus_trader', why: /503/, done: ['scan_bridge', 'ticker'] });
    expectScansInOrder(world);
  });

  it('the new one is ready, and ends while it is watched', async () => {
    world = await World.create({ names: ALL });
    await migrate({ nautilus_trader: { environment: { MISBEHAVE: 'dies-later' }, soak: '5s' } });
    await failing({ failed: 'nautilus_trader', why: /did not stay well|exit|ended/, done: ['scan_bridge', 'ticker'] });
    expectScansInOrder(world);
  });

  it('supervisord dies in the midst of it', async () => {
    world = await World.create({ names: ['nautilus_trader'] });
    await migrate({ nautilus_trader: { start: { ready: '2s' } } });
    const old = world.pid('nautilus_trader');
    const applied = world.reconcile();
    await until(() => world.cgroup(world.pid('nautilus_trader')) === INSTANCE);
    await sh(world.host, 'kill -KILL "$(systemctl show -P MainPID "$1")"', INSTANCE);
    const { code, all } = await applied;
    expect([code, all]).toEqual([3, expect.stringContaining('supervisord')]);
    await expectReversed({ failed: 'nautilus_trader', why: /supervisord/ }, old, []);
  });

  it('the old one ignores TERM: it is killed once its time is over', async () => {
    const units = { nautilus_trader: ['Environment=MISBEHAVE=ignore-term', 'TimeoutStopSec=90'] };
    world = await World.create({ names: ['nautilus_trader'], units });
    await migrate({ nautilus_trader: { stop: { timeout: '1s' }, start: QUICK } });
    const since = world.sampler.mark();
    const { code, all } = await world.reconcile();
    expect([code, all]).toEqual([0, expect.any(String)]);
    expect(world.sampler.mark() - since).toBeLessThan(20_000);
    await expectMigrated(world);
    expect(world.sampler.doubles()).toEqual([]);
  });

  it.skipIf(!CAN_FREEZE)('the old one does not go at all: no second is started, until it has gone', async () => {
    world = await World.create({ names: ['nautilus_trader', 'ticker'] });
    await migrate({ nautilus_trader: { stop: { timeout: '1s' }, start: QUICK } });
    const old = world.pid('nautilus_trader');
    await using frozen = await freeze(world.host, old);
    const { code, all, words } = await world.reconcile();
    expect([code, all]).toEqual([3, expect.stringContaining(`cannot stop dolphin-nautilus-trader.service`)]);
    expect(words).toContain(`NOT done: did not start dolphin-nautilus-trader.service again: pid ${old}`);
    expect((await world.programs()).ticker).toBe('RUNNING');
    const { words: held } = await world.reconcile('--dry-run');
    expect(held).toContain('! nautilus_trader held');
    expect(held).toContain('cannot stop dolphin-nautilus-trader.service');
    expect((await world.reconcile()).code).toBe(3);
    await world.sampler.caughtUp();
    expect(world.pid('nautilus_trader')).toBe(old);
    expect((await world.units()).nautilus_trader?.fileState).toBe('enabled');
    expect(await world.dropIns()).not.toContain('/run/systemd/system/');
    expect(world.host.exists(`${PROD}/logs/nautilus_trader.log`)).toBe(false);

    await frozen.thaw();
    await until(() => world.pid('nautilus_trader') === 0);
    expect((await world.reconcile()).code).toBe(0);
    await expectMigrated(world);
    expect(world.sampler.doubles()).toEqual([]);
  });
});
