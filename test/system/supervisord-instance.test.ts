import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';

const CONFIG = '/etc/supervisor/dolphin.conf';
const DESIRED = '/root/desired-state';

/** Says each signal that it gets; as long as its supervisord is there it ends only with the one that it wants to be stopped by. */
const PICKY = `import os, signal, sys
def told(number, frame):
    open('/root/signals', 'a').write(signal.Signals(number).name + '\\n')
    if number == signal.SIGINT or os.getppid() == 1: sys.exit(0)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, told)
while True: signal.pause()
`;

describeOnSystemd('a supervisord of ours under systemd', () => {
  let host: SystemdHost;
  const instance = (more = '') => host.write(`${DESIRED}/supervisors/dolphin.yaml`, `config: ${CONFIG}\n${more}`);
  const pidOf = async (unit: string) => Number((await host.systemctl('show', '-P', 'MainPID', unit)).trim());
  const apply = async (...args: string[]) => {
    const { code, stdout, stderr } = await host.reconcile(...args);
    return { code, said: `${stdout}${stderr}` };
  };
  const programs = async () => {
    const { stdout } = await host.exec(['supervisorctl', '-c', CONFIG, 'status']);
    return Object.fromEntries(
      stdout.split('\n').flatMap((line) => {
        const [, name = '', state, pid] = /^(\S+)\s+(\S+)(?:\s+pid (\d+))?/.exec(line) ?? [];
        return name === '' ? [] : [[name, state === 'RUNNING' ? Number(pid) : state]];
      }),
    );
  };
  const copies = async () => (await host.exec(['pgrep', '-xc', 'picky'])).stdout.trim();
  /** A socket that a killed one left is there before anybody answers on it: then nothing is told. */
  const allRun = () =>
    until(async () => {
      const pids = Object.values(await programs());
      return pids.length > 0 && pids.every((pid) => typeof pid === 'number');
    });

  beforeAll(async () => {
    host = await systemdHost();
    host.write('/root/picky.py', PICKY);
    host.write(
      // By another name: what is called picky has become it.
      '/root/become',
      "#!/bin/sh\nexec python3 -c \"import ctypes,runpy; ctypes.CDLL(None).prctl(15, b'picky'); runpy.run_path('/root/picky.py')\"\n",
      0o755,
    );
    const web =
      'supervisor: supervisord/dolphin\ncommand: [/root/become]\nstop: { signal: INT }\nstart: { ready: 1s }\n';
    host.write(`${DESIRED}/services/web.yaml`, web);
    instance();
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  it('is made with all that it needs, and its programs after it', async () => {
    const first = await apply();
    expect(first.said).toContain('2 done');
    expect(first.code).toBe(0);
    expect(await host.systemctl('is-active', 'supervisord-dolphin')).toBe('active\n');
    expect(await host.systemctl('is-enabled', 'supervisord-dolphin')).toBe('enabled\n');
    expect(await programs()).toEqual({ web: expect.any(Number) });
    const { stdout } = await host.exec(['stat', '-c', '%a %U %F', '/run/supervisord-dolphin/supervisor.sock']);
    expect(stdout).toBe('700 root socket\n');
    expect((await apply('--dry-run')).code).toBe(0);
  });

  it('is there after a boot with its programs, and nothing is to be done', async () => {
    await host.powerOff();
    await host.boot();
    await until(() => host.exists('/run/supervisord-dolphin/supervisor.sock'));
    await allRun();
    const { code, said } = await apply('--dry-run');
    expect([code, said]).toEqual([0, 'No changes: everything is as desired.\n']);
  });

  it('keeps its process, and theirs, while what changes in its file waits', async () => {
    const before = [await pidOf('supervisord-dolphin'), await programs()];
    instance('minfds: 2048\n');
    expect((await apply()).said).toContain('1 done');
    expect([await pidOf('supervisord-dolphin'), await programs()]).toEqual(before);
    expect((await apply('--dry-run')).said).toContain('--restart-staged');
    expect((await apply('--restart-staged')).code).toBe(0);
    expect(await pidOf('supervisord-dolphin')).not.toBe(before[0]);
    await allRun();
    expect(await copies()).toBe('1');
    expect((await apply('--dry-run')).code).toBe(0);
  });

  it('ends each program by the signal that this wants, and no other', async () => {
    host.write('/root/signals', '');
    await host.systemctl('stop', 'supervisord-dolphin');
    expect(host.read('/root/signals')).toBe('SIGINT\n');
    expect(await copies()).toBe('0');
    await host.systemctl('start', 'supervisord-dolphin');
    await until(() => host.exists('/run/supervisord-dolphin/supervisor.sock'));
    await allRun();
  });

  it('never runs a program twice, though it is killed', async () => {
    const before = await pidOf('supervisord-dolphin');
    await host.exec(['kill', '-KILL', String(before)]);
    await until(async () => ![0, before].includes(await pidOf('supervisord-dolphin')));
    await until(() => host.exists('/run/supervisord-dolphin/supervisor.sock'));
    await allRun();
    expect(await copies()).toBe('1');
  });

  it('nor where somebody has run it by hand, and that was killed', async () => {
    await host.systemctl('stop', 'supervisord-dolphin');
    await host.exec(['mkdir', '-p', '/run/supervisord-dolphin']);
    await host.exec(['supervisord', '-c', CONFIG]);
    await until(async () => (await copies()) === '1');
    const pid = (await host.exec(['cat', '/run/supervisord-dolphin/supervisord.pid'])).stdout.trim();
    await host.exec(['kill', '-KILL', pid]);
    expect(await copies()).toBe('1');
    await host.systemctl('start', 'supervisord-dolphin');
    await until(() => host.exists('/run/supervisord-dolphin/supervisor.sock'));
    await allRun();
    expect(await copies()).toBe('1');
  });

  it('is shown as edited where somebody has edited its configuration, and left so for now', async () => {
    expect((await apply()).code).toBe(0);
    host.write(CONFIG, host.read(CONFIG).replace('loglevel=info', 'loglevel=debug'));
    const { code, said } = await apply('--dry-run');
    expect(said).toContain('! supervisord-dolphin  held');
    expect(code).toBe(0);
    expect((await apply('start', 'supervisord-dolphin')).code).toBe(0);
    expect(host.read(CONFIG)).toContain('loglevel=info');
  });

  it('can go only when nothing of ours is under it any more', async () => {
    host.write(`${DESIRED}/services/other.yaml`, 'supervisor: systemd\ncommand: [/bin/sleep, "1000"]\n');
    await host.exec(['mv', `${DESIRED}/supervisors`, `${DESIRED}/services/web.yaml`, '/root/']);
    const refused = await apply();
    expect(refused.code).toBe(1);
    expect(refused.said).toContain('cannot remove supervisors/dolphin.yaml: its supervisord still holds web');
    await host.exec(['mv', '/root/supervisors', DESIRED]);
    host.write(`${DESIRED}/services/web.yaml`, 'supervisor: supervisord/dolphin\nstate: absent\n');
    expect((await apply()).code).toBe(0);
    await host.exec(['rm', '-r', `${DESIRED}/supervisors`, `${DESIRED}/services/web.yaml`]);
    host.write(`${DESIRED}/policy.yaml`, 'prune: { max: 1 }\n');
    expect((await apply()).code).toBe(0);
    expect(host.exists(CONFIG)).toBe(false);
    expect((await host.exec(['systemctl', 'is-active', 'supervisord-dolphin'])).stdout).toBe('inactive\n');
  });
});
