import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { commandOf, dead, listPids, lives, type ProcessRef, statOf } from '../../src/host/procfs.ts';
import { writeParts } from '../../src/supervisors/supervisord/programs-file.ts';
import { createProgramTaker } from '../../src/supervisors/supervisord/taker.ts';
import type { ProgramThing } from '../../src/supervisors/supervisord/taker-find.ts';
import type { Taker } from '../../src/supervisors/taker.ts';
import type { There, Thing } from '../../src/thing.ts';
import { createProcessTaker, type ProcessThing } from '../../src/things/process.ts';
import { ownTime, until } from '../rig/host.ts';
import { describeWithSupervisord } from '../rig/supervisord/describe.ts';
import { createSupervisordHost, type SupervisordHost } from '../rig/supervisord/host.ts';

const NOW = new AbortController().signal;
const TAKEN = { owner: 'default', by: 'web', enabled: false, ran: true };

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-things-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const dirs = () => ({ runtimeDir: join(folder, 'run'), stateDir: join(folder, 'state') });

/** Living processes with these arguments. */
function running(...command: readonly string[]): readonly number[] {
  const text = command.join('\0');
  return listPids().filter((pid) => {
    const stat = statOf(pid);
    return stat !== undefined && !dead(stat) && commandOf(pid).join('\0') === text;
  });
}

async function there<T extends Thing>(taker: Taker<T>, thing: T): Promise<There> {
  const [state] = await taker.look([thing], NOW);
  if (state?.kind !== 'there') throw new Error(`it is ${JSON.stringify(state)}`);
  return state;
}

describe('processes that nobody supervises', () => {
  const left: ChildProcess[] = [];
  const sh = (script: string, ...args: readonly string[]): ChildProcess => {
    const child = spawn('/bin/sh', ['-c', script, ...args], { stdio: 'ignore', detached: true });
    left.push(child);
    return child;
  };
  const thing = (...command: readonly string[]): ProcessThing => ({ kind: 'process', command });

  afterEach(() => {
    for (const { pid = 0 } of left.splice(0)) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // All of it has ended.
      }
    }
  });

  it('are found by all their arguments, wherever they went, and gone after a stop; others go on', async () => {
    const [mine, other] = [ownTime(), ownTime()];
    sh(`setsid nohup /bin/sleep ${mine} >/dev/null 2>&1 & /bin/sleep ${mine} & exec /bin/sleep ${other}`);
    // Has the same name, and the same arguments but for how it is called.
    sh(`exec sleep ${mine}`);
    await until(() => running('/bin/sleep', mine).length === 2 && running('sleep', mine).length === 1);
    await until(() => running('/bin/sleep', other).length === 1);
    const taker = createProcessTaker(dirs());
    const sought = thing('/bin/sleep', mine);
    const { processes, enabled, taken } = await there(taker, sought);
    expect([processes.length, enabled, taken]).toEqual([2, false, undefined]);
    const begun = performance.now();
    const end = await taker.stop(sought, 5000, NOW);
    expect(end).toEqual({ kind: 'gone', at: expect.any(Number) });
    if (end.kind === 'gone') expect((end.at ?? 0) - begun).toBeLessThan(250);
    expect(running('/bin/sleep', mine)).toEqual([]);
    expect(running('sleep', mine)).toHaveLength(1);
    expect(running('/bin/sleep', other)).toHaveLength(1);
    expect(await taker.look([sought], NOW)).toEqual([{ kind: 'absent' }]);
    expect(await taker.stop(sought, 5000, NOW)).toEqual({ kind: 'gone' });
  });

  it('of another user are left', async () => {
    const mine = ownTime();
    sh(`exec /bin/sleep ${mine}`);
    await until(() => running('/bin/sleep', mine).length === 1);
    const taker = createProcessTaker(dirs());
    const theirs = { ...thing('/bin/sleep', mine), user: 'nobody' };
    expect(await taker.stop(theirs, 5000, NOW)).toEqual({ kind: 'gone' });
    expect(running('/bin/sleep', mine)).toHaveLength(1);
    const own = { ...thing('/bin/sleep', mine), user: String(process.getuid?.()) };
    expect(await taker.stop(own, 5000, NOW)).toMatchObject({ kind: 'gone', at: expect.any(Number) });
  });

  it('of a declared service are left, and their arguments may be the very same', async () => {
    const mine = ownTime();
    sh(`/bin/sleep ${mine} & RECONCILED_DEFINITION=v1:default:web::abc exec /bin/sleep ${mine}`);
    await until(() => running('/bin/sleep', mine).length === 2);
    const taker = createProcessTaker(dirs());
    expect((await there(taker, thing('/bin/sleep', mine))).processes).toHaveLength(1);
    expect(await taker.stop(thing('/bin/sleep', mine), 5000, NOW)).toMatchObject({ kind: 'gone' });
    expect(running('/bin/sleep', mine)).toHaveLength(1);
  });

  it('go with all that they have started: what has forked twice, and what has a session of its own', async () => {
    const [twice, apart, deep] = [ownTime(), ownTime(), ownTime()];
    const script = `(/bin/sleep ${twice} &) ; setsid -w sh -c '/bin/sleep ${deep}; :' & exec setsid -w /bin/sleep ${apart}`;
    const name = `root-${ownTime()}`;
    sh(`${script} # $0`, name);
    const sought = () => [twice, apart, deep].map((each) => running('/bin/sleep', each).length);
    await until(() => sought().join() === '1,1,1');
    const root = left[0]?.pid ?? 0;
    const taker = createProcessTaker(dirs());
    const end = await taker.stop(thing(...commandOf(root)), 5000, NOW);
    expect(end).toMatchObject({ kind: 'gone' });
    expect(sought()).toEqual([0, 0, 0]);
  });

  it('go with what they fork when they are asked to end', async () => {
    const late = ownTime();
    const ready = join(folder, 'ready');
    // What is forked by one that is gone before anybody looks is nobody's child, and can't be told from a stranger.
    const child = sh(`trap '/bin/sleep ${late} & sleep 0.3; exit 0' TERM; : >${ready}; while :; do sleep 0.05; done`);
    await until(() => readFileSync(ready, { encoding: 'utf8', flag: 'a+' }) === '' && statOf(child.pid ?? 0));
    await sleep(100);
    const taker = createProcessTaker(dirs());
    expect(await taker.stop(thing(...commandOf(child.pid ?? 0)), 5000, NOW)).toMatchObject({ kind: 'gone' });
    expect(running('/bin/sleep', late)).toEqual([]);
  });

  it('are killed where they do not end in time', async () => {
    const child = sh(`trap '' TERM; exec /bin/sleep ${ownTime()}`);
    await until(() => commandOf(child.pid ?? 0)[0] === '/bin/sleep');
    const taker = createProcessTaker(dirs());
    const begun = performance.now();
    const end = await taker.stop(thing(...commandOf(child.pid ?? 0)), 400, NOW);
    expect(end).toMatchObject({ kind: 'gone' });
    if (end.kind === 'gone') expect((end.at ?? 0) - begun).toBeGreaterThan(390);
  });

  it('are ended where they were stopped by a signal', async () => {
    const child = sh(`exec /bin/sleep ${ownTime()}`);
    await until(() => commandOf(child.pid ?? 0)[0] === '/bin/sleep');
    child.kill('SIGSTOP');
    await until(() => statOf(child.pid ?? 0)?.state === 'T');
    const taker = createProcessTaker(dirs());
    const begun = performance.now();
    expect(await taker.stop(thing(...commandOf(child.pid ?? 0)), 10_000, NOW)).toMatchObject({ kind: 'gone' });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('that somebody starts again are stopped once more, and then who does it is named', async () => {
    const mine = ownTime();
    const loop = sh(`while true; do /bin/sleep ${mine}; done`);
    await until(() => running('/bin/sleep', mine).length === 1);
    const taker = createProcessTaker(dirs());
    const end = await taker.stop(thing('/bin/sleep', mine), 5000, NOW);
    const [now] = running('/bin/sleep', mine);
    expect(end).toEqual({
      kind: 'failed',
      problem: {
        code: 'started-again',
        summary:
          `cannot stop \`/bin/sleep ${mine}\`: it was stopped twice, and process ${loop.pid} ` +
          `\`/bin/sh -c while true; do /bin/sleep ${mine}; done\` has started it again as process ${now}`,
        hint: 'stop first what starts it again, or name that in `supersedes` too',
      },
    });
  });

  it('that are started again once are gone', async () => {
    const [mine, other] = [ownTime(), ownTime()];
    sh(`/bin/sleep ${mine}; /bin/sleep ${mine}; exec /bin/sleep ${other}`);
    await until(() => running('/bin/sleep', mine).length === 1);
    const taker = createProcessTaker(dirs());
    expect(await taker.stop(thing('/bin/sleep', mine), 5000, NOW)).toMatchObject({ kind: 'gone' });
    expect([running('/bin/sleep', mine).length, running('/bin/sleep', other).length]).toEqual([0, 1]);
  });

  it('are remembered until they are given back, which a person has to do by hand', async () => {
    const mine = ownTime();
    sh(`cd / && exec /bin/sleep ${mine}`);
    await until(() => running('/bin/sleep', mine).length === 1);
    const taker = createProcessTaker(dirs());
    const sought = thing('/bin/sleep', mine);
    expect(await taker.block(sought, TAKEN, NOW)).toEqual({ kind: 'done' });
    expect(await there(taker, sought)).toMatchObject({ blocked: 'until-boot', taken: TAKEN });
    expect(await taker.taken('default', NOW)).toEqual([{ thing: sought, taken: TAKEN }]);
    expect(await taker.taken('other', NOW)).toEqual([]);
    expect(await taker.block(sought, { ...TAKEN, owner: 'other' }, NOW)).toMatchObject({ kind: 'failed' });

    await taker.stop(sought, 5000, NOW);
    expect(await taker.disable(sought, TAKEN, NOW)).toEqual({ kind: 'done' });
    const there1 = { kind: 'there', processes: [], enabled: false, blocked: 'for-good', taken: TAKEN } as const;
    expect(await taker.look([sought], NOW)).toEqual([there1]);
    expect(await taker.unblock(sought, NOW)).toEqual({ kind: 'done' });
    const { blocked: _, ...there2 } = there1;
    expect(await taker.look([sought], NOW)).toEqual([there2]);

    expect(await taker.restore(sought, TAKEN, true, NOW)).toEqual({
      kind: 'failed',
      problem: {
        code: 'not-ours-to-start',
        summary: `cannot start \`/bin/sleep ${mine}\` again: somebody started it by hand, with what nobody knows now`,
        hint: `start it yourself, cd / && setsid nohup /bin/sleep ${mine} </dev/null >/dev/null 2>&1 &`,
      },
    });
    expect(await taker.look([sought], NOW)).toEqual([{ kind: 'absent' }]);
    expect(await taker.restore(sought, { ...TAKEN, ran: false }, true, NOW)).toEqual({ kind: 'done' });
    expect(await taker.taken('default', NOW)).toEqual([]);
  });

  it('say that a mark is damaged', async () => {
    const taker = createProcessTaker(dirs());
    const sought = thing('/bin/sleep', ownTime());
    await taker.disable(sought, TAKEN, NOW);
    const marks = join(folder, 'state', 'decisions', 'taken');
    const [name = ''] = readdirSync(marks);
    writeFileSync(join(marks, name), '{');
    expect(await taker.look([sought], NOW)).toMatchObject([{ kind: 'unreadable', problem: { code: 'mark-damaged' } }]);
    expect(await taker.block(sought, TAKEN, NOW)).toMatchObject({ kind: 'failed', problem: { code: 'mark-damaged' } });
  });
});

/** Times to sleep that nobody else sleeps for, by the last digit. */
const TIMES = Array.from({ length: 8 }, () => ownTime());

const THEIRS = `
; Two that are watched by the night shift
[program:told]
command=/bin/sh -c "/bin/sleep ${TIMES[1]} & (trap '' TERM; /bin/sleep ${TIMES[2]}) & exec /bin/sleep ${TIMES[3]}"
autostart = true ; at boot
startsecs=0

[program:silent] ; says nothing of it
command=/bin/sleep ${TIMES[4]}
startsecs=0

[program:off]
command=/bin/sleep ${TIMES[5]}
autostart=no

[group:dolphin]
programs=trader,many

[program:trader]
command=/bin/sleep ${TIMES[6]}
startsecs=1

[program:many]
command=/bin/sleep ${TIMES[7]}
numprocs=2
process_name=%(program_name)s_%(process_num)d
startsecs=0
`;

describeWithSupervisord('programs of others under a supervisord', () => {
  let host: SupervisordHost;
  let taker: Taker<ProgramThing>;
  const program = (name: string): ProgramThing => ({ kind: 'program', program: name, config: host.config });
  const was = (more: object = {}) => ({ owner: 'default', by: 'web', enabled: true, ran: true, ...more });
  const config = () => readFileSync(host.config, 'utf8');
  const info = async () => Object.fromEntries(Object.entries(await host.states()).sort());

  beforeAll(async () => {
    host = await createSupervisordHost({ more: THEIRS });
    await host.start();
    await until(async () => (await host.states())['dolphin:trader'] === 'RUNNING');
    await until(() => running('/bin/sleep', TIMES[2] ?? '').length === 1);
  });
  beforeEach(() => {
    taker = createProgramTaker(dirs());
  });
  afterAll(async () => {
    await host?.[Symbol.asyncDispose]();
    // Which a supervisord leaves behind.
    for (const pid of [...running('/bin/sleep', TIMES[1] ?? ''), ...running('/bin/sleep', TIMES[2] ?? '')])
      process.kill(pid, 'SIGKILL');
  });

  const ALL = {
    told: 'RUNNING',
    silent: 'RUNNING',
    off: 'STOPPED',
    'dolphin:trader': 'RUNNING',
    'dolphin:many_0': 'RUNNING',
    'dolphin:many_1': 'RUNNING',
  };

  it('are found with all their processes, whether they start by themselves, and where that is said', async () => {
    const names = ['told', 'silent', 'off', 'trader', 'many', 'dolphin:trader', 'missing', 'silent:silent'];
    const states = await taker.look(names.map(program), NOW);
    const told = states.map((state) =>
      state.kind === 'there' ? [state.processes.length, state.enabled, state.where?.replace(/.*:/, '')] : state.kind,
    );
    const line = (text: string) =>
      String(
        config()
          .split('\n')
          .findIndex((each) => each.startsWith(text)) + 1,
      );
    expect(told).toEqual([
      [3, true, line('[program:told]')],
      [1, true, line('[program:silent]')],
      [0, false, line('[program:off]')],
      [1, true, line('[program:trader]')],
      [2, true, line('[program:many]')],
      [1, true, line('[program:trader]')],
      'absent',
      [1, true, line('[program:silent]')],
    ]);
  });

  it('say how long it takes: at most so long as they need', async () => {
    const { processes } = await there(taker, program('trader'));
    const gone = watch(processes);
    const end = await taker.stop(program('trader'), 5000, NOW);
    const seen = await gone;
    if (end.kind !== 'gone' || end.at === undefined) throw new Error(JSON.stringify(end));
    expect(Math.abs(end.at - seen)).toBeLessThan(50);
    expect((await host.states())['dolphin:trader']).toBe('STOPPED');
    expect(await taker.restore(program('trader'), was(), true, NOW)).toEqual({ kind: 'done' });
    expect((await host.states())['dolphin:trader']).toBe('RUNNING');
  });

  it('that do not start by themselves are marked, and given back as they were', async () => {
    const before = config();
    const taken = was({ enabled: false, ran: false });
    await taker.disable(program('off'), taken, NOW);
    expect(await there(taker, program('off'))).toMatchObject({ enabled: false, taken });
    expect(await taker.restore(program('off'), taken, true, NOW)).toEqual({ kind: 'done' });
    expect(config()).toBe(before);
    expect((await host.states()).off).toBe('STOPPED');
  });

  it('of ours are not taken this way', async () => {
    const text = '; Written by reconciled for the service mine of owner t\n[program:mine]\ncommand=/bin/sleep 1\n';
    const path = join(host.include, 'reconciled-t.conf');
    writeParts(path, [['mine', text]]);
    const problem = { code: 'own-program', summary: expect.stringContaining('it is a declared service') };
    expect(await taker.look([program('mine')], NOW)).toEqual([
      { kind: 'unreadable', problem: expect.objectContaining(problem) },
    ]);
    for (const act of [
      taker.block(program('mine'), was(), NOW),
      taker.stop(program('mine'), 1000, NOW),
      taker.disable(program('mine'), was(), NOW),
    ]) {
      expect(await act).toMatchObject({ kind: 'failed', problem });
    }
    rmSync(path);
  });

  it('of a supervisord that hangs are seen, but not stopped', async () => {
    const pid = Number(readFileSync(join(host.folder, 'supervisord.pid'), 'utf8'));
    process.kill(pid, 'SIGSTOP');
    try {
      await until(() => statOf(pid)?.state === 'T');
      expect((await there(taker, program('trader'))).processes).toHaveLength(1);
      expect(await taker.stop(program('trader'), 1000, NOW)).toMatchObject({
        kind: 'failed',
        problem: {
          summary: `cannot stop program trader of ${host.config}: the supervisord of ${host.config} does not answer: its process ${pid} was stopped by a signal`,
        },
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  it('of a configuration that can not be read may be there', async () => {
    const before = config();
    writeFileSync(host.config, before.replace('[program:trader]', 'nonsense\n[program:trader'));
    const [trader, none] = await taker.look(
      [program('trader'), { kind: 'program', program: 'x', config: '/nonexistent/supervisord.conf' }],
      NOW,
    );
    expect(trader).toMatchObject({ kind: 'unreadable', problem: { code: 'supervisord-refuses' } });
    expect(none).toEqual({ kind: 'absent' });
    writeFileSync(host.config, before);
  });

  it('are stopped with all that they have started, taken for good, and given back byte for byte', async () => {
    const before = config();
    const silent = (await there(taker, program('silent'))).processes;
    expect(await taker.block(program('told'), was(), NOW)).toEqual({ kind: 'done' });
    expect(await there(taker, program('told'))).toMatchObject({ blocked: 'until-boot', taken: was(), enabled: true });
    const begun = performance.now();
    const end = await taker.stop(program('told'), 5000, NOW);
    expect(end).toEqual({ kind: 'gone', at: expect.any(Number) });
    // What ignores SIGTERM is killed a second after it was asked.
    if (end.kind === 'gone') expect((end.at ?? 0) - begun).toBeLessThan(8000);
    for (const each of TIMES.slice(1, 4)) expect(running('/bin/sleep', each)).toEqual([]);
    expect(await info()).toEqual(Object.fromEntries(Object.entries({ ...ALL, told: 'STOPPED' }).sort()));
    expect(await taker.stop(program('told'), 5000, NOW)).toEqual({ kind: 'gone' });
    expect(config()).toBe(before);

    for (const name of ['told', 'silent', 'many']) {
      expect(await taker.disable(program(name), was(), NOW)).toEqual({ kind: 'done' });
      const once = config();
      expect(await taker.disable(program(name), was(), NOW)).toEqual({ kind: 'done' });
      expect(config()).toBe(once);
    }
    const mark = '; reconciled v1 superseded owner=default by=web enabled=true ran=true: ';
    expect(config()).toBe(
      before
        .replace('autostart = true ; at boot', `${mark}autostart = true ; at boot\nautostart=false`)
        .replace('says nothing of it\n', `says nothing of it\n${mark}\nautostart=false\n`)
        .replace('[program:many]\n', `[program:many]\n${mark}\nautostart=false\n`),
    );
    const now = await there(taker, program('told'));
    expect(now).toMatchObject({ processes: [], enabled: false, blocked: 'for-good', taken: was() });
    const all = await taker.taken('default', NOW);
    expect(all.map(({ thing }) => thing.program).sort()).toEqual(['many', 'silent', 'told']);
    // Nothing was reread: what runs goes on.
    expect((await there(taker, program('silent'))).processes).toEqual(silent);

    // The supervisord is started anew, as by a boot.
    await host.stop();
    expect(await there(taker, program('silent'))).toMatchObject({ processes: [], enabled: false, taken: was() });
    expect(await taker.stop(program('silent'), 5000, NOW)).toEqual({ kind: 'gone' });
    await host.start();
    await until(async () => (await host.states())['dolphin:trader'] === 'RUNNING');
    const stopped = { told: 'STOPPED', silent: 'STOPPED', 'dolphin:many_0': 'STOPPED', 'dolphin:many_1': 'STOPPED' };
    expect(await host.states()).toEqual({ ...ALL, ...stopped });

    expect(await taker.unblock(program('told'), NOW)).toEqual({ kind: 'done' });
    expect((await there(taker, program('told'))).blocked).toBeUndefined();
    for (const name of ['told', 'many']) {
      expect(await taker.restore(program(name), was(), true, NOW)).toEqual({ kind: 'done' });
    }
    expect(await taker.restore(program('silent'), was(), false, NOW)).toEqual({ kind: 'done' });
    expect(config()).toBe(before);
    expect(await host.states()).toEqual({ ...ALL, silent: 'STOPPED' });
    expect(await taker.taken('default', NOW)).toEqual([]);
  });
});

/** When the last of these was gone, as seen from beside. */
async function watch(processes: readonly ProcessRef[]): Promise<number> {
  while (processes.some(lives)) await sleep(1);
  return performance.now();
}
