import { describe, expect, it } from 'vitest';
import { type Action, actionsOf } from '../../../src/daemon/acted.ts';
import { createProbation, type Duel } from '../../../src/daemon/probation.ts';
import type { Generation, Job, Subject } from '../../../src/duels/samples.ts';
import { shareWatch } from '../../../src/duels/shared-watch.ts';
import type { Marks } from '../../../src/marks.ts';
import type { Outcome, StepReport } from '../../../src/model.ts';
import { until } from '../../rig/host.ts';
import { generations, job, samples, witness } from '../duels/make.ts';

const GUARD = witness(4711, 'python3 guard.py');
const unit = (id: string): Subject => ({
  name: `${id}.service`,
  handle: { kind: 'unit', unit: `${id}.service`, user: false },
});
const started = (id: string, cause: Action['cause'] = 'git'): Action => ({ id, wanted: 'running', cause });

/** A probation over a host that is made up; its clock goes on by hand. */
function world(countsOf = async (_: readonly Subject[]): Promise<ReadonlyMap<string, number>> => new Map()) {
  let time = 0;
  const jobs: Job[] = [];
  let all: Generation[] = [];
  const watched: string[][] = [];
  const duels: (readonly [string, Duel])[] = [];
  let ended = 0;
  const watch = shareWatch((subjects) => {
    const take = (next: readonly Subject[]) => watched.push(next.map(({ name }) => name));
    take(subjects);
    return {
      samples: () => samples(jobs, all, { until: time }),
      change: take,
      [Symbol.asyncDispose]: async () => {
        ended += 1;
      },
    };
  });
  const probation = createProbation({
    subjectOf: (id) => (id === 'gone' ? undefined : unit(id)),
    onDuel: (id, duel) => duels.push([id, duel]),
    watch,
    countsOf,
    now: () => time,
    every: 5,
  });
  return {
    probation,
    watched,
    duels,
    ended: () => ended,
    at: (next: number) => {
      time = next;
    },
    /** Its processes begin at these times, each 20 ms after the one before was gone by this command. */
    restarted: (id: string, begins: readonly number[], command: string | undefined, end?: number) => {
      all = [...all.filter(({ subject }) => subject !== `${id}.service`), ...generations(unit(id), begins, end)];
      if (command === undefined) return;
      for (const begin of begins.slice(1)) jobs.push(job(command, begin - 30, begin + 10, [GUARD]));
      if (end !== undefined) jobs.push(job(command, end - 10, end + 10, [GUARD]));
    },
    apply: async (...actions: readonly Action[]) => {
      await probation.around(
        async () => {},
        () => actions,
      );
      // What follows an apply goes on by itself; the next one waits for it.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    },
  };
}

describe('the probation of what a daemon has acted on', () => {
  it('leaves nothing running that keeps a daemon from ending, where it ends right after an apply', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const w = world();
    await w.probation.around(
      async () => {},
      () => [started('web')],
    );
    await w.probation[Symbol.asyncDispose]();
    expect(timers()).toBe(before);
  });

  it('watches nothing until something was acted on, and nothing once the time is over', async () => {
    const w = world();
    await using _ = w.probation;
    await w.apply();
    expect(w.watched).toEqual([]);
    await w.apply(started('web'), started('gone'));
    expect(w.watched).toEqual([['web.service']]);
    w.at(59_000);
    await w.apply();
    expect(w.ended()).toBe(0);
    w.at(61_000);
    await until(() => w.ended() === 1);
    expect(w.duels).toEqual([]);
  });

  it('tells a duel once, with who it is, by itself', async () => {
    const w = world();
    await using _ = w.probation;
    w.restarted('web', [0], undefined);
    await w.apply(started('web'));
    w.restarted('web', [0, 2000, 4000], 'systemctl restart web');
    w.at(5000);
    await until(() => w.duels.length > 0);
    expect(w.duels).toMatchObject([['web', { rounds: 2, evidence: [{ by: { pid: 4711 }, times: [1980, 3980] }] }]]);
    await w.apply();
    expect(w.duels.length).toBe(1);
    expect(w.ended()).toBe(1);
  });

  it('knows of a duel before the next plan is made', async () => {
    const w = world();
    await using _ = w.probation;
    await w.apply(started('web'));
    w.restarted('web', [0], 'systemctl stop web', 1000);
    w.at(1000);
    await w.apply(started('web', 'drift'));
    w.at(2000);
    w.restarted('web', [1100], 'systemctl stop web', 2000);
    const seen = await w.probation.around(
      async () => w.duels.length,
      () => [],
    );
    expect(seen).toBe(1);
  });

  it('heals what nobody was seen to undo no more than twice', async () => {
    const w = world();
    await using _ = w.probation;
    await w.apply(started('web', 'drift'));
    expect(w.duels).toEqual([]);
    w.at(1000);
    await w.apply(started('web', 'drift'));
    await until(() => w.duels.length === 1);
    expect(w.duels[0]?.[1].evidence).toMatchObject([
      { certainty: 'unknown', evidence: expect.stringContaining('no command that undid it was seen') },
    ]);
  });

  it('takes nothing for a duel that its own supervisor does, that we do, or that is long ago', async () => {
    let count = 0;
    const w = world(async (subjects) => new Map(subjects.map(({ name }) => [name, count])));
    await using _ = w.probation;
    w.restarted('web', [0], undefined);
    await w.apply(started('web'));
    for (count = 1; count < 6; count += 1) {
      w.restarted('web', [0, 1000, 2000, 3000, 4000, 5000].slice(0, count + 1), undefined);
      w.at(count * 1000 + 100);
      // An apply that has nothing to do looks as well.
      await w.apply();
    }
    expect(w.duels).toEqual([]);
    for (const [at, cause] of [
      [6000, 'git'],
      [6100, 'git'],
      [80_000, 'drift'],
      [160_000, 'drift'],
      [160_100, 'other'],
    ] as const) {
      w.at(at);
      await w.apply(started('web', cause));
    }
    expect(w.duels).toEqual([]);
  });

  it('watches no more than fifty, those that were acted on last', async () => {
    const w = world();
    await using _ = w.probation;
    await w.apply(...Array.from({ length: 60 }, (_, i) => started(`s${i}`)));
    expect(w.watched.at(-1)?.length).toBe(50);
    await w.apply(started('s0'));
    expect(w.watched.at(-1)).toContain('s0.service');
    expect(w.watched.at(-1)).not.toContain('s10.service');
  });
});

describe('what an apply did to services', () => {
  const done: Outcome = { kind: 'done' };
  const report = (more: Partial<StepReport['step']>, outcome: Outcome = done): StepReport => ({
    step: {
      id: 'start:web',
      service: 'web',
      supervisor: 'systemd',
      action: 'start',
      reason: { kind: 'not-running', run: 'stopped' },
      effect: 'start',
      after: [],
      seen: { kind: 'present', hash: 'h', run: 'stopped' },
      ...more,
    },
    outcome,
    took: 1,
  });
  const settled: Marks = { web: { settled: 'a' } };
  const of = (one: StepReport, before: Marks = settled, after: Marks = settled) =>
    actionsOf({ steps: [one] }, before, after)[0];

  it('is a start that somebody made necessary, that Git wants, that a person asks for, or that a crash does', () => {
    expect(of(report({}))).toEqual({ id: 'web', wanted: 'running', cause: 'drift' });
    expect(of(report({}), {}, settled)).toMatchObject({ cause: 'git' });
    expect(of(report({}), { web: { settled: 'b' } })).toMatchObject({ cause: 'git' });
    expect(of(report({ reason: { kind: 'asked' } }))).toMatchObject({ cause: 'git' });
    const crashed = { seen: { kind: 'present', hash: 'h', run: 'exited' } } as const;
    expect(of(report(crashed))).toMatchObject({ cause: 'other' });
  });

  it('is a stop of what somebody started', () => {
    const stop = { action: 'stop', effect: 'stop', reason: { kind: 'not-wanted', state: 'stopped' } } as const;
    expect(of(report(stop))).toEqual({ id: 'web', wanted: 'stopped', cause: 'drift' });
  });

  it('is a new beginning of what a person asked for, though it runs', () => {
    expect(actionsOf({ steps: [] }, settled, settled, ['web'])).toEqual([
      { id: 'web', wanted: 'running', cause: 'git' },
    ]);
  });

  it('is nothing where no process was touched, or it was not done', () => {
    expect(of(report({ effect: 'pid unchanged' }))).toBeUndefined();
    expect(of(report({ action: 'remove', effect: 'stop' }))).toBeUndefined();
    const failed = (code: string): Outcome => ({ kind: 'failed', problem: { code, summary: '' } });
    expect(of(report({}, failed('not-allowed')))).toBeUndefined();
    expect(of(report({}, failed('start-failed')))).toMatchObject({ wanted: 'running', cause: 'drift' });
  });
});
