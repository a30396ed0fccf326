import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { until } from '../rig/host.ts';
import { createGroups, inGroups, topGroups } from '../rig/systemd/cgroups.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { removeLeftovers } from '../rig/systemd/leftovers.ts';

const unit = (...service: readonly string[]) =>
  `[Service]\n${service.join('\n')}\n\n[Install]\nWantedBy=multi-user.target\n`;

/** Everything out here that bears the name of a host. */
function traces(name: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return [...readdirSync('/run'), ...topGroups(), ...mounts].filter((trace) => trace.includes(name));
}

describeOnSystemd('a host with a systemd of its own', () => {
  let host: SystemdHost;
  let seconds: number;

  beforeAll(async () => {
    const start = performance.now();
    host = await systemdHost();
    seconds = (performance.now() - start) / 1000;
    return () => host[Symbol.asyncDispose]();
  });

  it('is up in less than five seconds, with systemd as PID 1 and nothing failed', async () => {
    expect(seconds).toBeLessThan(5);
    expect(host.read('/proc/1/comm')).toBe('systemd\n');
    expect(await host.systemctl('is-system-running')).toBe('running\n');
    expect((await host.exec(['hostname'])).stdout).toBe('testhost\n');
  });

  it("runs none of this machine's own units", async () => {
    const services = await host.systemctl('list-units', '--type=service', '--state=active', '--plain', '--no-legend');
    expect(services.match(/^\S+/gm)).toEqual([
      'dbus.service',
      'systemd-journald.service',
      'systemd-logind.service',
      'systemd-tmpfiles-setup.service',
      'systemd-user-sessions.service',
    ]);
    const timers = await host.systemctl('list-units', '--type=timer,path,automount', '--plain', '--no-legend');
    expect(timers).toBe('');
  });

  it('runs a unit that is written from out here, and what it says can be read', async () => {
    host.write('/etc/systemd/system/hello.service', unit('ExecStart=sh -c "echo hello from $$$$; exec sleep 1000"'));
    await host.systemctl('start', 'hello');
    const shown = await host.systemctl('show', 'hello', '--property=ActiveState,MainPID');
    const pid = /^MainPID=(\d+)$/m.exec(shown)?.[1];
    expect(shown).toContain('ActiveState=active');
    expect(host.read(`/proc/${pid}/comm`)).toBe('sleep\n');
    const said = () => host.exec(['journalctl', '--unit=hello', '--output=cat']);
    await until(async () => (await said()).stdout.includes(`hello from ${pid}`));
    await host.systemctl('stop', 'hello');
    expect(host.exists(`/proc/${pid}`)).toBe(false);
  });

  it('kills what takes more memory than MemoryMax allows', async () => {
    const hog = ['Type=oneshot', 'ExecStart=dd if=/dev/zero of=/dev/null bs=200M count=1'];
    host.write('/etc/systemd/system/free.service', unit(...hog));
    host.write('/etc/systemd/system/limited.service', unit(...hog, 'MemoryMax=50M', 'MemorySwapMax=0'));
    await host.systemctl('start', 'free');
    await expect(host.systemctl('start', 'limited')).rejects.toThrow('limited.service failed');
    expect(await host.systemctl('show', 'limited', '--property=ExecMainCode,ExecMainStatus')).toBe(
      'ExecMainCode=2\nExecMainStatus=9\n',
    );
    await host.systemctl('reset-failed', 'limited');
  });

  it("serves a user's own manager", async () => {
    const uid = await host.userManager('trader');
    const as = (...command: readonly string[]) => host.exec(command, { user: 'trader' });
    expect(await as('systemctl', '--user', 'is-system-running', '--wait')).toMatchObject({ stdout: 'running\n' });
    expect(await as('id', '-un')).toMatchObject({ stdout: 'trader\n' });
    host.write('/home/trader/.config/systemd/user/mine.service', unit('ExecStart=sleep 1000'));
    expect(await as('systemctl', '--user', 'enable', '--now', 'mine')).toMatchObject({ code: 0 });
    const pid = (await as('systemctl', '--user', 'show', 'mine', '--property=MainPID', '--value')).stdout.trim();
    expect(host.read(`/proc/${pid}/status`)).toContain(`\nUid:\t${uid}\t${uid}\t`);
    expect(host.read(`/proc/${pid}/cgroup`)).toContain(`/user@${uid}.service/`);
  });

  it('runs commands with a clean environment, in none of its units, also after a daemon-reexec', async () => {
    const env = await host.exec(['env'], { env: { COLOUR: 'blue' } });
    expect(env.stdout.trim().split('\n').sort()).toEqual([
      'COLOUR=blue',
      'HOME=/root',
      'LANG=C.UTF-8',
      'LOGNAME=root',
      expect.stringMatching(/^PATH=/),
      expect.stringMatching(/^SHELL=/),
      'USER=root',
    ]);
    expect(await host.exec(['sh', '-c', 'cat; echo oh >&2; exit 3'], { input: 'ah' })).toEqual({
      code: 3,
      stdout: 'ah',
      stderr: 'oh\n',
    });
    await expect(host.exec(['sleep', '100'], { timeout: 200 })).rejects.toThrow('sleep 100 took longer than 200 ms');

    const child = host.spawn(['sh', '-c', 'trap "exit 7" TERM; echo $$; while :; do sleep 0.1; done']);
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const group = () => host.read(`/proc/${line.toString().trim()}/cgroup`);
    await host.systemctl('daemon-reexec');
    // Seen from here the group has the host's name before it; in it are neither PID 1's scope nor a unit.
    expect(group()).toMatch(new RegExp(`${host.name}.*/commands$`, 'm'));
    expect(group()).not.toMatch(/\.(scope|service|slice)$/m);
    child.kill();
    expect(await once(child, 'close')).toEqual([7, null]);
  });

  it('runs the built command line', async () => {
    expect(await host.reconcile('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
    host.write('/root/desired-state/services/sleeper.yaml', 'supervisor: builtin\ncommand: [sleep, "1000"]\n');
    expect(await host.reconcile('--dry-run')).toMatchObject({ code: 2, stdout: expect.stringContaining('+ sleeper') });
  });

  it('keeps what is written in it to itself, also through links', async () => {
    await host.exec([
      'sh',
      '-c',
      'echo mine > /usr/local/reconciled-mark; echo mine > /tmp/reconciled-mark; useradd intruder',
    ]);
    host.write('/etc/reconciled-mark', 'mine');
    for (const path of ['/usr/local/reconciled-mark', '/tmp/reconciled-mark', '/etc/reconciled-mark']) {
      expect(host.read(path).trim()).toBe('mine');
      expect(existsSync(path)).toBe(false);
    }
    expect(readFileSync('/etc/passwd', 'utf8')).not.toContain('intruder');

    const outside = mkdtempSync(join(tmpdir(), 'reconciled-outside-'));
    writeFileSync(join(outside, 'file'), 'untouched');
    symlinkSync(join(outside, 'file'), host.path('/root/link'));
    host.write('/root/link', 'changed');
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('untouched');
    expect(host.read(join(outside, 'file'))).toBe('changed');
    rmSync(outside, { recursive: true });
  });

  it('is not disturbed by another one', async () => {
    host.write('/etc/systemd/system/same.service', unit('ExecStart=sleep 1000'));
    await host.systemctl('start', 'same');
    const shown = () => host.systemctl('show', 'same', '--property=ActiveState,MainPID,NRestarts');
    const before = await shown();
    let name: string;
    {
      await using other = await systemdHost();
      name = other.name;
      expect(other.exists('/etc/systemd/system/same.service')).toBe(false);
      other.write('/etc/systemd/system/same.service', unit('ExecStart=sleep 2000'));
      await other.systemctl('start', 'same');
      await other.systemctl('stop', 'same');
      expect(other.read('/etc/machine-id')).not.toBe(host.read('/etc/machine-id'));
      expect(await other.systemctl('is-system-running')).toBe('running\n');
    }
    expect(traces(name)).toEqual([]);
    expect(await shown()).toBe(before);
    expect(await host.systemctl('is-system-running')).toBe('running\n');
  });
});

describeOnSystemd('a host that goes down', () => {
  it('keeps its files through a crash, and starts what is enabled', async () => {
    await using host = await systemdHost();
    host.write('/etc/systemd/system/enabled.service', unit('ExecStart=sleep 1000', 'ExecStop=touch /root/stopped'));
    host.write('/tmp/gone', '');
    await host.systemctl('enable', '--now', 'enabled');
    const child = host.spawn(['sleep', '1000']);
    const closed = once(child, 'close');
    await host.crash();
    await closed;
    await expect(host.exec(['true'])).rejects.toThrow('the host is down');
    expect(host.exists('/root/stopped')).toBe(false);

    await host.boot();
    expect(await host.systemctl('is-system-running')).toBe('running\n');
    expect(await host.systemctl('is-active', 'enabled')).toBe('active\n');
    expect(host.exists('/tmp/gone')).toBe(false);

    await host.powerOff();
    expect(host.exists('/root/stopped')).toBe(true);
    await host.boot();
    expect(await host.systemctl('is-active', 'enabled')).toBe('active\n');
  });

  it('ends with the test process, and the next one removes what is left', async () => {
    const module = new URL('../rig/systemd/host.ts', import.meta.url);
    const script = `import { systemdHost } from '${module}';
      const { name, leader } = await systemdHost();
      console.log(JSON.stringify({ name, leader }));
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await child.stdout.take(1).toArray()) as [Buffer | undefined];
    const { name, leader } = JSON.parse(`${line}`) as { name: string; leader: number };
    expect(readFileSync(`/proc/${leader}/comm`, 'utf8')).toBe('systemd\n');
    child.kill('SIGKILL');
    await once(child, 'close');
    await until(() => !existsSync(`/proc/${leader}`), 10);
    expect(traces(name)).not.toEqual([]);

    await using next = await systemdHost();
    expect(traces(name)).toEqual([]);
    expect(traces(next.name)).not.toEqual([]);
  });

  it('is removed even where a process of it lives on', async () => {
    const dead = spawn('true');
    await once(dead, 'close');
    const name = `reconciled-test-${dead.pid}-1-0`;
    const [file, ...args] = inGroups(createGroups(name), ['sleep', '1000']);
    const orphan = spawn(file, args);
    const ended = once(orphan, 'close');
    await until(() => readFileSync(`/proc/${orphan.pid}/comm`, 'utf8') === 'sleep\n');
    await removeLeftovers();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(traces(name)).toEqual([]);
  });
});
