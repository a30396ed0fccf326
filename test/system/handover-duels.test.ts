import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh } from '../rig/systemd/units.ts';

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
    expect(about(answer, 'api.service')).toMatchObject([
      {
        kind: 'restarted',
        certainty: 'seen',
        by: { pid, user: 'root', started: 'unit' },
        runs: 'systemctl restart api',
      },
    ]);
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
