import { describe, expect, it } from 'vitest';
import { acted, needsCount, type Trial, weigh } from '../../../src/duels/probation.ts';
import type { Samples } from '../../../src/duels/samples.ts';
import { AROUND, generations, job, samples, WEB, witness } from './make.ts';

const DAEMON = witness(4711, 'python3 guard.py');
const begun = acted(WEB, undefined, { wanted: 'running', at: 100, anew: true });
const stopped = acted(WEB, undefined, { wanted: 'stopped', at: 100, anew: true });
/** What was seen, with what systemd counted by then, one after another. */
const after = (trial: Trial, ...seen: readonly (readonly [Samples, number?])[]) =>
  seen.reduce((now, [one, restarts]) => {
    const count = restarts === undefined ? undefined : { restarts, at: one.until };
    return weigh(now, one, AROUND.userOf, count);
  }, trial);
/** What was seen until some time. */
const until = ({ generations: all, jobs, ...rest }: Samples, time: number): Samples => ({
  ...rest,
  until: time,
  jobs: jobs.filter(({ firstSeen }) => firstSeen <= time),
  generations: all
    .filter(({ firstSeen }) => firstSeen <= time)
    .map(({ gone, ...one }) => (gone === undefined || gone > time ? one : { ...one, gone })),
});
const restarts = [2000, 4000, 6000].map((at) => job('systemctl restart web', at, at + 40, [DAEMON]));
const all = generations(WEB, [0, 2030, 4030, 6030]);

describe('what others do during a probation', () => {
  it('is a duel where somebody restarts it again and again, with who it is', () => {
    const seen = samples(restarts, all);
    expect(after(begun, [seen]).state).toMatchObject({
      kind: 'duel',
      rounds: 2,
      evidence: [{ by: { pid: 4711 }, times: [2010, 4010, 6010], cadence: {} }],
    });
    // However often it is looked, each restart is one round.
    const twice = after(begun, [until(seen, 3000)], [until(seen, 3500)]);
    expect(twice.state).toMatchObject({ kind: 'probation', rounds: 1 });
    expect(after(twice, [until(seen, 5000)]).state).toMatchObject({ kind: 'duel', rounds: 2 });
  });

  it('counts only what came after our last action, and tells all that was before it', () => {
    const seen = samples(restarts, all);
    const again = acted(WEB, after(begun, [until(seen, 3000)]), { wanted: 'running', at: 5000, anew: false });
    expect(again.state).toMatchObject({ rounds: 1 });
    expect(after(again, [seen]).state).toMatchObject({ kind: 'duel', evidence: [{ times: [2010, 4010, 6010] }] });
    const anew = acted(WEB, after(begun, [until(seen, 3000)]), { wanted: 'running', at: 5000, anew: true });
    expect(after(anew, [seen]).state).toMatchObject({ kind: 'probation', rounds: 1, evidence: [{ times: [6010] }] });
  });

  it('is no duel where its supervisor restarts it by itself, or nobody can tell', () => {
    const crashing = samples([], all);
    expect(needsCount(begun, crashing)).toBe(true);
    expect(after(begun, [crashing, 3]).state).toMatchObject({ rounds: 0 });
    expect(after(begun, [crashing]).state).toMatchObject({ rounds: 0 });
    const looks = [2500, 4500, 6500].map((time, i) => [until(crashing, time), i + 1] as const);
    expect(after(begun, ...looks).state).toMatchObject({ rounds: 0 });
    expect(after(begun, [samples([], generations(WEB, [0], 2000))]).state).toMatchObject({ rounds: 0 });
  });

  it('takes what was counted a little too early for no restart of somebody', () => {
    const crashing = samples([], all);
    // Each time it is asked, systemd has counted one more than was seen.
    const looks = [2500, 4500, 6500].map((time, i) => [until(crashing, time), i + 2] as const);
    expect(after(begun, ...looks).state).toMatchObject({ rounds: 0 });
  });

  it('begins to count anew where somebody has let systemd begin anew', () => {
    const crashing = samples(restarts.slice(0, 1), all);
    const looks = [2500, 4500, 6500].map((time, i) => [until(crashing, time), i === 0 ? 5 : i] as const);
    expect(after(begun, ...looks).state).toMatchObject({ rounds: 1 });
  });

  it('is one where systemd says that it was asked to, though nobody was seen', () => {
    const seen = samples([], all);
    const looks = [2500, 4500, 6500].map((time) => [until(seen, time), 2] as const);
    expect(after(begun, ...looks).state).toMatchObject({ kind: 'duel', evidence: [{ certainty: 'unknown' }] });
  });

  it('waits until it is known whether what ended comes again', () => {
    const seen = samples([], all);
    // Looked at each time before the next one came.
    const looks = [2015, 2500, 4015, 4500, 6015, 6500].map((time) => [until(seen, time), 2] as const);
    expect(after(begun, ...looks).state).toMatchObject({ kind: 'duel' });
  });

  it('is none with a person at a shell, whose commands are remembered all the same', () => {
    const shell = witness(300, '-bash');
    const typed = [2000, 4000, 6000].map((at) => job('systemctl restart web', at, at + 40, [shell]));
    const trial = after(begun, [samples(typed, all)]);
    expect(trial.state).toMatchObject({ kind: 'probation', rounds: 0 });
    expect(trial.typed.length).toBeGreaterThan(0);
    const script = [2000, 4000].map((at) =>
      job('systemctl restart web', at, at + 40, [witness(301, 'sh /root/fix.sh'), shell]),
    );
    expect(after(begun, [samples(script, all)]).state).toMatchObject({ kind: 'duel' });
  });

  it('is one where what we stopped is started, whoever did it', () => {
    const seen = samples([], generations(WEB, [2000]));
    expect(after(stopped, [seen]).state).toMatchObject({ rounds: 1 });
  });

  it('costs nobody a question where nothing happens', () => {
    expect(needsCount(begun, samples([], generations(WEB, [0])))).toBe(false);
    expect(after(begun, [samples([], generations(WEB, [0]))])).toEqual(begun);
  });
});
