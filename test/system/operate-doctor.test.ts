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
