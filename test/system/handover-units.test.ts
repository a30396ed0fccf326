import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Problem } from '../../src/problem.ts';
import type { ProcessMark, Taken, There, ThingState } from '../../src/thing.ts';
import { until } from '../rig/host.ts';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { type SystemdHost, systemdHost } from '../rig/systemd/host.ts';
import { sh, show } from '../rig/systemd/units.ts';
import { Fleet } from './states/fleet.ts';

const MODULES = new URL('../../src/supervisors/systemd/', import.meta.url);
const UNITS = '/etc/systemd/system';
const VENDOR = '/usr/lib/systemd/system';
const MARK = '50-reconciled-superseded.conf';
/** A program with a child that has a session of its own. */
const TREE = '/usr/local/bin/tree';
const TREE_TEXT = '#!/bin/sh\nsetsid sh -c "sleep 1001; true" &\nexec sleep 1000\n';

const taken: Taken = { owner: 'default', by: 'new', enabled: true, ran: true };

interface Done {
  readonly kind: 'done' | 'failed';
  readonly problem?: Problem;
}

interface Ended {
  readonly kind: 'gone' | 'failed';
  readonly problem?: Problem;
  /** ms from the call to when the last process was found gone. */
  readonly after?: number;
  readonly took: number;
  readonly killed?: readonly ProcessMark[];
}

describeOnSystemd('units and timers that a service takes the place of', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await systemdHost();
    host.write(TREE, TREE_TEXT, 0o755);
  });
  afterAll(() => host?.[Symbol.asyncDispose]());

  const install = (unit: string, service: readonly string[], folder = UNITS, more: readonly string[] = []) =>
    host.write(
      `${folder}/${unit}.service`,
      `${['[Service]', ...service, '[Install]', 'WantedBy=multi-user.target', ...more].join('\n')}\n`,
    );
  const up = async (...units: readonly string[]) => {
    await host.systemctl('daemon-reload');
    await host.systemctl('enable', '--now', '--', ...units);
  };
  const unit = (name: string) => ({ kind: 'unit', unit: `${name}.service` }) as const;
  const timer = (name: string) => ({ kind: 'timer', timer: `${name}.timer` }) as const;

  /** Runs a script with `taker` inside the host; what it gives, or an error with what it complains of. */
  async function inside<T>(script: string, owner = 'default', user?: string): Promise<T> {
    const { stdout, stderr } = await host.exec(
      [
        process.execPath,
        '--input-type=module',
        '--eval',
        `import { connectManager } from '${MODULES}manager.ts';
         import { unitDirOf } from '${MODULES}disk.ts';
         import { createUnitTaker } from '${MODULES}taker.ts';
         const scope = '${user === undefined ? 'system' : 'user'}';
         await using manager = await connectManager(scope);
         const observer = { manager, scope, owner: '${owner}', unitDir: unitDirOf(scope) };
         const taker = createUnitTaker(async () => observer);
         const signal = new AbortController().signal;
         const value = await (async () => { ${script} })();
         console.log(JSON.stringify(value ?? null));`,
      ],
      user === undefined ? {} : { user },
    );
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as T;
  }
  type Thing = ReturnType<typeof unit> | ReturnType<typeof timer>;
  const json = JSON.stringify;
  const look = (...things: readonly Thing[]) =>
    inside<readonly ThingState[]>(`return taker.look(${json(things)}, signal)`);
  const there = async (thing: Thing): Promise<There> => {
    const [state] = await look(thing);
    if (state?.kind !== 'there') throw new Error(json(state));
    return state;
  };
  const call = (act: 'block' | 'disable', thing: Thing, mark: Taken = taken) =>
    inside<Done>(`return taker.${act}(${json(thing)}, ${json(mark)}, signal)`);
  const unblock = (thing: Thing) => inside<Done>(`return taker.unblock(${json(thing)}, signal)`);
  const restore = (thing: Thing, start: boolean, was: Taken = taken) =>
    inside<Done>(`return taker.restore(${json(thing)}, ${json(was)}, ${start}, signal)`);
  const stop = (thing: Thing, timeout = 10_000) =>
    inside<Ended>(
      `const begun = performance.now();
       const ending = await taker.stop(${json(thing)}, ${timeout}, signal);
       const { at } = ending;
       return { ...ending, after: at === undefined ? undefined : at - begun, took: performance.now() - begun };`,
    );
  const all = () => inside<readonly { thing: Thing; taken: Taken }[]>(`return taker.taken('default', signal)`);
  const isEnabled = async (name: string) => (await host.exec(['systemctl', 'is-enabled', name])).stdout.trim();
  const active = async (name: string) => (await show(host, [name])).get(name)?.active;
  const alive = (pids: readonly ProcessMark[]) => pids.filter(({ pid }) => host.exists(`/proc/${pid}`));
  const reboot = async () => {
    await host.crash();
    await host.boot();
  };
  /** All that is on disk of units of this name, and the links to it with what they point to. */
  const files = (name: string) =>
    sh(
      host,
      `find ${UNITS} ${VENDOR} /run/systemd/system -path '*${name}*' -printf '%p %y %l %m\\n' | sort
       find ${UNITS} ${VENDOR} -name '${name}.*' -type f | sort | xargs sha256sum`,
    );
  const done = { kind: 'done' };

  it('a blocked unit goes on running, can not be started again, and is as before after a boot', async () => {
    install('web', [`ExecStart=${TREE}`, 'Restart=always', 'RestartSec=0']);
    await up('web');
    const before = await files('web');
    const first = await there(unit('web'));
    expect(first).toMatchObject({ kind: 'there', enabled: true, where: `${UNITS}/web.service` });
    await until(async () => (await there(unit('web'))).processes.length === 3);
    const { processes } = await there(unit('web'));
    expect(processes[0]?.pid).toBe((await show(host, ['web'])).get('web')?.pid);
    expect(await call('block', unit('web'))).toEqual(done);
    expect(await there(unit('web'))).toEqual({ ...first, processes, blocked: 'until-boot', taken });
    expect(await call('block', unit('web'))).toEqual(done);
    expect(await all()).toEqual([{ thing: unit('web'), taken }]);
    expect(alive(processes)).toEqual(processes);

    const ended = await stop(unit('web'));
    expect(ended).toMatchObject({ kind: 'gone' });
    expect(ended.killed).toBeUndefined();
    expect(ended.after).toBeLessThan(1000);
    expect(alive(processes)).toEqual([]);
    expect(await stop(unit('web'))).toEqual({ kind: 'gone', took: expect.any(Number) });
    await host.systemctl('start', 'web');
    expect(await active('web')).toBe('inactive');

    await reboot();
    expect(await active('web')).toBe('active');
    expect(await files('web')).toBe(before);
    expect(await all()).toEqual([]);
  });

  it('a unit that is disabled keeps its file and stays off after a boot; it is given back byte for byte', async () => {
    const link = `${UNITS}/graphical.target.wants/old.service`;
    install('old', [`ExecStart=${TREE}`, 'Restart=always']);
    await up('old');
    // Somebody's own, that no [Install] knows of.
    await sh(host, `mkdir -p ${UNITS}/graphical.target.wants; ln -s ../old.service ${link}; systemctl daemon-reload`);
    const before = await files('old');
    expect(await call('block', unit('old'))).toEqual(done);
    expect(await stop(unit('old'))).toMatchObject({ kind: 'gone' });
    expect(await call('disable', unit('old'))).toEqual(done);
    const state = await there(unit('old'));
    expect(state).toEqual({
      kind: 'there',
      processes: [],
      enabled: false,
      blocked: 'for-good',
      taken,
      where: `${UNITS}/old.service`,
    });
    expect(await isEnabled('old')).toBe('disabled');
    expect(host.exists(`/run/systemd/system/old.service.d/${MARK}`)).toBe(false);
    expect(await call('disable', unit('old'))).toEqual(done);
    expect(await call('block', unit('old'))).toEqual(done);
    expect(await there(unit('old'))).toEqual(state);

    await reboot();
    expect(await active('old')).toBe('inactive');
    await host.systemctl('start', 'old');
    expect(await active('old')).toBe('inactive');
    expect(await all()).toEqual([{ thing: unit('old'), taken }]);
    expect(await restore(unit('old'), true)).toEqual(done);
    expect(await active('old')).toBe('active');
    expect(await files('old')).toBe(before);
    expect(await restore(unit('old'), true)).toEqual(done);
    expect(await files('old')).toBe(before);
    await reboot();
    expect(await active('old')).toBe('active');
  });

  it('one of a package is taken as well, with its other names', async () => {
    install('shipped', ['ExecStart=sleep 1000'], VENDOR, ['Alias=other-name.service']);
    await up('shipped');
    const names = () => sh(host, `find ${UNITS} -lname '*shipped*' -printf '%p -> %l\\n' | sort`);
    const before = [await files('shipped'), await names()];
    const [alias] = await look(unit('other-name'));
    expect(alias).toMatchObject({ kind: 'unreadable', problem: { code: 'alias' } });
    expect(await call('block', unit('other-name'))).toMatchObject({
      kind: 'failed',
      problem: {
        summary: 'cannot take over other-name.service: it is another name of shipped.service',
        hint: 'write `{ unit: shipped.service }`',
      },
    });
    expect(await call('block', unit('shipped'))).toEqual(done);
    expect(await stop(unit('shipped'))).toMatchObject({ kind: 'gone' });
    expect(await call('disable', unit('shipped'))).toEqual(done);
    expect(await isEnabled('shipped')).toBe('disabled');
    expect(await names()).toBe('');
    expect(await unblock(unit('shipped'))).toEqual(done);
    expect(await unblock(unit('shipped'))).toEqual(done);
    const state = await there(unit('shipped'));
    expect(state).toMatchObject({ enabled: false, processes: [] });
    expect(state.blocked).toBeUndefined();
    expect(await restore(unit('shipped'), false)).toEqual(done);
    expect([await files('shipped'), await names()]).toEqual(before);
    expect(await active('shipped')).toBe('inactive');
  });

  it('what ignores SIGTERM is killed in its time, and what has left its control group ends too', async () => {
    install('deaf', ['ExecStart=sh -c "trap : TERM; while :; do sleep 0.1; done"', 'TimeoutStopSec=90']);
    install('leaver', [
      'ExecStart=sh -c "systemd-run --scope --unit=elsewhere sleep 1003 & exec sleep 1004"',
      'ExecStopPost=sleep 1',
    ]);
    await up('deaf', 'leaver');
    const away = async () => Number(await sh(host, 'pgrep -f "/sleep 1003$" || true'));
    await until(async () => (await away()) > 0);
    const deaf = await there(unit('deaf'));
    const ended = await stop(unit('deaf'), 300);
    expect(ended).toMatchObject({ kind: 'gone', killed: expect.arrayContaining([deaf.processes[0]]) });
    expect(ended.took).toBeLessThan(5000);
    expect(await active('deaf')).toBe('inactive');

    expect(await stop(unit('leaver'))).toMatchObject({ kind: 'gone' });
    expect(await away()).toBe(0);
  });

  it('what systemd runs after a stop does not count as a process of it', async () => {
    install('tidy', ['ExecStart=sleep 1005', 'ExecStopPost=sleep 1']);
    await up('tidy');
    const { after = Number.NaN, took } = await stop(unit('tidy'));
    expect(after).toBeLessThan(700);
    expect(took).toBeGreaterThan(1000);
    expect(await active('tidy')).toBe('inactive');
  });

  it('what its own unit leaves alive ends too, and nothing else does', async () => {
    install('lax', ['ExecStart=sh -c "sleep 1006 & exec sleep 1007"', 'KillMode=process']);
    install('innocent', ['ExecStart=sleep 1006']);
    await up('lax', 'innocent');
    const innocent = await there(unit('innocent'));
    await until(async () => (await there(unit('lax'))).processes.length === 2);
    const { processes } = await there(unit('lax'));
    expect(await stop(unit('lax'))).toMatchObject({ kind: 'gone' });
    expect(alive(processes)).toEqual([]);
    expect(await there(unit('innocent'))).toEqual(innocent);
  });

  it('a timer that restarts a unit is taken off its schedule, and put back on', async () => {
    const run = '/run/ticks';
    install('ticker', [`ExecStart=sh -c "echo x >> ${run}"`, 'Type=oneshot']);
    host.write(
      `${UNITS}/ticker.timer`,
      '[Timer]\nOnActiveSec=0\nOnUnitActiveSec=50ms\nAccuracySec=1ms\n[Install]\nWantedBy=timers.target\n',
    );
    await host.systemctl('daemon-reload');
    await host.systemctl('enable', '--now', 'ticker.timer');
    const before = await files('ticker');
    const first = await there(timer('ticker'));
    expect(first).toEqual({ kind: 'there', processes: [], enabled: true, where: `${UNITS}/ticker.timer` });
    const was = { ...taken, ran: false };
    expect(await call('block', timer('ticker'), was)).toEqual(done);
    expect(await active('ticker.timer')).toBe('inactive');
    await host.systemctl('start', 'ticker.timer');
    expect(await active('ticker.timer')).toBe('inactive');
    expect(await stop(timer('ticker'))).toEqual({ kind: 'gone', took: expect.any(Number) });
    expect(await call('disable', timer('ticker'), was)).toEqual(done);
    expect(await there(timer('ticker'))).toMatchObject({ enabled: false, blocked: 'for-good', taken: was });
    await reboot();
    expect(await active('ticker.timer')).toBe('inactive');
    expect(host.exists(run)).toBe(false);
    expect(await restore(timer('ticker'), false, was)).toEqual(done);
    expect(await active('ticker.timer')).toBe('active');
    await until(() => host.exists(run));
    expect(await files('ticker')).toBe(before);
    await host.systemctl('disable', '--now', 'ticker.timer');
  });

  it('what is not there, and what another owner has taken, is said so', async () => {
    expect(await look(unit('nothing'), unit('many@'))).toMatchObject([
      { kind: 'absent' },
      { kind: 'unreadable', problem: { code: 'template' } },
    ]);
    expect(await call('block', unit('nothing'))).toMatchObject({ problem: { code: 'no-such-unit' } });
    expect(await stop(unit('nothing'))).toMatchObject({ kind: 'gone' });
    install('wanted', ['ExecStart=sleep 1000']);
    await up('wanted');
    const theirs = { ...taken, owner: 'theirs' };
    const script = `return taker.block(${json(unit('wanted'))}, ${json(theirs)}, signal)`;
    expect(await inside<Done>(script, 'theirs')).toEqual(done);
    const state = await there(unit('wanted'));
    expect(state).toMatchObject({ taken: theirs });
    expect(state.blocked).toBeUndefined();
    expect(await call('block', unit('wanted'))).toMatchObject({ problem: { code: 'taken-by-other' } });
    expect(await restore(unit('wanted'), false)).toMatchObject({ problem: { code: 'taken-by-other' } });
    expect(await all()).toEqual([]);
  });

  it('a drop-in that takes the condition back is no block', async () => {
    install('reset', ['ExecStart=sleep 1000']);
    host.write(`${UNITS}/reset.service.d/90-more.conf`, '[Unit]\nConditionPathExists=\n');
    await up('reset');
    expect(await call('block', unit('reset'))).toMatchObject({ kind: 'failed', problem: { code: 'block-undone' } });
  });

  it('what ended after it wrote and before systemd read is finished by the next call', async () => {
    install('half', ['ExecStart=sleep 1000']);
    await up('half');
    expect(await call('block', unit('half'))).toEqual(done);
    // As if systemd had not read it.
    const drop = `/run/systemd/system/half.service.d/${MARK}`;
    const text = host.read(drop);
    await sh(host, `rm ${drop}; systemctl daemon-reload`);
    host.write(drop, text);
    expect(await call('block', unit('half'))).toEqual(done);
    expect(await stop(unit('half'))).toMatchObject({ kind: 'gone' });
    await host.systemctl('start', 'half');
    expect(await active('half')).toBe('inactive');
    // And the other way round.
    await sh(host, `rm ${drop}`);
    expect(await restore(unit('half'), true)).toEqual(done);
    expect(await active('half')).toBe('active');
  });

  it('units of a user are taken by that user', async () => {
    const uid = await host.userManager('worker');
    const folder = '/home/worker/.config/systemd/user';
    const [link, drop] = [`${folder}/default.target.wants/mine.service`, `mine.service.d/${MARK}`];
    host.write(
      `${folder}/mine.service`,
      '[Service]\nExecStart=sh -c "sleep 1009 & exec sleep 1010"\nExecStopPost=sleep 1\n[Install]\nWantedBy=default.target\n',
    );
    const bus = { env: { XDG_RUNTIME_DIR: `/run/user/${uid}` }, user: 'worker' };
    const systemctl = (...args: readonly string[]) => host.exec(['systemctl', '--user', ...args], bus);
    await systemctl('daemon-reload');
    await systemctl('enable', '--now', 'mine');
    const thing = json(unit('mine'));
    const as = <T>(script: string) => inside<T>(script, 'default', 'worker');
    expect(await as(`return taker.block(${thing}, ${json(taken)}, signal)`)).toEqual(done);
    expect(host.exists(`/run/user/${uid}/systemd/user/${drop}`)).toBe(true);
    const ended = await as<Ended>(
      `const begun = performance.now();
       const ending = await taker.stop(${thing}, 10_000, signal);
       return { ...ending, after: ending.at - begun, took: performance.now() - begun };`,
    );
    expect(ended).toMatchObject({ kind: 'gone' });
    expect((ended.after ?? Number.NaN) + 500).toBeLessThan(ended.took);
    expect(await as(`return taker.disable(${thing}, ${json(taken)}, signal)`)).toEqual(done);
    expect([host.exists(`${folder}/${drop}`), host.exists(link)]).toEqual([true, false]);
    expect(await as(`return taker.taken('default', signal)`)).toEqual([{ thing: unit('mine'), taken }]);
    expect(await as(`return taker.restore(${thing}, ${json(taken)}, true, signal)`)).toEqual(done);
    expect((await systemctl('is-active', 'mine')).stdout).toBe('active\n');
    expect((await systemctl('is-enabled', 'mine')).stdout).toBe('enabled\n');
    expect(host.exists(`${folder}/mine.service.d`)).toBe(false);
  });

  it('declared again by its own name it is taken back into force by an ordinary apply', async () => {
    const fleet = new Fleet(host);
    for (const name of ['kept', 'held']) {
      fleet.install(name, { folder: UNITS });
      fleet.declareUnit(`of-${name}`, name, { state: 'running' });
    }
    fleet.declare('own');
    fleet.declare('lost');
    await host.systemctl('daemon-reload');
    expect(await fleet.apply()).toMatchObject({ code: 0, undone: [] });
    const quiet = { code: 0, plan: { steps: [], held: [], notices: [] } };
    expect(await fleet.dryRun()).toMatchObject(quiet);
    const before = await Promise.all(['kept', 'held', 'own', 'lost'].map(files));
    const pid = await fleet.pid('held');

    // All that a handover does, or did before it was interrupted.
    expect(await call('block', unit('kept'))).toEqual(done);
    expect(await stop(unit('kept'))).toMatchObject({ kind: 'gone' });
    expect(await call('disable', unit('kept'))).toEqual(done);
    expect(await call('block', unit('held'))).toEqual(done);
    for (const name of ['own', 'lost']) {
      expect(await call('block', unit(name))).toEqual(done);
      expect(await stop(unit(name))).toMatchObject({ kind: 'gone' });
    }
    await sh(host, `rm ${UNITS}/lost.service; systemctl daemon-reload`);

    const { plan } = await fleet.dryRun();
    expect(plan).toMatchObject({ notices: [], held: [] });
    expect(plan.steps.map(({ id, effect }) => `${id} ${effect}`).sort()).toEqual([
      'replace:lost start',
      'replace:own start',
      'start:of-kept start',
      'update:of-held pid unchanged',
    ]);
    expect(await fleet.apply()).toMatchObject({ code: 0, undone: [], plan: { held: [] } });
    expect(await fleet.dryRun()).toMatchObject(quiet);
    expect(await Promise.all(['kept', 'held', 'own', 'lost'].map(files))).toEqual(before);
    expect(await fleet.pid('held')).toBe(pid);
    for (const name of ['kept', 'own', 'lost']) {
      expect(await active(name)).toBe('active');
      expect(await isEnabled(name)).toBe('enabled');
    }
  });
});
