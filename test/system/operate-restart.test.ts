import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { DESIRED, Operated } from './operate/world.ts';

const COUNT = 200;
/** A line every 100 ms, numbered from 1 in each process: what is lost or restarted shows. Without a process for each line. */
const COUNTER = ['perl', '-e', '$| = 1; for ($i = 1; ; $i++) { print "$i\\n"; select(undef, undef, undef, 0.1) }'];
const NAMES = Array.from({ length: COUNT }, (_, i) => `counter-${i}`);

/** Unsupervised for at most so long (ms); on a machine that is busy with something else, so many times a bare Node's start. */
const GAP = 1000;
const STARTS = 10;

describeOnSystemd(`a daemon with ${COUNT} services that never pause`, () => {
  let world: Operated;
  let pids: ReadonlyMap<string, number>;

  beforeAll(async () => {
    world = await Operated.create();
    for (const name of NAMES) world.declare(name, { command: COUNTER });
    world.declare('victim', { command: ['sleep', '987201'], restart: { backoff: { initial: '10ms' } } });
    await world.start();
    pids = await world.pids(COUNT + 1);
  }, 300_000);
  afterAll(() => world?.[Symbol.asyncDispose]());

  /** The last number of each log; fails where one is missing before it. */
  function counted(): number[] {
    return NAMES.map((name) => {
      const numbers = readFileSync(world.host.path(`/var/log/reconciled/${name}.log`), 'utf8')
        .split('\n')
        .slice(0, -1);
      expect([name, numbers.findIndex((text, i) => text !== String(i + 1))]).toEqual([name, -1]);
      return numbers.length;
    });
  }

  /** ms from the last that the old daemon did to the first that the new one did when it had taken all back. */
  async function gap(): Promise<number> {
    const lines = (await sh(world.host, 'journalctl -u reconciled -o short-unix --no-pager'))
      .trim()
      .split('\n')
      .map((line) => [Number(line.split(' ')[0]) * 1000, line] as const);
    const ended = lines.findLast(([, line]) => line.includes('Daemon ended'))?.[0] ?? Number.NaN;
    const adopted = lines.findLast(([, line]) => line.includes('taken back as it runs'))?.[0] ?? Number.NaN;
    return adopted - ended;
  }

  /** How long (ms) it may take as the machine is now. */
  async function allowed(): Promise<number> {
    const began = performance.now();
    await world.host.exec([process.execPath, '-e', '0']);
    return Math.max(GAP, STARTS * (performance.now() - began));
  }

  async function unharmed(others: readonly string[] = []): Promise<void> {
    const now = await world.pids(COUNT + 1);
    for (const name of NAMES) expect([name, now.get(name)]).toEqual([name, pids.get(name)]);
    const status = await world.status();
    expect(NAMES.filter((name) => status.get(name)?.restarts !== 0)).toEqual([]);
    const before = counted();
    await until(() => counted().every((count, i) => count > (before[i] ?? 0)));
    for (const name of others) expect(now.get(name)).not.toBe(pids.get(name));
    pids = now;
  }

  it('is restarted: no service is, no line is lost, and what died meanwhile runs again within a second', async () => {
    const gaps: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      // It dies while nobody looks: as the very last before the new daemon begins.
      world.host.write(
        '/etc/systemd/system/reconciled.service.d/kill.conf',
        `[Service]\nExecStartPre=-/bin/kill -KILL ${pids.get('victim')}\n`,
      );
      await world.host.systemctl('daemon-reload');
      await world.host.systemctl('restart', 'reconciled');
      const ready = performance.now();
      const back = await until(async () => {
        const { stdout } = await world.host.exec(['pgrep', '-f', '^sleep 987201']);
        return stdout === '' ? 0 : performance.now();
      });
      const limit = await allowed();
      expect(back - ready).toBeLessThan(limit);
      gaps.push(await gap());
      expect(gaps.at(-1)).toBeLessThan(limit);
      await unharmed(['victim']);
    }
    await sh(world.host, 'rm /etc/systemd/system/reconciled.service.d/kill.conf && systemctl daemon-reload');
    console.log(`restart with ${COUNT} services: unsupervised for ${gaps.map((ms) => Math.round(ms)).join(', ')} ms`);
  }, 300_000);

  it('is upgraded, and the release that it ran from deleted at once', async () => {
    const from = RECONCILE.replace('/dist/reconcile', '');
    await sh(
      world.host,
      `mkdir /root/next && cp -r ${from}/dist /root/next/ && sed 's/"version": ".*"/"version": "9.9.9"/' ${from}/package.json >/root/next/package.json
       ln -s ${from}/node_modules /root/next/node_modules
       /root/next/dist/reconcile install --yes --desired-state ${DESIRED}
       ls -d /opt/reconciled/releases/* | grep -v 9.9.9 | xargs rm -r`,
    );
    await world.host.systemctl('restart', 'reconciled');
    const took = await gap();
    const limit = await allowed();
    console.log(`upgrade with ${COUNT} services: unsupervised for ${Math.round(took)} ms`);
    expect(took).toBeLessThan(limit);
    await unharmed();
    expect((await world.host.exec(['reconcile', '--version'])).stdout).toBe('9.9.9\n');
  }, 300_000);

  it('that hangs is ended by the watchdog and started again, and its services go on', async () => {
    const before = await world.mainPid();
    world.host.write('/etc/systemd/system/reconciled.service.d/watchdog.conf', '[Service]\nWatchdogSec=4\n');
    await world.host.systemctl('daemon-reload');
    await world.host.systemctl('restart', 'reconciled');
    const pid = await world.mainPid();
    expect(pid).not.toBe(before);
    // While it is well nothing bites.
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    expect(await world.mainPid()).toBe(pid);
    await sh(world.host, `kill -STOP ${pid}`);
    await until(async () => ![0, pid].includes(await world.mainPid()));
    await until(async () => (await world.host.exec(['systemctl', 'is-active', 'reconciled'])).stdout === 'active\n');
    expect(await sh(world.host, 'journalctl -u reconciled -o cat --no-pager')).toMatch(/Watchdog timeout/);
    await unharmed();
    await sh(world.host, 'rm /etc/systemd/system/reconciled.service.d/watchdog.conf && systemctl daemon-reload');
  }, 300_000);

  it('goes on without a single file of its own: it applies, rotates, answers and ends', async () => {
    await sh(
      world.host,
      'mv /opt/reconciled/releases /opt/reconciled/gone && rm -rf /opt/reconciled/gone/*/dist/* /root/next/dist',
    );
    const ask = (path: string) =>
      sh(world.host, `curl -sS --unix-socket /run/reconciled/control.sock http://localhost${path}`);
    world.declare('newcomer', {
      command: ['sh', '-c', 'yes | head -c 3000000; exec sleep 987202'],
      logs: { maxSize: '1MB', keep: 2 },
    });
    world.declare('of-systemd', { supervisor: 'systemd', command: ['sleep', '987203'] });
    world.declare('probed', {
      command: ['sleep', '987204'],
      health: [{ name: 'self', exec: { command: ['true'] }, every: '1s' }],
    });
    await until(async () => {
      const answer = await ask('/v1/status');
      const { services = [] } = JSON.parse(answer) as {
        services: { name: string; state: string; health: string }[];
      };
      const state = (name: string) => services.find((service) => service.name === name);
      return (
        state('newcomer')?.state === 'RUNNING' &&
        state('of-systemd')?.state === 'RUNNING' &&
        state('probed')?.health === 'healthy'
      );
    });
    await until(() => world.host.exists('/var/log/reconciled/newcomer.log.1'));
    // What is wrong is still explained.
    world.host.write(`${DESIRED}/services/wrong.yaml`, 'supervisor: builtin\ncomand: [x]\n');
    await until(async () => (await world.journal()).includes("unknown key 'comand'"));
    await sh(world.host, `rm ${DESIRED}/services/wrong.yaml`);
    await until(async () => (await world.journal()).includes('the desired state is valid again'));
    await world.host.systemctl('stop', 'reconciled');
    expect(await world.host.systemctl('show', 'reconciled', '-p', 'Result,ExecMainStatus')).toBe(
      'Result=success\nExecMainStatus=0\n',
    );
    const before = counted();
    await until(() => counted().every((count, i) => count > (before[i] ?? 0)));
  }, 300_000);
});
