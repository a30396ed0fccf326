import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { type DaemonProcess, until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show } from '../rig/systemd/units.ts';
import { createWorld, type World } from '../rig/systemd/world.ts';

const UNITS = '/etc/systemd/system';
const SLEEP = { command: ['sleep', '1000'] };
/** Ends with an exit code of its own when it is told to stop, as programs in Java do. */
const JAVA = { command: ['sh', '-c', 'trap "exit 143" TERM; while :; do sleep 0.05; done'] };
/** Takes a while to stop. */
const SLOW = { command: ['sh', '-c', 'trap "sleep 1; exit 0" TERM; while :; do sleep 0.05; done'] };
const HOUR = 3_600_000;
/** What the daemon remembers of services. */
const MARKS = '/root/drift/state/decisions/services.json';

interface LogLine {
  readonly time: string;
  readonly event: string;
  readonly service?: string;
  readonly msg: string;
}

/** The whole lines of JSON in a text. */
function linesOf<T>(text: string): T[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
  return lines.map((line) => JSON.parse(line) as T);
}

/** The log of a daemon from some moment on. */
function follow(daemon: DaemonProcess): { since(): readonly LogLine[]; saw(text: string | RegExp): Promise<LogLine> } {
  const from = daemon.output().length;
  const since = () => linesOf<LogLine>(daemon.output().slice(from));
  return {
    since,
    saw: async (text) => {
      const found = () => since().find(({ msg }) => (typeof text === 'string' ? msg.includes(text) : text.test(msg)));
      await until(found, 10).catch(() => {
        throw new Error(
          `the daemon did not say '${text}', but: ${since()
            .map(({ msg }) => msg)
            .join('\n')}`,
        );
      });
      return found() as LogLine;
    },
  };
}

/** Whoever it was, as far as anything showed that. */
const byHand = (what: string, more = '') => new RegExp(`${what} by (somebody|root( \\(.*\\))?)${more}`);
/** Told besides: that what does not run is not well, and that what was started stayed well. */
const besidesLevels = (log: { since(): readonly LogLine[] }) =>
  log
    .since()
    .map(({ event }) => event)
    .filter((event) => event !== 'level' && event !== 'verified');
const NOBODY = /(stopped|started|edited|removed|enabled|disabled|masked) by /;

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const words = (values: readonly number[]) =>
  `p50 ${median(values).toFixed(0)} ms, max ${Math.max(...values).toFixed(0)} ms`;

describeOnSystemd('what somebody changes by hand, with a daemon', () => {
  let host: SystemdHost;
  let world: World;
  let daemon: DaemonProcess;

  beforeAll(async () => {
    host = await systemdHost();
    const install = (name: string) =>
      host.write(
        `/usr/lib/systemd/system/${name}.service`,
        '[Service]\nExecStart=sleep 2000\n[Install]\nWantedBy=multi-user.target\n',
      );
    for (const name of ['package', 'set-package', 'db']) install(name);
    await host.systemctl('daemon-reload');
    await host.systemctl('enable', '--now', 'package', 'set-package', 'db');
    world = createWorld(host, 'drift', { policy: { verify: { soak: '100ms' } } });
    world.declare('held', SLEEP);
    world.declare('java', JAVA);
    world.declare('slow', SLOW);
    world.declare('healed', { ...SLEEP, drift: 'heal' });
    world.declare('healed-java', { ...JAVA, drift: 'heal' });
    world.declare('told', { ...SLEEP, drift: 'report' });
    world.declare('package', { unit: 'package.service', start: undefined });
    world.declare('set', { unit: 'set-package.service', start: undefined, environment: { A: 'b' } });
    // It is stopped before what it needs, and takes its time.
    world.declare('needs-db', {
      ...SLOW,
      raw: {
        systemd: [
          ['Unit', 'Requires', 'db.service'],
          ['Unit', 'After', 'db.service'],
        ],
      },
    });
    world.declare('part-of-db', { ...SLEEP, raw: { systemd: [['Unit', 'PartOf', 'db.service']] } });
    world.declare('never', { command: ['sleep', '0.2'], restart: { policy: 'never' } });
    world.declare('on-failure', { command: ['sleep', '0.2'], restart: { policy: 'on-failure' } });
    world.declare('job', {
      command: ['true'],
      state: 'manual',
      restart: { policy: 'never' },
      raw: { systemd: [['Service', 'Type', 'oneshot']] },
    });
    daemon = await world.daemon();
    await daemon.saw('"event":"applied"');
    await until(() => host.exists(MARKS));
    await calm();
    return async () => {
      await world[Symbol.asyncDispose]();
      await host[Symbol.asyncDispose]();
    };
  });

  const marks = () =>
    JSON.parse(host.read(MARKS)) as Readonly<Record<string, { hold?: { what: string; since: number; until: number } }>>;
  const holds = () => Object.entries(marks()).flatMap(([id, { hold }]) => (hold === undefined ? [] : [id]));
  /** Nothing is held, and nothing is to be done. */
  const calm = async () => {
    await until(() => holds().length === 0, 10);
    await until(async () => (await world.plan()).length === 0, 10);
  };
  const unit = async (name: string) => {
    const shown = (await show(host, [name])).get(name);
    if (shown === undefined) throw new Error(`no ${name}`);
    return shown;
  };
  /** Milliseconds since the epoch: when a unit last entered a state. */
  const entered = async (name: string, state: 'Active' | 'Inactive') => {
    const text = await host.systemctl(
      'show',
      name,
      `--property=${state}EnterTimestamp`,
      '--timestamp=us+utc',
      '--value',
    );
    const [, day, time, micro] = /(\d+-\d+-\d+) (\d+:\d+:\d+)\.(\d+)/.exec(text) ?? [];
    return Date.parse(`${day}T${time}Z`) + Number(micro) / 1000;
  };

  describe('is held', () => {
    const file = (name: string) => `${UNITS}/${name}.service`;
    const link = `${UNITS}/multi-user.target.wants/held.service`;

    it.each([
      ['stopped', 'held', 'systemctl stop held', 'systemctl start held'],
      ['stopped', 'java', 'systemctl stop java', 'systemctl start java'],
      ['stopped', 'slow', 'systemctl stop slow', 'systemctl start slow'],
      ['edited', 'held', `echo "# mine" >>${file('held')}`, `sed -i "/^# mine/d" ${file('held')}`],
      [
        'edited',
        'held',
        `cp ${file('held')} /root/; echo "[Service]" >${file('held')}; sed "s/1000/2000/" /root/held.service >${file('held')}; systemctl daemon-reload`,
        `cp /root/held.service ${file('held')}; systemctl daemon-reload`,
      ],
      [
        'edited',
        'set',
        `sed -i "s/A=b/A=c/" ${UNITS}/set-package.service.d/50-reconciled.conf`,
        `sed -i "s/A=c/A=b/" ${UNITS}/set-package.service.d/50-reconciled.conf`,
      ],
      ['removed', 'held', `mv ${file('held')} /root/`, `mv /root/held.service ${file('held')}`],
      ['disabled', 'held', 'systemctl disable held', 'systemctl enable held'],
      ['disabled', 'held', `mv ${link} /root/link`, `mv /root/link ${link}`],
      ['disabled', 'package', 'systemctl disable package', 'systemctl enable package'],
      ['masked', 'package', 'systemctl mask package', 'systemctl unmask package'],
      ['masked', 'package', 'systemctl mask --runtime package', 'systemctl unmask --runtime package'],
      ['stopped', 'package', 'systemctl mask --now package', 'systemctl unmask package; systemctl start package'],
    ])('%s: %s, and no more when that is undone', async (what, name, act, undo) => {
      const log = follow(daemon);
      const before = await unit(name === 'set' ? 'set-package' : name);
      await sh(host, act);
      const { msg } = await log.saw(byHand(`${name}: ${what}`, ', and Git has not changed, left so until '));
      const left = Date.parse(msg.slice(-24)) - Date.now();
      expect(left).toBeGreaterThan(HOUR - 60_000);
      expect(left).toBeLessThanOrEqual(HOUR);
      expect((await world.status(name)).note).toMatch(
        new RegExp(`^(.*; )?left as (somebody|root.*) made it until .*Z; to end that: reconcile release ${name}$`),
      );
      expect(await world.plan()).toEqual([`! ${name} drift`]);
      if (what !== 'stopped') expect((await unit(name === 'set' ? 'set-package' : name)).pid).toBe(before.pid);
      await sh(host, undo);
      await calm();
      expect((await world.status(name)).note).toBeNull();
      expect(besidesLevels(log).filter((event) => event !== 'drift')).toEqual([]);
    });

    it('no more when a person says so, or Git does', async () => {
      await host.systemctl('stop', 'held');
      await daemon.saw(byHand('held: stopped'));
      await until(() => holds().includes('held'));
      expect(await world.apply(3)).toMatch(/(somebody|root.*) stopped it, and Git has not changed: left so until/);
      expect(await world.apply(0, 'start', 'held')).toContain('held: started, pid');
      await calm();

      await host.systemctl('stop', 'held');
      await until(() => holds().includes('held'));
      world.declare('held', { ...SLEEP, description: 'Git speaks' });
      await until(async () => (await unit('held')).active === 'active');
      await calm();

      // What only takes effect at once is said by Git as well, for what somebody edited.
      await sh(host, `echo "# mine" >>${file('held')}`);
      await until(() => holds().includes('held'));
      world.declare('held', SLEEP);
      await until(() => !host.read(file('held')).includes('# mine'));
      await calm();
    });

    it('through a restart and a crash of the daemon, which touch no unit', async () => {
      await host.systemctl('stop', 'held');
      await until(() => holds().includes('held'));
      const { hold } = marks().held ?? {};
      const names = ['java', 'healed', 'told', 'package', 'needs-db'];
      const before = [await show(host, names), await unit('held'), host.read(file('java'))];
      for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
        await daemon.stop(signal);
        expect([await show(host, names), await unit('held'), host.read(file('java'))]).toEqual(before);
        daemon = await world.daemon();
        await daemon.saw(byHand('held: stopped', ', and Git has not changed, left so until '));
        expect(daemon.output()).not.toContain('step-started');
        expect(marks().held?.hold).toEqual(hold);
        expect([await show(host, names), await unit('held'), host.read(file('java'))]).toEqual(before);
      }

      // Its time is over: it is made as Git says.
      await daemon.stop();
      const all = {
        ...marks(),
        held: { ...marks().held, hold: { what: 'stopped', since: 0, until: Date.now() + 3000 } },
      };
      host.write(MARKS, `${JSON.stringify(all)}\n`, 0o600);
      daemon = await world.daemon();
      await daemon.saw(byHand('held: stopped'));
      expect(daemon.output()).not.toContain('step-started');
      await daemon.saw('held: start done');
      expect((await unit('held')).active).toBe('active');
      await calm();
    });
  });

  it.each([
    ['stop', 'healed', 'systemctl stop healed'],
    ['stop', 'healed-java', 'systemctl stop healed-java'],
    ['edit', 'healed', `echo "# mine" >>${UNITS}/healed.service`],
    ['removal', 'healed', `rm ${UNITS}/healed.service`],
    ['disabling', 'healed', 'systemctl disable healed'],
  ])('is healed where that is wanted: %s of %s', async (what, name, act) => {
    const log = follow(daemon);
    const path = `${UNITS}/${name}.service`;
    const [before, { pid }] = [host.read(path), await unit(name)];
    await sh(host, act);
    await log.saw('applied: 1 done');
    expect(host.read(path)).toBe(before);
    expect(await unit(name)).toMatchObject({ active: 'active', fileState: 'enabled' });
    if (what !== 'stop') expect((await unit(name)).pid).toBe(pid);
    expect(log.since().some(({ msg }) => NOBODY.test(msg))).toBe(false);
    await calm();
  });

  it('is told once where nothing else is wanted', async () => {
    const log = follow(daemon);
    await host.systemctl('stop', 'told');
    await log.saw(byHand('told: stopped', ', and Git has not changed'));
    expect(await world.apply()).toMatch(/(somebody|root.*) stopped it, and Git has not changed \(`drift: report`\)/);
    expect((await unit('told')).active).toBe('inactive');
    await host.systemctl('daemon-reload');
    await host.systemctl('start', 'told');
    await calm();
    expect(besidesLevels(log)).toEqual(['drift']);
  });

  describe('and what nobody did is not taken for that:', () => {
    it('a process that is killed', async () => {
      const log = follow(daemon);
      const { pid } = await unit('held');
      await host.systemctl('kill', '--signal=KILL', 'held');
      await until(async () => ![0, pid].includes((await unit('held')).pid));
      await calm();
      expect(log.since()).toEqual([]);
    });

    it('an end that its policy allows, and a job that was run', async () => {
      for (const name of ['never', 'on-failure']) {
        expect(await world.status(name)).toMatchObject({
          state: 'EXITED',
          note: expect.stringContaining('exit code 0'),
        });
      }
      const log = follow(daemon);
      await host.systemctl('start', 'never', 'on-failure', 'job');
      await until(async () => [...(await show(host, ['never', 'on-failure'])).values()].every(({ pid }) => pid === 0));
      await calm();
      expect(log.since()).toEqual([]);
    });

    it('a stop of what it needs or is part of, which is left until that runs again', async () => {
      const names = ['needs-db', 'part-of-db'];
      const pids = async () => [...(await show(host, names)).values()].map(({ pid }) => pid);
      const log = follow(daemon);
      await host.systemctl('stop', 'db');
      for (const name of names) {
        await log.saw(
          new RegExp(`${name}.*: left alone: stopped together with db.service, which it needs or is part of`),
        );
      }
      expect(await world.plan()).toEqual(names.map((name) => `! ${name} stopped-with`));
      expect((await unit('db')).active).toBe('inactive');
      expect(await pids()).toEqual([0, 0]);

      await host.systemctl('start', 'db');
      await until(async () => !(await pids()).includes(0));
      await calm();
      const restarts = follow(daemon);
      const before = await pids();
      await host.systemctl('restart', 'db');
      await until(async () => (await pids()).every((pid) => pid !== 0 && !before.includes(pid)));
      await calm();
      expect(besidesLevels(restarts)).toEqual([]);
      expect(log.since().some(({ event }) => event === 'drift')).toBe(false);
    });
  });

  it('is seen by signal, in a fraction of a second', async () => {
    const seen: number[] = [];
    const healed: number[] = [];
    for (let round = 0; round < 20; round += 1) {
      const log = follow(daemon);
      await host.systemctl('stop', 'held', 'healed');
      const { time } = await log.saw(byHand('held: stopped'));
      await log.saw('healed: start done');
      seen.push(Date.parse(time) - (await entered('held', 'Inactive')));
      healed.push((await entered('healed', 'Active')) - (await entered('healed', 'Inactive')));
      // systemd counts a person's starts as well.
      await host.systemctl('reset-failed', 'held');
      await host.systemctl('start', 'held');
      await until(() => holds().length === 0);
      // Twice is a duel; a person's word begins anew.
      await world.apply(0, 'start', 'healed');
    }
    console.log(`a stop by hand, 20 rounds: told after ${words(seen)}; healed after ${words(healed)}`);
    expect(median(seen)).toBeLessThan(2000);
    expect(median(healed)).toBeLessThan(2000);
    await calm();
  });

  it.each([
    [
      'edit',
      'held: edited',
      `echo "# mine" >>${UNITS}/held.service`,
      `${UNITS}/held.service`,
      `sed -i "/^# mine/d" ${UNITS}/held.service`,
    ],
    [
      'disabling',
      'held: disabled',
      'systemctl disable held',
      `${UNITS}/multi-user.target.wants`,
      'systemctl enable held',
    ],
    ['mask', 'package: masked', 'systemctl mask package', `${UNITS}/package.service`, 'systemctl unmask package'],
  ])('and so is a unit file that is changed: %s', async (what, told, act, changed, undo) => {
    const seen: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      const log = follow(daemon);
      await sh(host, act);
      const at = Number(await sh(host, `stat --format=%.3Y ${changed}`)) * 1000;
      const { time } = await log.saw(byHand(told));
      seen.push(Date.parse(time) - at);
      await sh(host, undo);
      await until(() => holds().length === 0);
    }
    console.log(`${what} by hand, 7 rounds: told after ${words(seen)}`);
    expect(median(seen)).toBeLessThan(2000);
    await calm();
  });

  it('while nothing happens, or to others alone, the daemon asks nobody anything', async () => {
    const { pid } = JSON.parse(host.read('/root/drift/run/lock')) as { pid: number };
    const names = (await sh(host, 'busctl list --no-legend')).split('\n').map((line) => line.split(/\s+/));
    const name = names.find(([, owner]) => owner === String(pid))?.[0];
    expect(name).toMatch(/^:1\./);
    await sh(host, 'systemd-run --unit=noise --service-type=exec sleep 1000');
    const monitor = host.spawn(['busctl', 'monitor', '--json=short', 'org.freedesktop.systemd1']);
    let heard = '';
    monitor.stdout.on('data', (chunk) => (heard += chunk));
    const messages = () => linesOf<BusMessage>(heard);
    const calls = () => messages().filter(({ type, sender }) => type === 'method_call' && sender === name);
    await once(monitor.stderr, 'data');
    await host.systemctl('restart', 'noise');
    await host.systemctl('stop', 'noise');
    await sleep(6000);
    expect(calls()).toEqual([]);
    // It would be heard.
    await host.systemctl('kill', '--signal=KILL', 'told');
    await host.systemctl('stop', 'told');
    await until(() => calls().length > 0);
    monitor.kill();
    await host.systemctl('start', 'told');
    await calm();
  });

  it("a shutdown of the host is nobody's doing, and it boots with all of it", async () => {
    await daemon.stop();
    // As a unit of its own, that is stopped after what it watches.
    const log = () => host.read('/root/daemon.log');
    const before = ['held', 'java', 'slow', 'healed', 'told'].map((name) => `${name}.service`).join(' ');
    const properties = [
      'StandardOutput=append:/root/daemon.log',
      'StandardError=append:/root/daemon.log',
      `Before=${before}`,
    ];
    const options = properties.map((property) => `--property=${property}`);
    await sh(host, 'systemd-run --quiet --unit=watcher "$@"', ...options, ...world.command('daemon'));
    await until(() => log().includes('"event":"ready"'));
    await calm();
    await host.powerOff();
    expect(log()).toContain('Daemon ended');
    expect(log()).not.toContain('step-started');
    expect(log()).not.toMatch(NOBODY);
    expect(holds()).toEqual([]);

    await host.boot();
    daemon = await world.daemon();
    await calm();
    expect(daemon.output()).not.toMatch(NOBODY);
    expect(daemon.output()).not.toContain('step-started');
    for (const name of ['held', 'java', 'healed', 'needs-db']) expect((await unit(name)).active).toBe('active');
  });
});

interface BusMessage {
  readonly type: string;
  readonly sender: string;
}
