import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh, variable } from '../rig/systemd/units.ts';
import { Operated } from './operate/world.ts';

describeOnSystemd('services of a daemon that is a service of systemd', () => {
  let world: Operated;

  beforeAll(async () => {
    world = await Operated.create();
    world.declare('web', { command: ['sleep', '987001'] });
    world.declare('api', { command: ['sh', '-c', 'sleep 987002 & exec sleep 987003'], instances: 2 });
    // Nobody in a container can be spared by the OOM killer: the opposite is inherited the same way.
    world.host.write('/etc/systemd/system/reconciled.service.d/oom.conf', '[Service]\nOOMScoreAdjust=300\n');
    world.host.write('/etc/systemd/system.conf.d/limits.conf', '[Manager]\nDefaultLimitNOFILE=1024:4096\n');
    await world.host.systemctl('daemon-reexec');
    await world.start();
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('each run in a scope of their own, with all they start and what watches over them', async () => {
    const pids = await world.pids(3);
    const groups = new Map([...pids].map(([name, pid]) => [name, world.groupOf(pid)]));
    expect(Object.fromEntries(groups)).toEqual({
      web: 'reconciled-web.scope',
      'api@1': 'reconciled-api:1.scope',
      'api@2': 'reconciled-api:2.scope',
    });
    const show = await world.host.systemctl(
      'show',
      'reconciled-api:1.scope',
      '-p',
      'Slice,CollectMode,KillSignal,Description',
    );
    expect(show.trim().split('\n').sort()).toEqual([
      'CollectMode=inactive-or-failed',
      'Description=reconciled: api:1',
      'KillSignal=15',
      'Slice=reconciled.slice',
    ]);
    // The shim, the command and its child; and in the daemon's own group, nobody but the daemon.
    const cgroup = await sh(world.host, 'systemd-cgls --unit reconciled-api:1.scope --no-pager | grep -c sleep');
    expect(cgroup.trim()).toBe('2');
    const daemon = await world.mainPid();
    expect(world.groupOf(daemon)).toBe('reconciled.service');
    const own = await sh(world.host, 'systemd-cgls --unit reconciled.service --no-pager | grep -c shim || true');
    expect(own.trim()).toBe('0');
  });

  it('inherit nothing that is the daemon’s', async () => {
    const daemon = await world.mainPid();
    expect(world.host.read(`/proc/${daemon}/oom_score_adj`)).toBe('300\n');
    const pid = (await world.pids(3)).get('web') ?? 0;
    expect(world.host.read(`/proc/${pid}/oom_score_adj`)).toBe('0\n');
    const names = world.host
      .read(`/proc/${pid}/environ`)
      .split('\0')
      .map((entry) => entry.replace(/=.*/s, ''))
      .filter((name) => name !== '');
    expect(names.sort()).toEqual(['HOME', 'LANG', 'LOGNAME', 'PATH', 'RECONCILED_DEFINITION', 'SHELL', 'USER']);
    expect(variable(world.host, daemon, 'NOTIFY_SOCKET')).toBeDefined();
    // What systemd itself gives to a service, to the last limit; the daemon's own are others.
    const plain = await sh(world.host, 'systemd-run --quiet --pipe --wait sh -c "nice; umask; cat /proc/self/limits"');
    const [nice, umask, ...limits] = plain.trim().split('\n');
    expect(`${nice} ${umask}`).toBe('0 0022');
    const limitsOf = (pid: number) => world.host.read(`/proc/${pid}/limits`).trim().split('\n');
    expect(limitsOf(pid)).toEqual(limits);
    expect(limitsOf(pid).find((line) => /open files/.test(line))).toMatch(/ 1024 +4096 /);
    expect(limitsOf(daemon)).not.toEqual(limits);
    expect(await sh(world.host, `grep Umask /proc/${pid}/status; ps -o ni= -p ${pid}`)).toMatch(/0022\s+0\s/);
    expect(await sh(world.host, `ls -l /proc/${pid}/fd | awk '{print $9, $11}'`)).toMatch(
      /^\s*\n0 \/dev\/null\n1 .*web.log\n2 .*web-error.log\n$/,
    );
  });

  it('that are restarted get a new scope, and the old one goes', async () => {
    const before = (await world.pids(3)).get('web') ?? 0;
    await sh(world.host, `kill -KILL ${before}`);
    const after = (await until(async () => {
      const pid = (await world.status()).get('web')?.pid;
      return pid === null || pid === before ? undefined : pid;
    })) as number;
    expect(world.groupOf(after)).toMatch(/^reconciled-web(:pid\d+)?\.scope$/);
    const scopes = async () =>
      (await sh(world.host, "systemctl list-units --plain --no-legend 'reconciled-web*.scope' | wc -l")).trim() === '1';
    await until(scopes);
  });

  it('start without one where the bus is dead, which is told once; and get one again when it is back', async () => {
    // The socket stays where it is, and nobody answers: what a bus that hangs looks like.
    await sh(world.host, 'systemctl kill -s STOP dbus.service');
    for (const name of ['late', 'later']) world.declare(name, { command: ['sleep', '987004'] });
    const pids = await world.pids(5);
    for (const name of ['late', 'later']) expect(world.groupOf(pids.get(name) ?? 0)).toBe('reconciled.service');
    expect((await world.journal()).match(/cannot give services control groups of their own/g)).toHaveLength(1);
    // No child of the daemon's is left behind by its end: they go on, and are taken back.
    await sh(world.host, 'systemctl kill -s CONT dbus.service');
    await world.host.systemctl('restart', 'reconciled');
    expect(await world.pids(5)).toEqual(pids);
    world.declare('latest', { command: ['sleep', '987005'] });
    expect(world.groupOf((await world.pids(6)).get('latest') ?? 0)).toBe('reconciled-latest.scope');
  });

  it('are stopped by systemd when the host goes down, after the daemon, each with its own signal', async () => {
    world.declare('polite', {
      command: ['sh', '-c', 'trap "echo got USR1; exit 0" USR1; trap "" TERM; while :; do sleep 0.1; done'],
      stop: { signal: 'USR1', timeout: '7s' },
    });
    const pids = await world.pids(7);
    const scope = world.groupOf(pids.get('polite') ?? 0);
    const show = await world.host.systemctl('show', scope, '-p', 'KillSignal,TimeoutStopUSec,Before');
    expect(show).toContain('KillSignal=10');
    expect(show).toContain('TimeoutStopUSec=7s');
    expect(show).toContain('reconciled.service');
    await world.host.powerOff();
    await world.host.boot();
    expect(world.host.read('/var/log/reconciled/polite.log')).toContain('got USR1');
    expect(await world.pids(7)).toHaveProperty('size', 7);
  });
});
