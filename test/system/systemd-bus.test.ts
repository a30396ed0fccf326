import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { descendantsOf } from '../../src/host/procfs.ts';
import { Failure, type Problem } from '../../src/problem.ts';
import { connectManager, type Manager, type ManagerEvent } from '../../src/supervisors/systemd/manager.ts';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';

const MODULE = new URL('../../src/supervisors/systemd/manager.ts', import.meta.url);
const UNITS = '/etc/systemd/system';
const never = new AbortController().signal;

describeOnSystemd('systemd over D-Bus', () => {
  let host: SystemdHost;
  let manager: Manager;
  let events: ManagerEvent[];
  let watching: Disposable;

  beforeAll(async () => {
    host = await systemdHost();
    // The bus knows us by our user alone: what is here talks to what is in there.
    process.env.DBUS_SYSTEM_BUS_ADDRESS = `unix:path=/proc/${host.leader}/root/run/dbus/system_bus_socket`;
    manager = await connectManager('system');
  });
  afterAll(async () => {
    delete process.env.DBUS_SYSTEM_BUS_ADDRESS;
    await manager?.[Symbol.asyncDispose]();
    await host?.[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    events = [];
    watching = manager.watch((event) => events.push(event));
  });
  afterEach(() => watching[Symbol.dispose]());

  const write = (name: string, ...lines: readonly string[]) => host.write(`${UNITS}/${name}`, `${lines.join('\n')}\n`);
  const sleeper = (name: string) =>
    write(name, '[Service]', 'ExecStart=sleep 1000', '[Install]', 'WantedBy=multi-user.target');
  const kinds = () => events.map(({ kind }) => kind);

  /** Runs a script with `manager` inside the host; what it prints as JSON, or the problem that it ends with. */
  async function inside(script: string, user?: string, scope = 'system'): Promise<unknown> {
    const { stdout, stderr } = await host.exec(
      [
        process.execPath,
        '--input-type=module',
        '--eval',
        `import { connectManager } from '${MODULE}';
         const never = new AbortController().signal;
         const say = (value) => console.log(JSON.stringify(value));
         try {
           await using manager = await connectManager('${scope}');
           ${script}
         } catch (error) {
           say(error.problems?.[0] ?? String(error.stack));
         }`,
      ],
      user === undefined ? {} : { user },
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it('knows the version', async () => {
    expect((await host.systemctl('--version')).startsWith(`systemd ${manager.version} `)).toBe(true);
    expect(await manager.state()).toBe('running');
  });

  it('starts, lists, reads, restarts and stops a service', async () => {
    sleeper('web.service');
    expect(await manager.listUnits(['web.service'])).toEqual([]);
    expect(await manager.unit('web.service')).toMatchObject({
      load: 'loaded',
      active: 'inactive',
      sub: 'dead',
      fileState: 'disabled',
      activeSince: undefined,
    });
    const begin = Date.now();
    expect(await manager.start('web.service', never)).toBe('done');
    const [listed, ...others] = await manager.listUnits(['web.service', 'nothing*']);
    expect(others).toEqual([]);
    expect(listed).toEqual({
      name: 'web.service',
      description: 'web.service',
      load: 'loaded',
      active: 'active',
      sub: 'running',
      job: undefined,
    });
    const unit = await manager.unit('web.service');
    const pid = unit.service?.mainPid as number;
    expect(host.read(`/proc/${pid}/comm`)).toBe('sleep\n');
    expect(unit).toMatchObject({
      id: 'web.service',
      names: ['web.service'],
      fragment: `${UNITS}/web.service`,
      dropIns: [],
      transient: false,
      needsReload: false,
      service: {
        type: 'simple',
        restart: 'no',
        restarts: 0,
        result: 'success',
        controlGroup: '/system.slice/web.service',
      },
    });
    expect(unit.activeSince).toBeGreaterThan(begin - 1000);
    expect(unit.activeSince).toBeLessThan(Date.now() + 1000);
    expect(await manager.restart('web.service', never)).toBe('done');
    expect(await manager.property('web.service', 'MainPID')).not.toBe(pid);
    expect(await manager.stop('web.service', never)).toBe('done');
    expect((await manager.unit('web.service')).active).toBe('inactive');
  });

  it('tells how a job ended', async () => {
    write('exec.service', '[Service]', 'Type=exec', 'ExecStart=/no/such/program');
    write('simple.service', '[Service]', 'Type=simple', 'ExecStart=/no/such/program');
    write('false.service', '[Service]', 'Type=oneshot', 'ExecStart=false');
    write('silent.service', '[Service]', 'Type=notify', 'ExecStart=sleep 1000', 'TimeoutStartSec=1s');
    write('late.service', '[Unit]', 'JobTimeoutSec=1s', '[Service]', 'Type=notify', 'ExecStart=sleep 1000');
    write(
      'needs.service',
      ...['[Unit]', 'Requires=false.service', 'After=false.service', '[Service]', 'ExecStart=sleep 1000'],
    );
    write('unmet.service', '[Unit]', 'ConditionPathExists=/no/such/file', '[Service]', 'ExecStart=sleep 1000');
    // Forgotten at once, where nothing else holds it.
    write('holder.service', '[Unit]', 'Before=unmet.service', '[Service]', 'ExecStart=sleep 1000');
    await manager.start('holder.service', never);
    write('slow.service', '[Service]', 'Type=oneshot', 'ExecStart=sleep 3');
    const names = ['exec', 'simple', 'false', 'silent', 'late', 'needs', 'unmet'];
    const ends = await Promise.all(names.map((name) => manager.start(`${name}.service`, never)));
    expect(Object.fromEntries(names.map((name, at) => [name, ends[at]]))).toEqual({
      exec: 'failed',
      simple: 'done',
      false: 'failed',
      silent: 'failed',
      late: 'timeout',
      needs: 'dependency',
      unmet: 'done',
    });
    // What a start that is done does not say.
    await until(async () => (await manager.unit('simple.service')).active === 'failed');
    for (const name of ['exec', 'simple']) {
      expect((await manager.unit(`${name}.service`)).service).toMatchObject({
        result: 'exit-code',
        exit: { kind: 'code', code: 203 },
      });
    }
    expect((await manager.unit('silent.service')).service?.result).toBe('timeout');
    expect(await manager.unit('unmet.service')).toMatchObject({ active: 'inactive', conditionsMet: false });
    await manager.resetFailed('exec.service');
    expect((await manager.unit('exec.service')).active).toBe('inactive');

    const start = manager.start('slow.service', never);
    await until(async () => (await manager.property('slow.service', 'ActiveState')) === 'activating');
    expect((await manager.listUnits(['slow.service']))[0]?.job).toBe('start');
    await host.systemctl('stop', 'slow.service');
    expect(await start).toBe('canceled');
  });

  it('says why something is refused', async () => {
    write('empty.service', '[Service]', 'Restart=always');
    write('broken.service', '[Service', 'ExecStart=sleep 1000');
    sleeper('web.service');
    await host.systemctl('mask', 'systemd-timesyncd.service');
    await manager.start('web.service', never);
    const problems = await Promise.all(
      [
        manager.start('nothing.service', never),
        manager.start('empty.service', never),
        manager.start('broken.service', never),
        manager.start('systemd-timesyncd.service', never),
        manager.reloadUnit('web.service', never),
        manager.stop('nothing.service', never),
        manager.start('not a name', never),
        manager.enable(['nothing.service']),
        manager.mask(['web.service']),
        manager.unit('template@.service'),
        manager.property('tmp.mount', 'MainPID'),
        manager.resetFailed('nothing.service'),
      ].map(async (call) => {
        const { code, summary } = await problemOf(call);
        return `${code}: ${summary}`;
      }),
    );
    expect(problems).toEqual([
      'no-such-unit: cannot start nothing.service: unit nothing.service not found',
      'unit-not-loadable: cannot start empty.service: unit empty.service has a bad unit file setting',
      expect.stringMatching(/^unit-not-loadable: cannot start broken.service: unit broken.service /),
      'unit-masked: cannot start systemd-timesyncd.service: unit systemd-timesyncd.service is masked',
      'job-not-applicable: cannot reload web.service: job type reload is not applicable for unit web.service',
      'no-such-unit: cannot stop nothing.service: unit nothing.service not loaded',
      'systemd-refused: cannot start not a name: unit name not a name is not valid',
      'no-such-unit: cannot enable nothing.service: unit file nothing.service does not exist',
      'file-in-the-way: cannot mask web.service: file /etc/systemd/system/web.service already exists',
      expect.stringMatching(/^systemd-refused: cannot read template@.service: unit name template@.service is neither/),
      expect.stringMatching(/^systemd-refused: cannot read MainPID of tmp.mount: /),
      'no-such-unit: cannot reset nothing.service: unit nothing.service not loaded',
    ]);
    await host.systemctl('unmask', 'systemd-timesyncd.service');
  });

  it('tells apart what there is of units', async () => {
    write('copy@.service', '[Service]', 'ExecStart=sleep %i', '[Install]', 'WantedBy=multi-user.target');
    write('real.service', '[Service]', 'ExecStart=sleep 1000', '[Install]', 'Alias=other.service');
    await manager.enable(['real.service', 'copy@1001.service']);
    write('real.service.d/50-mine.conf', '[Service]', 'Environment=A=B');
    await manager.mask(['systemd-timesyncd.service'], { runtime: true });
    await manager.reload();
    const odd = 'copy@1\\x2d2-3.service';
    for (const name of ['real.service', 'copy@1001.service', odd]) await manager.start(name, never);
    await host.exec(['systemd-run', '--unit=passing.service', 'sleep', '1000']);

    expect(await manager.unit('other.service')).toMatchObject({
      id: 'real.service',
      names: expect.arrayContaining(['real.service', 'other.service']),
      fileState: 'enabled',
      dropIns: [`${UNITS}/real.service.d/50-mine.conf`],
    });
    expect(await manager.unit('copy@1001.service')).toMatchObject({
      id: 'copy@1001.service',
      fragment: `${UNITS}/copy@.service`,
      fileState: 'enabled',
      active: 'active',
    });
    expect(await manager.unit('passing.service')).toMatchObject({ transient: true, fileState: 'transient' });
    expect(await manager.unit('systemd-timesyncd.service')).toMatchObject({
      load: 'masked',
      loadError: 'Unit systemd-timesyncd.service is masked.',
      fileState: 'masked-runtime',
    });
    expect(await manager.unit('nothing.service')).toMatchObject({
      load: 'not-found',
      fileState: '',
      fragment: undefined,
    });
    expect(await manager.unit('tmp.mount')).toMatchObject({ active: 'active', service: undefined });
    expect((await manager.listUnits([odd])).map(({ name }) => name)).toEqual([odd]);
    // Names proper only.
    expect(await manager.listUnits(['other.service'])).toEqual([]);
    await manager.unmask(['systemd-timesyncd.service'], { runtime: true });
  });

  it('enables, disables, masks and unmasks, and says which links that took', async () => {
    sleeper('web.service');
    const link = `${UNITS}/multi-user.target.wants/web.service`;
    expect(await manager.enable(['web.service'])).toEqual({
      installable: true,
      changes: [{ kind: 'symlink', path: link, target: `${UNITS}/web.service` }],
    });
    expect(await manager.enable(['web.service'])).toEqual({ installable: true, changes: [] });
    expect(await manager.disable(['web.service'])).toEqual([{ kind: 'unlink', path: link, target: '' }]);
    expect(await manager.enable(['web.service'], { runtime: true })).toMatchObject({
      changes: [{ path: '/run/systemd/system/multi-user.target.wants/web.service' }],
    });
    expect(await manager.disable(['web.service'], { runtime: true })).toHaveLength(1);
    write('fixed.service', '[Service]', 'ExecStart=sleep 1000');
    expect(await manager.enable(['fixed.service'])).toEqual({ installable: false, changes: [] });
    const mask = { path: `${UNITS}/systemd-timesyncd.service` };
    expect(await manager.mask(['systemd-timesyncd.service'])).toEqual([
      { ...mask, kind: 'symlink', target: '/dev/null' },
    ]);
    expect(await manager.unmask(['systemd-timesyncd.service'])).toEqual([{ ...mask, kind: 'unlink', target: '' }]);
  });

  it('hears at once of what happens to a unit', async () => {
    sleeper('web.service');
    await manager.reload();
    const latencies: number[] = [];
    for (let time = 0; time < 20; time++) {
      await manager.start('web.service', never);
      const pid = await manager.property('web.service', 'MainPID');
      events.length = 0;
      const failed = Promise.withResolvers<number>();
      using _ = manager.watch((event) => {
        if (event.kind === 'unit-changed' && event.unit === 'web.service' && event.active === 'failed')
          failed.resolve(performance.now());
      });
      const outer = outerPid(host.leader, pid);
      const begin = performance.now();
      process.kill(outer, 'SIGKILL');
      latencies.push((await failed.promise) - begin);
      await manager.resetFailed('web.service');
    }
    const p50 = latencies.toSorted((a, b) => a - b)[10] as number;
    console.log(
      `killed -> told: ${p50.toFixed(1)} ms (p50 of ${latencies.length}), ${Math.max(...latencies).toFixed(1)} at most`,
    );
    expect(p50).toBeLessThan(200);

    events.length = 0;
    await host.systemctl('enable', '--no-reload', 'web.service');
    await until(() => kinds().includes('unit-files-changed'));
    await manager.start('web.service', never);
    await host.systemctl('stop', 'web.service');
    await until(() =>
      events.some((e) => e.kind === 'unit-changed' && e.unit === 'web.service' && e.active === 'inactive'),
    );
  });

  it('comes to rest when it reads what it is told of', async () => {
    write('idle.service', '[Unit]', 'Requires=web.service', '[Service]', 'ExecStart=sleep 1000');
    sleeper('web.service');
    await manager.reload();
    await manager.start('web.service', never);
    const read = () => Promise.all([manager.unit('idle.service'), manager.unit('web.service')]);
    await read();
    await sleep(300);
    events.length = 0;
    for (let time = 0; time < 5; time++) await read();
    await sleep(300);
    expect(events).toEqual([]);
  });

  it('answers a thousand questions asked at once', async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `copy@${10_000 + at}.service`);
    const begin = performance.now();
    const pids = await Promise.all(names.map((name) => manager.property(name, 'MainPID')));
    const middle = performance.now();
    const units = await Promise.all(names.slice(0, 100).map((name) => manager.unit(name)));
    const end = performance.now();
    console.log(
      `1,000 properties ${Math.round(middle - begin)} ms, 100 units whole ${Math.round(end - middle)} ms, none of them in use`,
    );
    expect(new Set(pids)).toEqual(new Set([0]));
    expect(units.map(({ id }) => id)).toEqual(names.slice(0, 100));
    write('once@.service', '[Service]', 'Type=oneshot', 'ExecStart=true');
    const ends = Array.from({ length: 100 }, (_, at) => manager.start(`once@${at}.service`, never));
    expect(new Set(await Promise.all(ends))).toEqual(new Set(['done']));
  });

  it('reloads, and tells nothing of units meanwhile', async () => {
    sleeper('web.service');
    await manager.reload();
    await manager.start('web.service', never);
    write('web.service', '[Unit]', 'Description=Changed', '[Service]', 'ExecStart=sleep 1000');
    await sleep(1100);
    events.length = 0;
    await manager.reload();
    expect((await manager.listUnits(['web.service']))[0]?.description).toBe('Changed');
    expect(kinds().slice(0, 2)).toEqual(['reloading', 'reloaded']);
  });

  it('goes on through a daemon-reexec, with the job that it waits for', async () => {
    const start = manager.start('slow.service', never);
    await until(async () => (await manager.property('slow.service', 'ActiveState')) === 'activating');
    events.length = 0;
    const states: Promise<string>[] = [];
    const reexec = host.systemctl('daemon-reexec');
    for (let time = 0; time < 30; time++) {
      states.push(manager.state());
      await sleep(20);
    }
    await reexec;
    expect(new Set(await Promise.all(states))).toEqual(new Set([await manager.state()]));
    expect(kinds()).toEqual(expect.arrayContaining(['reloading', 'lost', 'back']));
    expect(await start).toBe('done');
    await host.systemctl('stop', 'web.service');
    await until(() => events.some((event) => event.kind === 'unit-changed' && event.unit === 'web.service'));
  });

  it('goes on through a restart of the bus, with the job that it waits for', async () => {
    const start = manager.start('slow.service', never);
    await until(async () => (await manager.property('slow.service', 'ActiveState')) === 'activating');
    events.length = 0;
    const begin = performance.now();
    const back = Promise.withResolvers<number>();
    using _ = manager.watch((event) => event.kind === 'back' && back.resolve(performance.now() - begin));
    const states: Promise<string>[] = [];
    const restart = host.systemctl('restart', 'dbus.service');
    for (let time = 0; time < 30; time++) {
      states.push(manager.state());
      await sleep(20);
    }
    await restart;
    expect(new Set(await Promise.all(states))).toEqual(new Set([await manager.state()]));
    console.log(`the bus restarted -> heard again: ${Math.round(await back.promise)} ms`);
    expect(kinds()).toEqual(expect.arrayContaining(['lost', 'back']));
    expect(await start).toBe('done');
    await manager.start('web.service', never);
    await until(() => events.some((event) => event.kind === 'unit-changed' && event.unit === 'web.service'));
  });

  it('does not wait for a job that ended while the bus was gone', async () => {
    write('gated.service', '[Service]', 'Type=oneshot', 'ExecStart=sh -c "until [ -e /run/gate ]; do sleep 0.1; done"');
    const start = manager.start('gated.service', never);
    await until(async () => (await manager.property('gated.service', 'ActiveState')) === 'activating');
    events.length = 0;
    await host.exec(['systemctl', 'stop', 'dbus.socket', 'dbus.service']);
    await until(() => kinds().includes('lost'));
    host.write('/run/gate', '');
    await until(async () => (await host.exec(['systemctl', 'is-active', 'gated.service'])).stdout === 'inactive\n');
    await host.systemctl('start', 'dbus.socket', 'dbus.service');
    expect(await start).toBe('unseen');
  });

  it('stops waiting when it is told to, and leaves the job', async () => {
    const abort = new AbortController();
    const start = manager.start('slow.service', abort.signal);
    await until(async () => (await manager.property('slow.service', 'ActiveState')) === 'activating');
    abort.abort();
    expect(await start).toBe('interrupted');
    expect((await manager.listUnits(['slow.service']))[0]).toMatchObject({ active: 'activating', job: 'start' });
  });

  it('may read, but change nothing, as a user', async () => {
    await host.userManager('trader');
    expect(await inside(`say(await manager.property('web.service', 'ActiveState'));`, 'trader')).toBe('active');
    for (const call of [
      `restart('web.service', never)`,
      'reload()',
      `enable(['web.service'])`,
      `resetFailed('web.service')`,
    ]) {
      expect(await inside(`say(await manager.${call});`, 'trader')).toMatchObject({
        code: 'not-permitted',
        summary: expect.stringMatching(/: only root, or whom polkit lets, may do that$/),
      });
    }
  });

  it("serves a user's own systemd", async () => {
    host.write('/home/trader/.config/systemd/user/mine.service', '[Service]\nExecStart=sleep 1000\n');
    const script = `await manager.reload();
      const end = await manager.start('mine.service', never);
      const { active, fragment } = await manager.unit('mine.service');
      say({ end, active, fragment, enabled: await manager.enable(['mine.service']) });`;
    expect(await inside(script, 'trader', 'user')).toEqual({
      end: 'done',
      active: 'active',
      fragment: '/home/trader/.config/systemd/user/mine.service',
      enabled: { installable: false, changes: [] },
    });
    await host.exec(['useradd', 'outsider']);
    expect(await inside('', 'outsider', 'user')).toMatchObject({
      code: 'no-bus',
      summary: expect.stringMatching(
        /^cannot reach systemd: there is no bus at \/run\/user\/\d+\/bus \(no such file or directory\)$/,
      ),
    });
  });

  it('says where there is no bus', async () => {
    await host.systemctl('stop', 'dbus.socket', 'dbus.service');
    expect(await inside('say(await manager.state());')).toEqual({
      code: 'no-bus',
      summary: expect.stringMatching(/^cannot reach systemd: there is no bus at \/run\/dbus\/system_bus_socket/),
      hint: 'install and start D-Bus (`apt-get install dbus`, `systemctl start dbus.socket`)',
    });
    await host.systemctl('start', 'dbus.socket', 'dbus.service');
    await until(() => kinds().includes('back'));
  });

  it('hears that the host is about to shut down before its services stop', async () => {
    events.length = 0;
    await host.powerOff();
    await until(() => kinds().includes('lost'));
    const stopped = events.findIndex(
      (event) => event.kind === 'unit-changed' && event.unit === 'web.service' && event.active !== 'active',
    );
    expect(kinds()).toContain('shutdown');
    expect(stopped === -1 || kinds().indexOf('shutdown') < stopped).toBe(true);
    expect((await problemOf(manager.state())).code).toMatch(/^(bus-lost|systemd-gone)$/);
  });
});

/** A process of a host, as a pid out here. */
function outerPid(leader: number, pid: number): number {
  const found = descendantsOf(leader).find((one) =>
    readFileSync(`/proc/${one.pid}/status`, 'utf8').match(new RegExp(`^NSpid:.*\\t${pid}$`, 'm')),
  );
  if (found === undefined) throw new Error(`no process of the host is ${pid}`);
  return found.pid;
}

/** What a call is refused with. */
async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (!(error instanceof Failure)) throw new Error(`no failure: ${JSON.stringify(error)}`);
  return error.problems[0] as Problem;
}
