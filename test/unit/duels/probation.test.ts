import { describe, expect, it } from 'vitest';
import { changesSince } from '../../../src/duels/probation.ts';
import { CALM, type RoundEvent, type Rounds, rounds } from '../../../src/duels/rounds.ts';
import { AROUND, generations, job, samples, WEB, witness } from './make.ts';

const DAEMON = witness(4711, 'python3 guard.py');
const BEGUN: RoundEvent = { kind: 'acted', wanted: 'running', at: 100 };
const after = (events: readonly RoundEvent[]) =>
  [BEGUN, ...events].reduce<Rounds>((state, one) => rounds(state, one), CALM);
const counted = (before: number, after: number) => ({
  ...AROUND,
  restarts: new Map([['web.service', { before, after }]]),
});
const all = generations(WEB, [0, 2030, 4030, 6030]);

describe('what others do during a probation', () => {
  it('is a duel where somebody restarts it again and again, with who it is', () => {
    const jobs = [2000, 4000, 6000].map((at) => job('systemctl restart web', at, at + 40, [DAEMON]));
    const state = after(changesSince(samples(jobs, all), WEB, counted(0, 0), 100));
    expect(state).toMatchObject({ kind: 'duel', rounds: 2, evidence: [{ by: { pid: 4711 } }] });
  });

  it('counts only what came after', () => {
    const jobs = [2000, 4000, 6000].map((at) => job('systemctl restart web', at, at + 40, [DAEMON]));
    expect(changesSince(samples(jobs, all), WEB, AROUND, 5000)).toMatchObject([
      { run: 'running', own: false, at: 6010 },
    ]);
  });

  it('is no duel where its supervisor restarts it by itself, or nobody can tell', () => {
    expect(after(changesSince(samples([], all), WEB, counted(2, 5), 100))).toMatchObject({ rounds: 0 });
    expect(after(changesSince(samples([], all), WEB, AROUND, 100))).toMatchObject({ rounds: 0 });
    expect(after(changesSince(samples([], generations(WEB, [0], 2000)), WEB, AROUND, 100))).toMatchObject({
      rounds: 0,
    });
  });

  it('is one where systemd says that it was asked to, though nobody was seen', () => {
    expect(after(changesSince(samples([], all), WEB, counted(2, 2), 100))).toMatchObject({
      kind: 'duel',
      evidence: [{ certainty: 'unknown' }],
    });
  });

  it('is one where what we stopped is started, whoever did it', () => {
    const [event] = changesSince(samples([], generations(WEB, [2000])), WEB, AROUND, 100);
    expect(event).toMatchObject({ run: 'running', at: 2000 });
    const stopped = rounds(CALM, { kind: 'acted', wanted: 'stopped', at: 100 });
    expect(event && rounds(stopped, event)).toMatchObject({ rounds: 1 });
  });
});
