import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { DESIRED, Operated } from './operate/world.ts';

interface Finding {
  readonly check: string;
  readonly grade: 'ok' | 'warning' | 'error';
  readonly says: string;
  readonly mend: readonly string[];
}

describeOnSystemd('reconcile doctor on a host', () => {
  let world: Operated;
  const doctor = async () => {
    const { code, stdout, stderr } = await world.reconcile('doctor', '--json', '--desired-state', DESIRED);
    if (stdout === '') throw new Error(`doctor ended with ${code}: ${stderr}`);
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
    const named = (grade: Finding['grade']) => findings.filter((one) => one.grade === grade).map(({ check }) => check);
    return { code, findings, errors: named('error'), warnings: named('warning'), ok: named('ok') };
  };

  beforeAll(async () => {
    world = await Operated.create();
    world.declare('web', { command: ['sleep', '987301'] });
    await world.start();
    await world.pids(1);
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('finds nothing wrong with a healthy one', async () => {
    const { code, errors, ok, findings } = await doctor();
    expect([code, errors]).toEqual([0, []]);
    expect(ok).toEqual(expect.arrayContaining(['daemon', 'daemon-unit', 'systemd', 'socket', 'conflicts', 'last-run']));
    expect(findings.find(({ check }) => check === 'systemd')?.says).toMatch(
      /^the host's systemd answers: systemd 2\d\d/,
    );
  });

  it('names everything that was broken, and what it names for it mends it', async () => {
    await sh(
      world.host,
      `chmod 0777 /var/lib/reconciled
       chmod o+w ${DESIRED}/services/web.yaml
       chmod 0666 /run/reconciled/control.sock
       systemctl disable reconciled
       mkdir -p /etc/logrotate.d && printf '/var/log/reconciled/*.log {\n  weekly\n}\n' >/etc/logrotate.d/all`,
    );
    world.host.write('/etc/systemd/system/reconciled.service.d/kill.conf', '[Service]\nKillMode=control-group\n');
    world.host.write(
      '/etc/systemd/system/web-too.service',
      '[Service]\nExecStart=sleep 987301\n[Install]\nWantedBy=multi-user.target\n',
    );
    world.host.write('/etc/systemd/system/taken.service', '[Service]\nExecStart=sleep 987302\n');
    await sh(world.host, 'systemctl daemon-reload && systemctl enable web-too');
    world.declare('taken', { supervisor: 'systemd', command: ['sleep', '987303'] });
    const { code, errors, warnings, findings } = await doctor();
    expect(code).toBe(3);
    expect(errors).toEqual(
      expect.arrayContaining([
        ...['state-folder', 'source-safety', 'socket-mode', 'daemon-kill-mode', 'conflict', 'foreign'],
      ]),
    );
    expect(warnings).toEqual(expect.arrayContaining(['daemon-boot', 'log-rotation']));
    const conflict = findings.find(({ check }) => check === 'conflict');
    expect(conflict?.says).toMatch(/^web is started by something else too: .*web-too\.service/);
    const simple = ['state-folder', 'source-safety', 'socket-mode', 'daemon-boot'];
    for (const command of findings.filter(({ check }) => simple.includes(check)).flatMap(({ mend }) => mend))
      await sh(world.host, command);
    await sh(
      world.host,
      `rm -r /etc/systemd/system/reconciled.service.d /etc/logrotate.d/all /etc/systemd/system/taken.service
       systemctl disable web-too && rm /etc/systemd/system/web-too.service && systemctl daemon-reload`,
    );
    await until(async () => (await doctor()).errors.length === 0, 20);
    const mended = await doctor();
    expect([mended.code, mended.warnings.filter((check) => simple.includes(check))]).toEqual([0, []]);
  });

  it('tells of control groups that are nearly full, and of sockets of others that are open to all', async () => {
    await sh(
      world.host,
      `printf '[unix_http_server]\nfile=/run/other.sock\nchmod=0777\n[supervisord]\npidfile=/run/other.pid\nlogfile=/dev/null\nlogfile_maxbytes=0\n' >/etc/other.conf
       [ ! -x /usr/bin/supervisord ] || supervisord -c /etc/other.conf
       tasks=$(systemctl show reconciled --property=TasksCurrent --value)
       systemctl set-property --runtime reconciled TasksMax=$((tasks + 1))`,
    );
    const { findings } = await doctor();
    await sh(world.host, 'systemctl set-property --runtime reconciled TasksMax=infinity');
    const full = findings.find(({ check, grade }) => check === 'processes' && grade !== 'ok');
    expect(full?.says).toMatch(/^few more processes can be started: the control group .*reconciled\.service$/);
    expect(full?.mend[0]).toMatch(/^systemctl set-property reconciled\.service TasksMax=\d+$/);
    const open = findings.find(({ check, says }) => check === 'supervisord-socket' && says.includes('/etc/other.conf'));
    if (world.host.exists('/usr/bin/supervisord')) expect(open?.says).toContain('any user of this host can control');
  });

  it('tells a user what he lacks for services of his own', async () => {
    await sh(world.host, 'useradd --create-home bob');
    world.host.write('/home/bob/desired-state/services/own.yaml', 'supervisor: systemd\ncommand: [sleep, "987304"]\n');
    // By no login: that would start a systemd of his.
    const as = ['setpriv', '--reuid=bob', '--regid=bob', '--init-groups', 'env', 'HOME=/home/bob', 'NO_COLOR=1'];
    const { stdout } = await world.host.exec([...as, 'sh', '-c', 'cd && reconcile doctor']);
    expect(stdout).toMatch(/^warning +user +services of bob under systemd end with the last logout/m);
    expect(stdout).toContain('mend: loginctl enable-linger bob\n');
    expect(stdout).toMatch(/^ERROR +systemd +your own systemd runs services, and is not reached/m);
    await sh(world.host, 'mount -o remount,hidepid=2 /proc');
    const hidden = await world.host.exec([...as, 'sh', '-c', 'cd && reconcile doctor']);
    await sh(world.host, 'mount -o remount,hidepid=0 /proc');
    expect(hidden.stdout).toMatch(/^warning +user +\/proc hides the processes of others \(hidepid=/m);
  });

  it('tells of a daemon that does not run, and of a bus that is gone', async () => {
    await sh(world.host, 'systemctl kill --signal=KILL reconciled; systemctl stop reconciled');
    await sh(world.host, 'systemctl stop dbus.socket dbus.service 2>/dev/null; rm -f /run/dbus/system_bus_socket');
    const { code, errors, findings } = await doctor();
    expect(code).toBe(3);
    expect(errors).toEqual(expect.arrayContaining(['daemon-unit', 'systemd']));
    const of = (check: string, grade: string) => findings.find((one) => one.check === check && one.grade === grade);
    expect(of('daemon-unit', 'error')?.mend).toEqual(['systemctl start reconciled']);
    expect(of('systemd', 'error')?.mend).toEqual(['apt-get install dbus', 'systemctl start dbus.socket']);
  });
});
