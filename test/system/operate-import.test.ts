import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show } from '../rig/systemd/units.ts';

const DESIRED = '/root/desired-state';
const CONFIG = '/etc/supervisor/app.conf';
const UNIT = '/etc/systemd/system/web.service';
const WEB = `# The web server; ask ann.
[Unit]
Description=Web of the shop
After=network.target

[Service]
User=app
WorkingDirectory=/srv
Environment=MODE=live "API_TOKEN=s3cr3t"
ExecStart=/bin/sleep 90001
Restart=on-failure
RestartSec=2
OOMScoreAdjust=-100

[Install]
WantedBy=multi-user.target
`;

/** What it finds running: by its own arguments. */
const RUNS = { web: '90001', worker: '90002', bridge: '90003', byHand: '90004' } as const;

interface Plan {
  readonly steps: readonly { readonly id: string }[];
  readonly held: readonly {
    readonly service: string;
    readonly reason: { readonly kind: string; readonly waits?: { readonly things?: readonly string[] } };
  }[];
}

/** A host as it has grown: units by hand, a supervisord, a line of a crontab, and what somebody left running. */
describeOnSystemd('reconcile import', () => {
  let host: SystemdHost;
  let before: Readonly<Record<string, string>>;
  const reconcile = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await host.reconcile(...args);
    return { code, stdout, all: `${stdout}${stderr}`, words: `${stdout}${stderr}`.replace(/\s+/g, ' ') };
  };
  /** The pid of each, and of each one alone. */
  const pids = async () => {
    const found = await Promise.all(
      Object.entries(RUNS).map(async ([name, time]) => [
        name,
        (await sh(host, `pgrep -fx '/bin/sleep ${time}' || true`)).trim(),
      ]),
    );
    return Object.fromEntries(found) as Readonly<Record<string, string>>;
  };
  const plan = async () => {
    const { code, stdout, all } = await reconcile('--dry-run', '--json');
    if (!stdout.startsWith('{')) throw new Error(all);
    return { code, ...(JSON.parse(stdout) as Plan) };
  };
  const observed = ({ held }: Plan) =>
    Object.fromEntries(held.map(({ service, reason }) => [service, `${reason.kind} ${reason.waits?.things ?? ''}`]));

  beforeAll(async () => {
    host = await systemdHost();
    await sh(host, 'id app >/dev/null 2>&1 || useradd --create-home --shell /bin/sh app; install -d /srv /etc/cron.d');
    host.write(UNIT, WEB);
    host.write(`${UNIT}.d/limit.conf`, '[Service]\nLimitNOFILE=4096\n');
    host.write('/etc/systemd/system/spare.service', '[Service]\nExecStart=/bin/sleep 90009\n');
    host.write('/etc/systemd/system/script.service', '#!/bin/sh\nexec /bin/sleep 90010\n');
    host.write(
      CONFIG,
      `[unix_http_server]
file=/run/app.sock
chmod=0700
[supervisord]
logfile=/var/log/app.log
pidfile=/run/app.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:worker]
command=/bin/sleep 90002
user=app
`,
    );
    host.write('/etc/cron.d/bridge', '@reboot app cd /srv && exec /bin/sleep 90003 >>/tmp/bridge.log 2>&1\n');
    host.write(`${DESIRED}/policy.yaml`, 'owner: shop\nverify: { soak: 1s }\n');
    await host.systemctl('daemon-reload');
    await host.systemctl('enable', '--now', 'web');
    const as = 'setpriv --reuid app --regid app --init-groups --';
    await sh(host, `supervisord -c ${CONFIG} </dev/null`);
    await sh(host, `cd /srv; HOME=/home/app setsid ${as} /bin/sleep 90003 >>/tmp/bridge.log 2>&1 </dev/null &`);
    await sh(host, 'cd /opt; FEED=live setsid nohup /bin/sleep 90004 >/dev/null 2>&1 </dev/null &');
    before = (await until(async () => {
      const all = await pids();
      return Object.values(all).every((pid) => /^\d+$/.test(pid)) ? all : undefined;
    })) as Readonly<Record<string, string>>;
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  it('a dry run shows what it would write, and writes nothing', async () => {
    const { code, all } = await reconcile('import', '--dry-run');
    expect(code, all).toBe(3);
    expect(all).toContain('--- services/web.yaml');
    expect(all).toContain('Would import 4 of 5, all without loss');
    expect(all).not.toContain('s3cr3t');
    expect(host.exists(`${DESIRED}/services`)).toBe(false);
    expect(host.exists('/etc/reconciled/env')).toBe(false);
  });

  it('writes what runs here; what makes no sense is refused with its place, and the rest goes on', async () => {
    const { code, all } = await reconcile('import', '--processes', '--units', '--supervisord', '--cron');
    expect(code, all).toBe(3);
    expect(all).toContain('/etc/systemd/system/script.service');
    expect((await sh(host, `ls ${DESIRED}/services ${DESIRED}/supervisors`)).split(/\s+/)).toEqual(
      expect.arrayContaining(['web.yaml', 'spare.yaml', 'worker.yaml', 'sleep.yaml', 'sleep-process.yaml', 'app.yaml']),
    );
    const web = host.read(`${DESIRED}/services/web.yaml`);
    expect(web).toContain('supervisor: systemd\nstate: running\n');
    expect(web).toContain('mode: observe\n');
    expect(web).toContain('command: [/bin/sleep, "90001"]\n');
    expect(web).not.toContain('s3cr3t');
    expect(host.read(`${DESIRED}/services/sleep.yaml`)).toContain('cron: "@reboot app cd /srv');
    expect(await sh(host, 'stat -c "%a %U" /etc/reconciled/env/web.env')).toBe('600 root\n');
    expect(host.read('/etc/reconciled/env/web.env')).toContain('\nAPI_TOKEN=s3cr3t\n');
    expect(await pids()).toEqual(before);
    expect((await reconcile('validate')).code).toBe(0);
  });

  it('the first plan does nothing to what runs, and says what would be taken over', async () => {
    const first = await plan();
    expect(first.steps).toEqual([]);
    expect(first.code).toBe(0);
    expect(observed(first)).toEqual({
      web: 'observed web.service',
      spare: 'observed spare.service',
      worker: expect.stringContaining(`observed program worker of ${CONFIG}`),
      sleep: expect.stringMatching(/^observed cron line .*,`\/bin\/sleep 90003` of app$/),
      'sleep-process': expect.stringContaining('observed `/bin/sleep 90004`'),
      'supervisord-app': 'observed ',
    });
    // Nor does an apply.
    const { code } = await reconcile();
    expect(code).toBe(3);
    expect(await pids()).toEqual(before);
    expect(host.read(UNIT)).toBe(WEB);
    const again = await reconcile('import');
    expect(again.all).toContain('there already');
  });

  it('what needs no new process is taken over with the one it has, and the rest is told and left', async () => {
    const dry = await reconcile('import', '--adopt', '--dry-run');
    expect(dry.words).toContain(`update, pid ${before.web} unchanged`);
    expect(host.read(UNIT)).toBe(WEB);
    const { all, words } = await reconcile('import', '--adopt', '--processes', '--units', '--supervisord', '--cron');
    expect(words).toContain(`~ web update, pid ${before.web} unchanged`);
    expect(words).toMatch(/worker: its handover from program worker .* needs a restart/);
    expect(words, all).toContain('sleep-process: its handover from `/bin/sleep 90004` of root needs a restart');
    expect(await pids()).toEqual(before);
    expect(host.read(UNIT)).toContain('[X-Reconciled]');
    expect(host.read(`${UNIT}.before-reconciled`)).toBe(WEB);
    expect(host.exists(`${UNIT}.d/limit.conf`)).toBe(false);
    const unit = (await show(host, ['web.service'])).get('web.service');
    expect([unit?.active, unit?.pid, unit?.fileState]).toEqual(['active', Number(before.web), 'enabled']);
    expect(await sh(host, 'systemctl show -p LimitNOFILE,OOMScoreAdjust --value web')).toBe('4096\n-100\n');
    for (const name of ['web', 'spare']) expect(host.read(`${DESIRED}/services/${name}.yaml`)).not.toContain('mode:');
    expect(host.read(`${DESIRED}/services/worker.yaml`)).toContain('mode: observe');
  });

  it('then there is nothing to do; what a new process would apply waits until somebody wants it', async () => {
    const after = await plan();
    expect(after.steps).toEqual([]);
    expect(Object.keys(observed(after)).sort()).toEqual(['sleep', 'sleep-process', 'supervisord-app', 'worker']);
    expect((await reconcile('--only', 'web', 'spare')).code).toBe(0);
    expect(await pids()).toEqual(before);
    const { code, all } = await reconcile('--only', 'web', '--restart-staged');
    expect(code, all).toBe(0);
    const { web = '' } = await pids();
    expect(web).not.toBe(before.web);
    const environment = await sh(host, `tr '\\0' '\\n' </proc/${web}/environ`);
    expect(environment).toContain('API_TOKEN=s3cr3t\n');
    expect(environment).toContain('MODE=live\n');
    expect(await sh(host, `ps -o user= -p ${web}; readlink /proc/${web}/cwd`)).toBe('app\n/srv\n');
  });

  it('what can only be taken over with a restart is, once somebody says so', async () => {
    const path = `${DESIRED}/services/sleep.yaml`;
    host.write(path, host.read(path).replace('mode: observe\n', ''));
    const { code, all } = await reconcile('--only', 'sleep');
    expect(code, all).toBe(0);
    const now = await pids();
    expect(now.bridge).toMatch(/^\d+$/);
    expect(now.bridge).not.toBe(before.bridge);
    expect(host.read('/etc/cron.d/bridge')).toMatch(/^# .*@reboot/);
    expect([now.worker, now.byHand]).toEqual([before.worker, before.byHand]);
  });
});
