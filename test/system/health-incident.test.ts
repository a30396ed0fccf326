import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Status } from '../../src/model.ts';
import { type DaemonProcess, daemonProcess, RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { migration, type Name } from './handover/declared.ts';
import { World } from './handover/world.ts';

const NAMES: readonly Name[] = ['scan_bridge', 'nautilus_trader'];
const DESIRED = '/root/desired-state';
/** ms. In CI as long as the issue of the night took to be noticed, else as short as tells. */
const LONG = process.env.RECONCILED_LONG === undefined ? 30_000 : 180_000;

/** What the five sensors of the health daemon watched, as probes: with the restarts that it made, for the engine's own. */
const SENSORS = {
  nautilus_trader: [
    { name: 'm1', tcp: { address: '127.0.0.1:5701' }, every: '500ms', about: 'dependency', level: 'dead' },
    {
      name: 'm2',
      http: { url: 'http://127.0.0.1:8010/health' },
      every: '500ms',
      timeout: '400ms',
      kind: 'liveness',
      onFailure: 'restart',
    },
    {
      name: 'm4',
      progress: { file: { path: 'state/nautilus_progress.json' }, json: '$.last_scan_number', within: '5s' },
      every: '500ms',
      onFailure: 'restart',
    },
    { name: 'm5', process: { memory: '1GiB', openFiles: 1000 }, every: '500ms', onFailure: 'restart' },
  ],
  scan_bridge: [{ name: 'm3', tcp: { address: '127.0.0.1:8011' }, every: '500ms', onFailure: 'restart' }],
};

describeOnSystemd('the incident of the origin story, with its five sensors as probes', () => {
  let world: World;
  let daemon: DaemonProcess;
  const status = async () => JSON.parse((await world.reconcile('status', '--json')).stdout) as Status;
  const one = async (name: string) => {
    const found = (await status()).services.find((service) => service.name === name);
    if (found === undefined) throw new Error(`no ${name} in the status`);
    return found;
  };

  beforeAll(async () => {
    world = await World.create({ names: NAMES });
    const more = {
      nautilus_trader: {
        environment: { MISBEHAVE: 'needs-ng6' },
        health: SENSORS.nautilus_trader,
        stop: { timeout: '1s' },
      },
      scan_bridge: { health: SENSORS.scan_bridge },
    };
    await world.commit('Probes in place of the health daemon', migration(NAMES, { more }));
    const { code, all } = await world.reconcile();
    if (code !== 0) throw new Error(all);
    daemon = daemonProcess(world.host.spawn([RECONCILE, 'daemon'], { env: { RECONCILE_DESIRED_STATE: DESIRED } }));
    await daemon.saw(/ready:/);
  });
  afterAll(async () => {
    await daemon?.stop();
    await world?.[Symbol.asyncDispose]();
  });

  it(`names NG6, which is down, and restarts nothing for ${LONG / 1000} s`, { timeout: LONG + 60_000 }, async () => {
    const pids = NAMES.map((name) => world.pid(name));
    await until(async () => (await one('nautilus_trader')).waitingFor?.name === 'm1');
    const scans = world.scans().length;
    await sleep(LONG);
    const engine = await one('nautilus_trader');
    expect(engine).toMatchObject({ state: 'RUNNING', level: 'DEAD', restarts: 0, waitingFor: { name: 'm1' } });
    expect(engine.note).toMatch(/waiting for m1/);
    expect((await one('scan_bridge')).level).toBe('HEALTHY');
    expect(NAMES.map((name) => world.pid(name))).toEqual(pids);
    expect(world.scans().length).toBeGreaterThan(scans + (LONG / 1000) * 10);
    const { words } = await world.reconcile('explain', 'nautilus_trader');
    expect(words).toMatch(/waiting for m1/);
  });

  it('is over when NG6 is back, and nothing was restarted for that either', async () => {
    const pids = NAMES.map((name) => world.pid(name));
    await sh(world.host, 'setsid python3 -m http.server --bind 127.0.0.1 5701 >/dev/null 2>&1 </dev/null &');
    await until(async () => (await one('nautilus_trader')).level === 'HEALTHY', 30);
    expect(await one('nautilus_trader')).toMatchObject({ waitingFor: null, restarts: 0 });
    expect(NAMES.map((name) => world.pid(name))).toEqual(pids);
  });

  it('restarts the engine when it hangs by itself, once, and says why', async () => {
    const pid = world.pid('nautilus_trader');
    const bridge = world.pid('scan_bridge');
    await sh(world.host, `kill -STOP ${pid}`);
    await until(() => world.pid('nautilus_trader') !== pid && world.pid('nautilus_trader') !== 0, 60);
    await until(async () => (await one('nautilus_trader')).level === 'HEALTHY', 30);
    expect(world.pid('scan_bridge')).toBe(bridge);
    const { words } = await world.reconcile('explain', 'nautilus_trader');
    expect(words).toMatch(/restart pid \d+; its probe m[24] fails/);
  });
});
