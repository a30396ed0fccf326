import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type DaemonProcess, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';
import { startSampler } from './handover/sampler.ts';

interface Finding {
  readonly subject: string;
  readonly kind: string;
  readonly times: readonly number[];
  readonly cadence: { readonly every: number; readonly least: number; readonly most: number } | null;
  readonly certainty: string;
  readonly by: {
    readonly pid: number;
    readonly command: string;
    readonly user: string;
    readonly started: string;
  } | null;
  readonly runs: string | null;
  readonly evidence: string;
}

interface Answer {
  readonly watched: readonly { readonly subject: string; readonly pid: number | null; readonly restarts: number }[];
  readonly findings: readonly Finding[];
}

const unit = (command: string, more = '') =>
  `[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=${command}\n${more}\n[Install]\nWantedBy=multi-user.target\n`;

const RESTARTER = `import subprocess, sys, time
while True:
    subprocess.run(sys.argv[1:])
    time.sleep(1)
`;
/** Leaves no command behind: it finds its victim by itself, and signals it by itself. */
const SILENT = `import os, signal, time
while True:
    time.sleep(1)
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline') as file:
                if file.read().split('\\0')[:2] == ['sleep', '1000001']: os.kill(int(pid), signal.SIGKILL)
        except OSError: pass
`;
const SUPERVISORD = `[supervisord]
nodaemon=true
minfds=1024
logfile=/run/dolphin.log
pidfile=/run/dolphin.pid
[unix_http_server]
file=/run/dolphin.sock
chmod=0700
[supervisorctl]
serverurl=unix:///run/dolphin.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[group:dolphin]
programs=bridge,trader
[program:bridge]
command=sleep 1000002
startsecs=0
[program:trader]
command=sleep 1000003
startsecs=0
`;

describeOnSystemd('who keeps restarting a service', () => {
  let host: SystemdHost;
  const running: number[] = [];
  /** Starts a program as a person would who then leaves; its pid. */
  const byHand = async (...command: readonly string[]) => {
    const script = 'cd /opt/health; setsid nohup "$@" >/dev/null 2>&1 </dev/null & echo $!';
    const pid = Number(await sh(host, script, ...command));
    // A setsid that leads its group already forks.
    running.push(pid);
    return pid;
  };
  const ask = async (name: string, time: string): Promise<Answer> => {
    const { code, stdout, stderr } = await host.reconcile('who', '--restarts', name, '--for', time, '--json');
    if (code !== 0) throw new Error(`ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as Answer;
  };
  const about = ({ findings }: Answer, subject: string) => findings.filter((one) => one.subject === subject);

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/opt/health/meta_health_daemon_v2.py', RESTARTER);
    host.write('/opt/health/silent.py', SILENT);
    host.write('/usr/local/bin/watchdog', '#!/bin/sh\nwhile sleep 1; do systemctl restart api; done\n', 0o755);
    host.write('/etc/systemd/system/web.service', unit('sleep 1000000'));
    host.write('/etc/systemd/system/api.service', unit('sleep 1000004'));
    host.write('/etc/systemd/system/killed.service', unit('sleep 1000001', 'Restart=always\nRestartSec=100ms'));
    host.write('/etc/systemd/system/watchdog.service', unit('/usr/local/bin/watchdog'));
    host.write('/etc/supervisord.conf', SUPERVISORD);
    host.write('/etc/systemd/system/dolphin.service', unit('/usr/bin/env supervisord -c /etc/supervisord.conf'));
    host.write(
      '/root/desired-state/services/scanner.yaml',
      'supervisor: systemd\ncommand: [sleep, "1000005"]\nsupersedes:\n  - { unit: web.service }\n  - { program: "dolphin:bridge", config: /etc/supervisord.conf }\n',
    );
    await host.systemctl('start', 'web', 'api', 'killed', 'dolphin');
    await until(async () => (await host.exec(['supervisorctl', 'status'])).stdout.match(/RUNNING/g)?.length === 2);
  });
  afterEach(async () => {
    for (const pid of running.splice(0)) await host.exec(['kill', '-9', String(pid)]);
    await host.systemctl('stop', 'watchdog');
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  it('names a program started by hand that runs systemctl, and takes a declared service for what it supersedes', async () => {
    const pid = await byHand('python3', 'meta_health_daemon_v2.py', 'systemctl', 'restart', 'web.service');
    const answer = await ask('scanner', '8s');
    expect(answer.watched.map(({ subject }) => subject)).toEqual([
      'scanner.service',
      'web.service',
      'program dolphin:bridge',
    ]);
    const [finding, ...others] = about(answer, 'web.service').filter(({ kind }) => kind === 'restarted');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      certainty: 'seen',
      by: {
        pid,
        command: 'python3 meta_health_daemon_v2.py systemctl restart web.service',
        user: 'root',
        started: 'hand',
      },
      runs: 'systemctl restart web.service',
    });
    expect(finding?.times.length).toBeGreaterThanOrEqual(3);
    // A second, and what a restart takes on a host with other work.
    expect(finding?.cadence?.every).toBeGreaterThanOrEqual(1000);
    expect(finding?.cadence?.every).toBeLessThan(3000);
    expect(finding?.evidence).toMatch(
      /^pid \d+ `python3 meta_health_daemon_v2.py .*` started by hand by root runs `systemctl restart web.service`: it was running each of the \d+ times when the old process ended$/,
    );
    expect(about(answer, 'scanner.service')).toEqual([]);
    expect(about(answer, 'program dolphin:bridge')).toEqual([]);
  });

  it('names a unit whose script does it', async () => {
    await host.systemctl('start', 'watchdog');
    const pid = Number(await host.systemctl('show', '--value', '--property=MainPID', 'watchdog'));
    const answer = await ask('api.service', '5s');
    // The watch may end while it is down, or right before it is.
    const [restarts, ...others] = about(answer, 'api.service');
    for (const other of others)
      expect(other).toMatchObject({ kind: expect.stringMatching(/^(ended|touched)$/), by: { pid }, cadence: null });
    expect(others.length).toBeLessThan(2);
    expect(restarts).toMatchObject({
      kind: 'restarted',
      certainty: 'seen',
      by: { pid, user: 'root', started: 'unit' },
      runs: 'systemctl restart api',
    });
    expect(answer.findings[0]?.evidence).toContain(
      '`/bin/sh /usr/local/bin/watchdog` of unit watchdog.service, as root,',
    );
  });

  it('says that it is unknown who, where somebody only sends signals', async () => {
    await byHand('python3', 'silent.py');
    const answer = await ask('killed.service', '5s');
    // The watch may begin while it is down.
    const findings = answer.findings.filter(({ kind }) => kind === 'restarted');
    expect(findings).toMatchObject([{ subject: 'killed.service', certainty: 'unknown', by: null, runs: null }]);
    expect(answer.findings.every(({ by }) => by === null)).toBe(true);
    const [{ times, evidence } = { times: [], evidence: '' }] = findings;
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(evidence).toContain('systemd itself started it again');
    expect(evidence).toContain('a program that only calls kill leaves no trace');
  });

  it('names who restarts a program of supervisord', async () => {
    const command = ['supervisorctl', '-c', '/etc/supervisord.conf', 'restart', 'dolphin:trader'];
    const pid = await byHand('python3', 'meta_health_daemon_v2.py', ...command);
    const answer = await ask('dolphin:trader', '15s');
    const [finding, ...others] = answer.findings.filter(({ kind }) => kind === 'restarted');
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      subject: 'program dolphin:trader',
      certainty: 'seen',
      by: { pid, user: 'root', started: 'hand' },
    });
    expect(finding?.runs).toContain(command.join(' '));
    expect(finding?.cadence?.every).toBeGreaterThanOrEqual(1000);
  });

  it('claims nothing of a calm host', async () => {
    const { code, stdout, stderr } = await host.reconcile('who', '--restarts', 'web.service', '--for', '2s');
    const pid = (await host.systemctl('show', '--value', '--property=MainPID', 'web')).trim();
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `nothing restarted web.service in 2s; it is pid ${pid} now\n`,
    });
    expect(stderr).toContain('Watching web.service for 2s');
    expect((await ask('scanner', '1s')).findings).toEqual([]);
  });

  it('refuses a name that it does not know, and says what was probably meant', async () => {
    for (const [name, hint] of [
      ['scaner', "did you mean 'scanner'?"],
      ['webb.service', "did you mean 'web.service'?"],
      ['dolphin:tradr', "did you mean 'dolphin:trader'?"],
    ] as const) {
      const { code, stderr } = await host.reconcile('who', '--restarts', name);
      expect([name, code]).toEqual([name, 1]);
      expect(stderr).toContain(hint);
    }
  });
});

/** Does something again and again, as often as it is told. */
const AGAIN = `import subprocess, sys, time
while True:
    subprocess.run(sys.argv[2:], stderr=subprocess.DEVNULL)
    time.sleep(float(sys.argv[1]))
`;

interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly service?: string;
  readonly step?: string;
  readonly msg: string;
}

describeOnSystemd('duels in force', () => {
  let host: SystemdHost;
  let running: number[] = [];

  const byHand = async (...command: readonly string[]) => {
    const script = 'cd /opt/health; setsid nohup "$@" >/dev/null 2>&1 </dev/null & echo $!';
    const pid = Number(await sh(host, script, ...command));
    running.push(pid);
    return pid;
  };
  const again = (every: string, ...command: readonly string[]) =>
    byHand('python3', '/opt/health/again.py', every, ...command);
  const endAll = async () => {
    for (const pid of running) await host.exec(['kill', '-9', String(pid)]);
    running = [];
  };
  const activeOf = async (unit: string) => (await show(host, [unit])).get(unit)?.active;
  const pidOf = async (unit: string) => (await show(host, [unit])).get(unit)?.pid ?? 0;
  const linesOf = (daemon: DaemonProcess) =>
    daemon
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as LogLine);
  const startsOf = (daemon: DaemonProcess, service: string) =>
    linesOf(daemon).filter(({ event, step }) => event === 'step-started' && step === `start:${service}`).length;
  const dryRun = async (world: World) => {
    const { stdout, stderr } = await world.reconcile('--dry-run');
    return `${stdout}${stderr}`.replace(/\s+/g, ' ');
  };
  const recorded = (world: World) => {
    const file = `${world.desired}/../state/decisions/duels.json`;
    if (!host.exists(file)) return [];
    const { duels } = JSON.parse(host.read(file)) as { readonly duels: readonly { readonly service: string }[] };
    return duels.map(({ service }) => service);
  };

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/opt/health/again.py', AGAIN);
  });
  afterEach(endAll);
  afterAll(() => host?.[Symbol.asyncDispose]());

  it('heals what somebody keeps stopping no more than twice, and runs it again once Git names who it is', async () => {
    await using world = createWorld(host, 'stopped', { policy: { drift: 'heal' } });
    const web = { command: ['sleep', '2000001'] };
    world.declare('web', web);
    const daemon = await world.daemon();
    await until(async () => (await activeOf('web.service')) === 'active');
    await until(async () => (await world.plan()).length === 0);
    const stopper = ['python3', '/opt/health/again.py', '1', 'systemctl', 'stop', 'web'];
    const pid = await byHand(...stopper);
    await daemon.saw('"event":"duel"');
    expect(startsOf(daemon, 'web')).toBeLessThanOrEqual(2);
    const evidence = `pid ${pid} \`${stopper.join(' ')}\` started by hand by root runs \`systemctl stop web\``;
    const told = linesOf(daemon).find(({ event }) => event === 'duel');
    expect(told).toMatchObject({ level: 'error', service: 'web' });
    expect(told?.msg).toContain('it was running each of the 2 times when the old process ended');
    expect(told?.msg).toContain(`web: somebody undid it 2 times, it is left alone from now on: ${evidence}`);

    await until(async () => (await world.plan()).includes('! web duel'));
    expect(await dryRun(world)).toContain(evidence);
    expect((await world.status('web')).note).toContain(evidence);
    expect((await world.reconcile('who', 'web')).stdout.replace(/\s+/g, ' ')).toContain(
      `left alone: somebody undid it 2 times ${evidence}`,
    );
    const starts = startsOf(daemon, 'web');
    // Nothing happens from now on, whatever nudges the daemon.
    world.declare('other', { command: ['sleep', '2000002'] });
    await until(async () => (await activeOf('other.service')) === 'active');
    await sleep(2500);
    expect(startsOf(daemon, 'web')).toBe(starts);
    expect(await activeOf('web.service')).toBe('inactive');
    // A daemon that begins anew knows of it.
    await daemon.stop();
    const next = await world.daemon();
    await until(async () => (await world.plan()).includes('! web duel'));

    world.declare('web', { ...web, supersedes: [{ process: stopper, user: 'root' }] });
    await until(async () => (await activeOf('web.service')) === 'active');
    expect(host.exists(`/proc/${pid}`)).toBe(false);
    await until(async () => (await world.plan()).length === 0);
    const main = await pidOf('web.service');
    await sleep(1500);
    expect(await pidOf('web.service')).toBe(main);
    expect(recorded(world)).toEqual([]);
    expect(next.output()).not.toContain('"event":"duel"');
  });

  it('leaves alone what somebody restarts, until a person has it started', async () => {
    await using world = createWorld(host, 'restarted', { policy: { drift: 'heal' } });
    world.declare('api', { command: ['sleep', '2000003'] });
    const pid = await again('1', 'systemctl', 'restart', 'api');
    const daemon = await world.daemon();
    await daemon.saw('"event":"duel"');
    expect(startsOf(daemon, 'api')).toBe(0);
    await until(() => recorded(world).includes('api'));
    const words = await dryRun(world);
    expect(words).toContain(
      `pid ${pid} \`python3 /opt/health/again.py 1 systemctl restart api\` started by hand by root`,
    );
    expect(words).toContain('reconcile start api');
    await endAll();
    await host.systemctl('stop', 'api');
    await sleep(1500);
    expect(await activeOf('api.service')).toBe('inactive');
    await world.apply(0, 'start', 'api');
    expect(await activeOf('api.service')).toBe('active');
    expect(recorded(world)).toEqual([]);
  });

  it('leaves alone what is restarted over D-Bus, and says that it is unknown who', async () => {
    await using world = createWorld(host, 'bus', { policy: { drift: 'heal' } });
    world.declare('bus', { command: ['sleep', '2000006'] });
    const daemon = await world.daemon();
    await until(async () => (await activeOf('bus.service')) === 'active');
    const manager = new URL('../../src/supervisors/systemd/manager.ts', import.meta.url);
    const script = `import { connectManager } from '${manager}';
      await using manager = await connectManager('system');
      setInterval(() => manager.restart('bus.service', new AbortController().signal), 1000);
      await new Promise(() => {});`;
    await byHand(process.execPath, '--input-type=module', '--eval', script);
    await daemon.saw('"event":"duel"');
    const told = linesOf(daemon).find(({ event }) => event === 'duel');
    expect(told?.msg).toContain('somebody asks systemd without a command, such as over D-Bus');
    await until(async () => (await world.plan()).includes('! bus duel'));
  });

  it('heals what is stopped over D-Bus no more than twice', async () => {
    await using world = createWorld(host, 'busstop', { policy: { drift: 'heal' } });
    world.declare('busstop', { command: ['sleep', '2000007'] });
    const daemon = await world.daemon();
    await until(async () => (await activeOf('busstop.service')) === 'active');
    await until(async () => (await world.plan()).length === 0);
    const manager = new URL('../../src/supervisors/systemd/manager.ts', import.meta.url);
    const script = `import { connectManager } from '${manager}';
      await using manager = await connectManager('system');
      setInterval(() => manager.stop('busstop.service', new AbortController().signal), 1000);
      await new Promise(() => {});`;
    await byHand(process.execPath, '--input-type=module', '--eval', script);
    await daemon.saw('"event":"duel"');
    await until(async () => (await world.plan()).includes('! busstop duel'));
    await until(async () => (await activeOf('busstop.service')) === 'inactive');
    await sleep(1500);
    expect(startsOf(daemon, 'busstop')).toBe(2);
    expect(await activeOf('busstop.service')).toBe('inactive');
  });

  it('hands over under the hands of a restarter that is not declared: never two copies, never the old one again', async () => {
    await using world = createWorld(host, 'handed');
    const command = ['/usr/bin/sleep', '2000004'];
    host.write('/etc/systemd/system/old.service', unit(command.join(' '), 'Restart=always\nRestartSec=100ms'));
    await host.systemctl('enable', '--now', 'old');
    const sampler = startSampler(host, { new: command });
    await until(() => sampler.now('new').length === 1);
    const pid = await again('0.3', 'systemctl', 'restart', 'old.service');
    world.declare('new', { supervisor: 'builtin', command, soak: '3s', supersedes: [{ unit: 'old.service' }] });
    const said = await world.apply();
    expect(said).toContain(`others were at it meanwhile: pid ${pid} `);
    expect(said).toContain('runs `systemctl restart old.service`');
    await sleep(1500);
    await sampler.caughtUp();
    expect(sampler.doubles()).toEqual([]);
    expect(sampler.now('new').length).toBe(1);
    expect(await pidOf('old.service')).toBe(0);
    sampler.stop();
    await host.exec(['pkill', '-f', command.join(' ')]);
  });

  it('reverses a handover whose new one somebody stops, and says who', async () => {
    await using world = createWorld(host, 'disturbed');
    const command = ['/usr/bin/sleep', '2000005'];
    host.write('/etc/systemd/system/before.service', unit(command.join(' ')));
    await host.systemctl('enable', '--now', 'before');
    const pid = await again('0.5', 'systemctl', 'stop', 'after');
    world.declare('after', { command, soak: '5s', supersedes: [{ unit: 'before.service' }] });
    const said = await world.apply(3);
    expect(said).toContain(
      `pid ${pid} \`python3 /opt/health/again.py 0.5 systemctl stop after\` started by hand by root`,
    );
    expect(said).toContain('name that in `supersedes`, or end it and then: reconcile start after');
    expect(await activeOf('before.service')).toBe('active');
    expect(await dryRun(world)).toContain(`pid ${pid} `);
    await host.systemctl('disable', '--now', 'before');
  });

  it('says that it is unknown who, where the new one is only killed', async () => {
    await using world = createWorld(host, 'killed');
    const command = ['/usr/bin/sleep', '1000001'];
    host.write('/opt/health/silent.py', SILENT.replace("['sleep', '1000001']", "['/usr/bin/sleep', '1000001']"));
    host.write('/etc/systemd/system/first.service', unit('/usr/bin/sleep 1000001 0'));
    await host.systemctl('enable', '--now', 'first');
    await byHand('python3', '/opt/health/silent.py');
    world.declare('second', {
      command,
      soak: '5s',
      restart: { policy: 'never' },
      supersedes: [{ unit: 'first.service' }],
    });
    const said = await world.apply(3);
    expect(said).toContain('a program that only calls kill leaves no trace');
    expect(await activeOf('first.service')).toBe('active');
  });

  it('takes the restarts of a service that crashes for no duel', async () => {
    await using world = createWorld(host, 'crashing', { policy: { drift: 'heal' } });
    world.declare('flaky', {
      command: ['sh', '-c', 'sleep 0.3; exit 1'],
      restart: {
        policy: 'always',
        backoff: { initial: '100ms', max: '100ms' },
        limit: { restarts: 100, within: '1m' },
      },
    });
    const daemon = await world.daemon();
    const restarts = async () => Number(await host.systemctl('show', '--value', '--property=NRestarts', 'flaky'));
    await until(async () => (await restarts()) >= 10);
    expect(daemon.output()).not.toContain('"event":"duel"');
    expect(recorded(world)).toEqual([]);
    expect(await world.plan()).not.toContain('! flaky duel');
  });
});
