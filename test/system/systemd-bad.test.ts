import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createHost, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show, variable } from '../rig/systemd/units.ts';
import { createWorld, type World, type WorldOptions } from '../rig/systemd/world.ts';

const UNITS = '/etc/systemd/system';
const NOTHING = 'No changes: everything is as desired.';
const SLEEP = { command: ['sleep', '1000'] };
/** Ends at once, and says why. */
const DIES = ['sh', '-c', 'echo "$0" >>/root/tries; echo 1; echo 2; echo 3; echo 4; echo no way to go on >&2; exit 3'];
const STUBBORN = ['sh', '-c', 'trap "" TERM; while :; do sleep 0.05; done'];

describeOnSystemd('what can go wrong under systemd', () => {
  let host: SystemdHost;
  let world: World;

  beforeAll(async () => {
    host = await systemdHost();
    // Somebody else's service, which nothing here may touch.
    host.write(
      `${UNITS}/bystander.service`,
      '[Service]\nExecStart=sleep 2000\n[Install]\nWantedBy=multi-user.target\n',
    );
    await host.systemctl('enable', '--now', 'bystander');
    const bystander = await pid('bystander');
    return async () => {
      expect(await pid('bystander')).toBe(bystander);
      await host[Symbol.asyncDispose]();
    };
  });

  const pid = async (unit: string) => (await show(host, [unit])).get(unit)?.pid ?? 0;
  const fresh = (name: string, options: WorldOptions = {}) => {
    world = createWorld(host, name, options);
    return world;
  };
  /** All is as desired: a run would do nothing, and holds nothing. */
  const converged = async () => expect(await world.plan()).toEqual([]);

  describe('what is declared', () => {
    it('holds a service with a directive that systemd would ignore, and writes nothing', async () => {
      fresh('directive').declare('odd', { ...SLEEP, raw: { systemd: [['Service', 'Nonsense', 'yes']] } });
      world.declare('even', SLEEP);
      const said = await world.apply(3);
      expect(said).toContain("odd.service:22: Unknown key 'Nonsense' in section [Service], ignoring.");
      expect(said).toContain('correct what `raw.systemd` says; nothing was written');
      expect(said).toContain('Applied: 1 done, 1 held');
      expect(host.exists(`${UNITS}/odd.service`)).toBe(false);
      expect(await world.plan()).toEqual(['! odd blocked']);

      world.declare('odd', { ...SLEEP, raw: { systemd: [['Service', 'CPUWeight', 50]] } });
      await world.apply();
      const before = [await pid('odd'), host.read(`${UNITS}/odd.service`)];
      world.declare('odd', { ...SLEEP, raw: { systemd: [['Service', 'CPUWeight', 'much']] } });
      expect(await world.apply(3)).toContain('Invalid CPU weight, ignoring: much');
      expect([await pid('odd'), host.read(`${UNITS}/odd.service`)]).toEqual(before);

      world.declare('odd', { ...SLEEP, raw: { systemd: [['Service', 'CPUWeight', 60]] } });
      await world.apply();
      expect(await pid('odd')).toBe(before[0]);
      await converged();
    });

    it('holds a service whose program or user is not there, and starts the others', async () => {
      fresh('missing').declare('fine', SLEEP);
      world.declare('no-program', { command: ['/opt/none/program'] });
      world.declare('no-user', { ...SLEEP, user: 'nobody-knows' });
      world.declare('no-pre', { ...SLEEP, raw: { systemd: [['Service', 'ExecStartPre', '/opt/none/before']] } });
      const said = await world.apply(3);
      expect(said).toContain('cannot start no-program: command /opt/none/program does not exist');
      expect(said).toContain("cannot start no-user: there is no user 'nobody-knows'");
      expect(said).toContain('no-pre.service: Command /opt/none/before is not executable');
      expect(said).toContain('Applied: 1 done, 3 held');
      for (const unit of ['no-program', 'no-user', 'no-pre'])
        expect(host.exists(`${UNITS}/${unit}.service`)).toBe(false);

      await sh(host, 'useradd nobody-knows; mkdir /opt/none; cp /usr/bin/true /opt/none/before');
      await sh(host, 'printf "#!/bin/sh\\nexec sleep 1000\\n" >/opt/none/program; chmod +x /opt/none/program');
      const fine = await pid('fine');
      expect(await world.apply()).toContain('Applied: 3 done');
      expect(await pid('fine')).toBe(fine);
      await converged();
    });
  });

  describe('a service', () => {
    it('that ends at once is tried as often as is written, told with what it said, and FATAL', async () => {
      const start = { ready: '300ms', retries: 2 };
      // systemd starts it by its own clock: it is to be stopped in that wait.
      const dies = { command: [...DIES, 'dies'], start, restart: { backoff: { initial: '500ms' } } };
      fresh('fails').declare('dies', dies);
      const said = await world.apply(3);
      expect(said).toContain('cannot start dies: could not be started, tried 3 times in a row: exit code 3');
      expect(said).toContain(': exit code 3 1 2 3 4 no way to go on mend it');
      expect(said).toContain('mend it, then `reconcile start dies`; all it said: journalctl -u dies.service');
      const tries = () => host.read('/root/tries').match(/^dies$/gm)?.length;
      expect(tries()).toBe(3);

      // The next run tells, and does not try.
      expect(await world.apply(3)).toContain('FATAL: exit code 3');
      expect(await world.plan()).toEqual(['! dies fatal']);
      expect(await world.status('dies')).toMatchObject({
        state: 'FATAL',
        note: 'exit code 3; to try again: reconcile start dies',
      });
      expect(tries()).toBe(3);

      expect(await world.apply(3, 'start', 'dies')).toContain('tried 3 times in a row: exit code 3');
      expect(tries()).toBe(6);

      world.declare('dies', { ...dies, ...SLEEP });
      await world.apply();
      expect(tries()).toBe(6);
      await converged();
    });

    it('that never says that it is ready has failed', async () => {
      const raw = {
        systemd: [
          ['Service', 'Type', 'notify'],
          ['Service', 'TimeoutStartSec', '300ms'],
        ],
      };
      fresh('mute').declare('mute', { ...SLEEP, start: { retries: 0 }, raw });
      const said = await world.apply(3);
      expect(said).toContain('cannot start mute: could not be started, tried once: it did not start or stop in time');
      expect(said).toContain('start operation timed out');
      expect(await world.status('mute')).toMatchObject({ state: 'FATAL', pid: null });
      expect(await world.plan()).toEqual(['! mute fatal']);
      world.declare('mute', SLEEP);
      await world.apply();
      await converged();
    });

    it('that is never healthy is left running, and told', async () => {
      const probe = { name: 'api', every: '100ms', exec: { command: ['test', '-e', '/run/healthy'] } };
      const sick = { command: ['sleep', '1003'], start: { ready: '0s', timeout: '500ms' }, health: [probe] };
      fresh('sick').declare('sick', sick);
      const said = await world.apply(3);
      expect(said).toContain('cannot start sick: it runs, but was not healthy within 500ms: probe api: exit code 1');
      expect(said).toContain('it was left running; its output: journalctl -u sick.service');
      const running = await pid('sick');
      expect(running).toBeGreaterThan(0);
      host.write('/run/healthy', '');
      await converged();
      expect(await pid('sick')).toBe(running);
      expect(await world.apply(0, 'start', 'sick')).toContain(NOTHING);
    });

    it('that does not end when it is told to is killed after its time, and that is done', async () => {
      const stubborn = { command: STUBBORN, stop: { timeout: '500ms' } };
      fresh('stubborn').declare('stubborn', stubborn);
      await world.apply();
      const first = await pid('stubborn');
      world.declare('stubborn', { ...stubborn, generation: 2 });
      expect(await world.apply()).toMatch(/stubborn: restarted with its new definition, pid \d+ \((0\.[5-9]|[1-9])/);
      const second = await pid('stubborn');
      expect(second).not.toBe(first);
      world.declare('stubborn', { ...stubborn, generation: 2, state: 'stopped' });
      expect(await world.apply()).toMatch(/stubborn: stopped \((0\.[5-9]|[1-9])/);
      expect((await show(host, ['stubborn'])).get('stubborn')).toMatchObject({ active: 'inactive', pid: 0 });
      for (const gone of [first, second]) expect(host.exists(`/proc/${gone}`)).toBe(false);
      expect(await world.status('stubborn')).toMatchObject({ state: 'STOPPED', note: null });
      await converged();
    });

    it('that is restarted too often is HELD until its cooldown is over, when a daemon tries it again', async () => {
      const flaps = {
        command: ['sh', '-c', 'echo flaps >>/root/tries; test -e /run/mended && exec sleep 1000; sleep 0.2; exit 4'],
        start: { ready: '50ms' },
        restart: { backoff: { initial: '50ms' }, limit: { restarts: 2, within: '1h' }, cooldown: '3s' },
      };
      await using flapping = fresh('flaps');
      world.declare('flaps', flaps);
      await world.apply();
      const tries = () => host.read('/root/tries').match(/^flaps$/gm)?.length;
      await until(async () => (await show(host, ['flaps'])).get('flaps')?.active === 'failed');
      expect(tries()).toBe(3);
      const trial = /at (\S+Z)/;
      const { state, note } = await world.status('flaps');
      expect(state).toBe('HELD');
      expect(note).toMatch(
        /^restarted more often than 2 times in its time, last: exit code 4; next trial at \S+Z, or reconcile start flaps$/,
      );
      const said = await world.apply(3);
      expect(said).toMatch(
        /HELD: restarted more often than 2 times in its time, last: exit code 4; tried again at \S+Z/,
      );
      expect(await world.plan()).toEqual(['! flaps spent']);
      expect(tries()).toBe(3);

      const next = Date.parse(trial.exec(note ?? '')?.[1] ?? '');
      const daemon = await flapping.daemon();
      await daemon.saw('flaps: its cooldown is over, it is tried again');
      expect(Date.now()).toBeGreaterThanOrEqual(next);
      // Mended or not: nobody has stopped it.
      await daemon.saw(/its cooldown is over[\s\S]*left alone: HELD: the trial did not last/);
      expect(tries()).toBeGreaterThan(3);
      // Between two trials: of the next it is the first try.
      host.write('/run/mended', '');
      await daemon.saw(/the trial did not last[\s\S]*its cooldown is over/);
      await until(async () => (await show(host, ['flaps'])).get('flaps')?.active === 'active');
      expect(daemon.output()).not.toMatch(/stopped by /);
      await daemon.stop();
      await converged();
      expect(await world.status('flaps')).toMatchObject({ state: 'RUNNING', definition: 'current' });
    });
  });

  describe('a saved plan', () => {
    const units = ['p-edited', 'p-restarted', 'p-stopped', 'p-removed'];
    const acts: Readonly<Record<string, string>> = {
      'p-edited': `echo "# mine" >>${UNITS}/p-edited.service`,
      'p-restarted': 'systemctl restart p-restarted',
      'p-stopped': 'systemctl stop p-stopped',
      'p-removed': `rm ${UNITS}/p-removed.service; systemctl daemon-reload`,
    };

    it.each(units)('is refused where somebody has changed a unit since: %s', async (unit) => {
      fresh(`plan-${unit}`).declare(unit, { ...SLEEP, generation: 1 });
      await world.apply();
      world.declare(unit, { ...SLEEP, generation: 2 });
      expect(await world.reconcile('plan', '--out', '/root/plan.json')).toMatchObject({ code: 2 });
      await sh(host, acts[unit] ?? 'false');
      const before = await show(host, [unit]);
      const refused = await world.reconcile('apply', '/root/plan.json');
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toContain(
        'cannot apply this plan: the desired state or the host has changed since it was made; nothing was done',
      );
      expect(await show(host, [unit])).toEqual(before);
      await world.apply();
      await converged();
      expect(variable(host, await pid(unit), 'RECONCILED_DEFINITION')).toContain(`v1:plan-${unit}:${unit}::`);
    });
  });

  describe('a user of no rights', () => {
    it("has units in a manager of his own, and none in the host's", async () => {
      const uid = await host.userManager('trader');
      fresh('trader', { user: 'trader' }).declare('mine', { ...SLEEP, environment: { ODD: 'a "b" $c %n \\' } });
      await world.apply();
      const units = '/home/trader/.config/systemd/user';
      const of = async (...properties: readonly string[]) => {
        const shown = await as('systemctl', '--user', 'show', 'mine', `--property=${properties.join()}`, '--value');
        return shown.trim().split('\n');
      };
      const as = async (...command: readonly string[]) => (await host.exec(command, { user: 'trader' })).stdout;
      const [first = ''] = await of('MainPID');
      expect(await of('FragmentPath', 'UnitFileState')).toEqual([`${units}/mine.service`, 'enabled']);
      expect(host.read(`/proc/${first}/status`)).toContain(`\nUid:\t${uid}\t`);
      expect(variable(host, Number(first), 'ODD')).toBe('a "b" $c %n \\');
      expect(host.exists(`${UNITS}/mine.service`)).toBe(false);
      await converged();

      world.declare('mine', { ...SLEEP, description: 'mine' });
      await world.apply();
      expect(await of('Description')).toEqual(['mine']);
      const [second] = await of('MainPID');
      expect(second).not.toBe(first);
      await converged();

      world.declare('mine', { ...SLEEP, state: 'disabled' });
      await world.apply();
      await as('systemctl', '--user', 'start', 'mine');
      expect(await of('ActiveState', 'UnitFileState')).toEqual(['inactive', 'disabled']);
      await converged();

      world.declare('mine', { ...SLEEP, user: 'root' });
      expect(await world.apply(3)).toContain('cannot start mine: only root can start it as root');
      world.declare('mine', { state: 'absent' });
      await world.apply();
      expect(await as('find', units, '-type', 'f')).toBe('');
      await converged();
    });

    it('and without a manager of his own is told what is missing, and nothing is done', async () => {
      await sh(host, 'useradd --create-home plain');
      fresh('plain', { user: 'plain' }).declare('mine', SLEEP);
      const said = await world.apply(3);
      expect(said).toMatch(
        /cannot reach systemd: there is no bus at \/run\/user\/\d+\/bus \(no such file or directory\)/,
      );
      expect(said).toContain('`loginctl enable-linger USER`');
      expect(said).toContain('No changes. 1 held.');
      expect(await world.status('mine')).toMatchObject({ state: 'UNREADABLE' });
      expect((await host.exec(['find', '/home/plain/.config'])).stdout).toBe('');
      await host.userManager('plain');
      await world.apply();
      await converged();
    });
  });

  describe('no systemd to be had', () => {
    /** Runs a command for which a folder of the host is empty. */
    const without = (folder: string, command: readonly string[]) =>
      host.exec(['unshare', '-m', 'sh', '-c', `mount -t tmpfs tmpfs ${folder} && exec "$@"`, 'sh', ...command]);
    const flat = ({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }) =>
      `${stdout}${stderr}`.replace(/\s+/g, ' ');

    it.each([
      ['/run', 'cannot reach systemd: this host is not run by systemd take another supervisor, such as `builtin`'],
      [
        '/run/dbus',
        'cannot reach systemd: there is no bus at /run/dbus/system_bus_socket (no such file or directory) install and start D-Bus',
      ],
    ])('holds what is declared, and says why: without %s', async (folder, words) => {
      fresh(`without${folder.replaceAll('/', '-')}`).declare('lonely', SLEEP);
      const said = await without(folder, world.command());
      expect(said.code).toBe(3);
      expect(flat(said)).toContain(words);
      expect(flat(said)).toContain('No changes. 1 held.');
      expect(flat(said)).not.toMatch(/ at .*:\d+:\d+/);
      expect(flat(await without(folder, world.command('status')))).toContain('UNREADABLE');
      const daemon = await without(folder, ['timeout', '1', ...world.command('daemon')]);
      expect(flat(daemon)).toContain(`lonely: left alone: ${words.slice(0, 40)}`);
      expect(host.exists(`${UNITS}/lonely.service`)).toBe(false);
    });

    it.skipIf(existsSync('/run/systemd/system'))('on this very machine', async () => {
      await using outside = await createHost();
      outside.write('lonely', { supervisor: 'systemd', ...SLEEP });
      const said = await outside.reconcile();
      expect(said.code).toBe(3);
      expect(flat(said)).toContain('cannot reach systemd: this host is not run by systemd');
      expect(flat(said)).not.toMatch(/ at .*:\d+:\d+/);
    });
  });
});
