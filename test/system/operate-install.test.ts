import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RECONCILE, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { sh } from '../rig/systemd/units.ts';
import { DESIRED, Operated } from './operate/world.ts';

const UNIT = '/etc/systemd/system/reconciled.service';
const EXTRAS = [
  ['/usr/local/share/man/man1/reconcile-status.1', '.TH RECONCILE'],
  ['/usr/local/share/bash-completion/completions/reconcile', 'complete -F'],
  ['/usr/local/share/zsh/site-functions/_reconcile', '#compdef reconcile'],
  ['/usr/local/share/fish/vendor_completions.d/reconcile.fish', 'complete -c reconcile'],
] as const;

describeOnSystemd('reconcile install', () => {
  let world: Operated;
  const releases = async () => (await sh(world.host, 'ls -t /opt/reconciled/releases')).trim().split('\n');
  const current = async () => (await sh(world.host, 'readlink /opt/reconciled/current')).trim();
  /** Another build, as another version would be. */
  const other = async (version: string) => {
    const folder = `/root/build-${version}`;
    const from = RECONCILE.replace('/dist/reconcile', '');
    await sh(
      world.host,
      `mkdir -p ${folder} && cp -r ${from}/dist ${from}/docs ${folder}/ && sed 's/"version": ".*"/"version": "${version}"/' ${from}/package.json >${folder}/package.json
       ln -sfn ${from}/node_modules ${folder}/node_modules`,
    );
    return `${folder}/dist/reconcile`;
  };

  beforeAll(async () => {
    world = await Operated.create();
    world.declare('web', { command: ['sleep', '987101'] });
  });
  afterAll(() => world?.[Symbol.asyncDispose]());

  it('shows what it would write, and with --dry-run or without anybody’s word writes nothing', async () => {
    const dry = await world.reconcile('install', '--dry-run', '--desired-state', DESIRED);
    expect(dry.code).toBe(2);
    expect(dry.stdout).toMatch(/^ {2}\+ \/opt\/reconciled\/releases\/\d+\.\d+\.\d+-[0-9a-f]{8} {2}\d+ files, \d+MB$/m);
    expect(dry.stdout).toContain(`  + ${UNIT}\n`);
    expect(dry.stdout).toContain('      KillMode=process\n');
    expect(dry.stdout).toMatch(/^ {2}\+ \/opt\/reconciled\/current -> releases\//m);
    expect(dry.stdout).toContain('  + /usr/local/bin/reconcile -> /opt/reconciled/current/dist/reconcile\n');
    const alone = await world.reconcile('install', '--desired-state', DESIRED);
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain('nothing was changed: nobody has agreed to it');
    for (const path of [UNIT, '/opt/reconciled', '/usr/local/bin/reconcile', ...EXTRAS.map(([path]) => path)])
      expect(world.host.exists(path)).toBe(false);
    const json = await world.reconcile('install', '--dry-run', '--json', '--desired-state', DESIRED);
    const { done, changes } = JSON.parse(json.stdout) as { done: boolean; changes: { kind: string }[] };
    expect([done, changes.map(({ kind }) => kind)]).toEqual([
      false,
      ['release', 'file', 'link', 'link', 'links', 'links', 'links', 'links'],
    ]);
  });

  it('on a terminal asks, and takes no for an answer', async () => {
    const ask = (answer: string) =>
      world.host.exec([
        'sh',
        '-c',
        `(sleep 3; echo ${answer}; sleep 1) | script -qec "${RECONCILE} install --desired-state ${DESIRED}" /dev/null`,
      ]);
    const no = await ask('n');
    expect(no.stdout).toContain('Write this? [y/N]');
    expect(no.stdout).toContain('nobody has agreed');
    expect(world.host.exists(UNIT)).toBe(false);
  });

  it('writes it, and says how it is started; the unit is one that systemd has nothing to say against', async () => {
    const said = await world.install();
    expect(said).toContain('Start it, and at every boot:  systemctl enable --now reconciled');
    const { code, stdout, stderr } = await world.host.exec(['systemd-analyze', 'verify', '--man=no', UNIT]);
    expect([code, stdout, stderr]).toEqual([0, '', '']);
    expect(await releases()).toHaveLength(1);
    for (const [path, text] of EXTRAS) expect(await sh(world.host, `cat ${path}`)).toContain(text);
    await world.host.systemctl('enable', '--now', 'reconciled');
    expect((await world.pids(1)).size).toBe(1);
    expect(await world.host.systemctl('show', 'reconciled', '-p', 'Type,NRestarts')).toContain('Type=notify');
    // The release is whole: none of it is the build's.
    const open = await sh(world.host, `ls -l /proc/${await world.mainPid()}/exe`);
    expect(open).toMatch(/-> \/opt\/reconciled\/releases\/.*\/node\/bin\/node$/m);
    await until(async () =>
      /^StatusText=.*1 of 1 running$/m.test(await world.host.systemctl('show', 'reconciled', '-p', 'StatusText')),
    );
  });

  it('does nothing when it is run again, from the build or by itself', async () => {
    const again = await world.reconcile('install', '--desired-state', DESIRED);
    expect([again.code, again.stdout, again.stderr]).toEqual([0, 'Installed already, nothing to do.\n', '']);
    const itself = await world.host.exec(['reconcile', 'install', '--desired-state', DESIRED]);
    expect([itself.code, itself.stdout]).toEqual([0, 'Installed already, nothing to do.\n']);
  });

  it('shows what somebody has changed in the unit, and leaves drop-ins alone', async () => {
    const text = world.host.read(UNIT);
    world.host.write(UNIT, text.replace('WatchdogSec=60', 'WatchdogSec=10'));
    world.host.write(`${UNIT}.d/ours.conf`, '[Service]\nNice=1\n');
    const shown = await world.reconcile('install', '--desired-state', DESIRED);
    expect(shown.code).toBe(1);
    expect(shown.stdout).toContain('      -WatchdogSec=10\n      +WatchdogSec=60\n');
    expect(world.host.read(UNIT)).toContain('WatchdogSec=10');
    expect(await world.install()).toContain('Its drop-ins stay as they are: ours.conf');
    expect(world.host.read(UNIT)).toBe(text);
    expect(world.host.read(`${UNIT}.d/ours.conf`)).toBe('[Service]\nNice=1\n');
    await sh(world.host, `rm -r ${UNIT}.d && systemctl daemon-reload`);
  });

  it('repairs a release that somebody has changed, and what a killed install has left', async () => {
    const [name = ''] = await releases();
    await sh(
      world.host,
      `echo changed >>/opt/reconciled/releases/${name}/package.json; mkdir /opt/reconciled/releases/x.new`,
    );
    const said = await world.install();
    expect(said).toContain('in place of what somebody has changed');
    expect(await releases()).toEqual([name]);
    expect((await world.reconcile('install', '--desired-state', DESIRED)).stdout).toContain('nothing to do');
  });

  it('upgrades: another release beside it, a link that is switched, three old ones kept', async () => {
    const pid = (await world.pids(1)).get('web');
    const unit = world.host.read(UNIT);
    for (const version of ['7.0.0', '7.0.1', '7.0.2', '7.0.3']) {
      const build = await other(version);
      const { code, stderr } = await world.host.exec([build, 'install', '--yes', '--desired-state', DESIRED]);
      expect([code, stderr]).toEqual([
        0,
        'It runs, and is this release from its next start on:  systemctl restart reconciled\n',
      ]);
      expect(await current()).toMatch(new RegExp(`^releases/${version}-`));
    }
    expect(world.host.read(UNIT)).toBe(unit);
    const kept = (await releases()).map((name) => name.replace(/-.*/, '')).sort();
    expect(kept).toEqual(['7.0.0', '7.0.1', '7.0.2', '7.0.3']);
    await world.host.systemctl('restart', 'reconciled');
    expect((await world.host.exec(['reconcile', '--version'])).stdout).toBe('7.0.3\n');
    expect((await world.pids(1)).get('web')).toBe(pid);
  });

  it('refuses where it can’t: no root, others may write, no desired state, a prefix that systemd can’t take', async () => {
    await sh(world.host, 'id somebody 2>/dev/null || useradd -m somebody');
    const user = await world.host.exec([RECONCILE, 'install'], { user: 'somebody' });
    expect(user.stderr).toContain('cannot install the service: only root can write it');
    const none = await world.reconcile('install', '--yes', '--desired-state', '/nowhere');
    expect(none.stderr).toContain('there is no desired-state directory /nowhere');
    const odd = await world.reconcile('install', '--yes', '--desired-state', DESIRED, '--prefix', '/opt/a b');
    expect(odd.stderr).toContain('cannot install to /opt/a b');
    await sh(world.host, 'mkdir -p /srv/open/x && cp -r /srv/desired-state /srv/open/x/ && chmod 777 /srv/open');
    const open = await world.reconcile('install', '--yes', '--desired-state', '/srv/open/x/desired-state');
    expect(open.stderr).toContain('others can write /srv/open');
  });

  it('is undone by uninstall, which leaves services alone and says what is left', async () => {
    const pid = (await world.pids(1)).get('web') ?? 0;
    const dry = await world.reconcile('uninstall', '--dry-run');
    expect(dry.code).toBe(2);
    expect(world.host.exists(UNIT)).toBe(true);
    const { code, stdout, stderr } = await world.host.exec(['reconcile', 'uninstall', '--yes']);
    expect(code).toBe(0);
    expect(stdout).toContain(`  - ${UNIT}\n`);
    expect(stderr).toContain('go on, unsupervised: 1 (web)');
    expect(stderr).toContain('Left as they are: /run/reconciled, /var/lib/reconciled, /var/log/reconciled');
    for (const path of [UNIT, '/opt/reconciled', '/usr/local/bin/reconcile', ...EXTRAS.map(([path]) => path)])
      expect(world.host.exists(path)).toBe(false);
    expect(await sh(world.host, `ps -o args= -p ${pid}`)).toBe('sleep 987101\n');
    expect((await world.reconcile('uninstall')).stdout).toBe('Nothing of it is installed.\n');
    rmSync(world.host.path('/root/build-7.0.0'), { recursive: true, force: true });
  });
});
