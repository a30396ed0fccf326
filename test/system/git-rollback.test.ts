import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Status } from '../../src/model.ts';
import { type DaemonProcess, daemonProcess, RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, variable } from '../rig/systemd/units.ts';
import type { PlanJson } from './states/fleet.ts';

const DESIRED = '/root/desired-state';
const BOOK = '/var/lib/reconciled/decisions/verification.json';

/** One under each supervisor. */
const SUPERVISORS = { embedded: 'builtin', unit: 'systemd', program: 'supervisord/dolphin' } as const;
type Name = keyof typeof SUPERVISORS;
const NAMES = Object.keys(SUPERVISORS) as Name[];

/** Is started well; of a version that ends with `-dies` not for long. */
const WORKER = `#!/bin/sh
case "$VERSION" in *-dies) sleep 1.5; exit 3;; esac
exec sleep infinity
`;

const pidOf = (status: Status, name: string) => status.services.find((one) => one.name === name)?.pid ?? 0;

describeOnSystemd('a commit that breaks one of three services', () => {
  let host: SystemdHost;
  let daemon: DaemonProcess;
  let commits = 0;

  const start = () => {
    daemon = daemonProcess(host.spawn([RECONCILE, 'daemon'], { env: { RECONCILE_DESIRED_STATE: DESIRED } }));
  };
  /** Its versions, committed; the short name of the commit. */
  const commit = async (versions: Partial<Record<Name, string>>): Promise<string> => {
    for (const [name, version] of Object.entries(versions)) {
      const service = {
        supervisor: SUPERVISORS[name as Name],
        command: ['/usr/local/bin/worker', name],
        environment: { VERSION: version },
        start: { ready: '1s' },
        soak: '3s',
      };
      host.write(`${DESIRED}/services/${name}.yaml`, stringify(service));
    }
    commits += 1;
    const git = 'git -c user.name=ops -c user.email=ops@example.org';
    return (
      await sh(host, `cd ${DESIRED}; git add --all; ${git} commit -q -m "$1"; git rev-parse HEAD`, `Commit ${commits}`)
    ).slice(0, 12);
  };
  const status = async () => JSON.parse((await host.reconcile('status', '--json')).stdout) as Status;
  const versions = async () => {
    const now = await status();
    return Object.fromEntries(
      NAMES.map((name) => {
        const pid = pidOf(now, name);
        // One that is gone since has none.
        return [name, host.exists(`/proc/${pid}/environ`) ? variable(host, pid, 'VERSION') : undefined];
      }),
    );
  };
  const plan = async () => {
    const { code, stdout } = await host.reconcile('--dry-run', '--json');
    return { code, ...(JSON.parse(stdout) as PlanJson) };
  };
  const book = () =>
    host.exists(BOOK) ? (JSON.parse(host.read(BOOK)) as { trials: object; quarantine?: object }) : undefined;
  const isCalm = () => until(() => Object.keys(book()?.trials ?? { none: 1 }).length === 0, 90);

  let first = '';
  const now: Record<Name, string> = { embedded: '1', unit: '1', program: '1' };

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/usr/local/bin/worker', WORKER, 0o755);
    host.write(`${DESIRED}/policy.yaml`, 'owner: dolphin\n');
    host.write(
      `${DESIRED}/supervisors/dolphin.yaml`,
      stringify({
        config: '/etc/supervisor/dolphin.conf',
        owned: true,
        socket: { path: '/run/dolphin/supervisor.sock' },
      }),
    );
    await sh(host, `cd ${DESIRED}; git init -q -b main .`);
    first = await commit(now);
    start();
    await until(async () => Object.values(await versions()).every((version) => version === '1'), 90);
    await isCalm();
  }, 300_000);
  afterAll(async () => {
    await daemon?.stop();
    await host?.[Symbol.asyncDispose]();
  });

  it.each(NAMES)(
    '%s: the two converge, it is as before, all is explained, and the next good commit goes through',
    async (broken) => {
      const [changed, untouched] = NAMES.filter((name) => name !== broken) as [Name, Name];
      const before = await status();
      const was = now[broken];
      const next = `${commits + 1}`;
      const bad = await commit({ [broken]: `${next}-dies`, [changed]: next });
      now[changed] = next;
      await daemon.saw(new RegExp(`${broken}: rolled back, and stayed well; ${bad}`));
      await isCalm();
      expect(await versions()).toEqual({ ...now, [broken]: was });
      expect(pidOf(await status(), untouched)).toBe(pidOf(before, untouched));

      const { code, steps, held } = await plan();
      expect({ code, steps }).toEqual({ code: 0, steps: [] });
      expect(held).toMatchObject([
        { service: broken, reason: { kind: 'quarantined', commit: bad, to: expect.any(String) } },
      ]);
      expect((await host.reconcile()).code).toBe(3);
      const { notes } = await status();
      expect(notes).toContainEqual({
        kind: 'quarantine',
        ok: false,
        text: expect.stringContaining(`${bad} is quarantined for ${broken}`),
      });
      const shown = (await host.reconcile('--dry-run')).stdout.replace(/\s+/g, ' ');
      expect(shown).toMatch(new RegExp(`! ${broken} held ${bad} is not applied to it since`));

      const good = `${commits + 1}`;
      await commit({ [broken]: good });
      now[broken] = good;
      await until(async () => (await versions())[broken] === good, 90);
      await isCalm();
      expect(await versions()).toEqual(now);
      expect((await plan()).held).toEqual([]);
      expect(pidOf(await status(), untouched)).toBe(pidOf(before, untouched));
    },
  );

  it('at the first commit again, by hand, and from there to the present one', async () => {
    expect((await host.reconcile('rollback', first)).code).toBe(3);
    expect(await versions()).toEqual({ embedded: '1', unit: '1', program: '1' });
    await isCalm();
    expect((await host.reconcile('retry')).code).toBe(0);
    expect(await versions()).toEqual(now);
    await isCalm();
  });

  it('kill -9 of the daemon at any time of it comes to the same', async () => {
    for (const [i, wait] of [0.05, 0.4, 1.2, 2.4, 3.5].entries()) {
      const broken = NAMES[i % NAMES.length] as Name;
      const others = NAMES.filter((name) => name !== broken);
      const before = await status();
      // What the one before broke is mended with it.
      const bad = await commit({ ...now, [broken]: `${commits + 1}-dies` });
      await sh(host, `sleep ${wait}`);
      await daemon.stop('SIGKILL');
      start();
      // And once more while it goes back.
      await until(() => book()?.quarantine !== undefined, 90);
      await daemon.stop('SIGKILL');
      start();
      await daemon.saw('ready');
      await until(async () => (await versions())[broken] === now[broken], 90);
      await isCalm();
      expect(await versions()).toEqual(now);
      const after = await status();
      for (const name of others) expect([name, pidOf(after, name)]).toEqual([name, pidOf(before, name)]);
      const { steps, held } = await plan();
      expect(steps).toEqual([]);
      expect(held).toMatchObject([{ service: broken, reason: { kind: 'quarantined', commit: bad } }]);
    }
    const good = `${commits + 1}`;
    await commit({ embedded: good, unit: good, program: good });
    await until(async () => Object.values(await versions()).every((version) => version === good), 90);
    await isCalm();
    expect((await plan()).held).toEqual([]);
  }, 600_000);
});
