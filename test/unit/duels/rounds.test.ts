import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../../src/duels/evidence.ts';
import { CALM, mayAct, ROUNDS, type RoundEvent, type Rounds, rounds, WINDOW } from '../../../src/duels/rounds.ts';

const BY: Finding = { subject: 'web.service', kind: 'restarted', times: [1], certainty: 'seen', evidence: 'pid 4711' };
const acted = (at: number, wanted: 'running' | 'stopped' = 'running'): RoundEvent => ({ kind: 'acted', wanted, at });
const changed = (at: number, run: 'running' | 'stopped' = 'running', own = false): RoundEvent => ({
  kind: 'changed',
  run,
  own,
  at,
  findings: [BY],
});
const after = (...events: readonly RoundEvent[]) => events.reduce<Rounds>((state, one) => rounds(state, one), CALM);

describe('rounds', () => {
  it('end in a duel with the second answer to what we did, with what is known of it', () => {
    expect(after(acted(0), changed(2000, 'stopped'), acted(3000), changed(5000))).toEqual({
      kind: 'duel',
      rounds: 2,
      since: 0,
      until: 5000,
      evidence: [BY],
    });
  });

  it('count what others do again and again without any help of ours', () => {
    expect(after(acted(0), changed(2000), changed(4000)).kind).toBe('duel');
  });

  it('count what comes up though we stopped it, and not what goes down', () => {
    expect(after(acted(0, 'stopped'), changed(1, 'stopped'), changed(2, 'stopped')).kind).toBe('probation');
    expect(after(acted(0, 'stopped'), changed(1), acted(2, 'stopped'), changed(3)).kind).toBe('duel');
  });

  it('begin anew when the window is over, and when a duel is ended', () => {
    expect(after(acted(0), changed(1), changed(WINDOW + 2)).kind).toBe('calm');
    expect(after(acted(0), changed(1), acted(WINDOW + 2))).toMatchObject({ kind: 'probation', rounds: 0 });
    expect(after(acted(0), changed(1), changed(2), { kind: 'ended' })).toEqual(CALM);
    expect(after(changed(1), changed(2), changed(3))).toEqual(CALM);
  });

  it('go no further in a duel, whatever happens', () => {
    const duel = after(acted(0), changed(1), changed(2));
    expect(rounds(duel, acted(3))).toBe(duel);
    expect(rounds(duel, changed(3))).toBe(duel);
    expect(mayAct(duel)).toBe(false);
  });

  const run = fc.constantFrom('running', 'stopped');
  const wanted = run;
  const gap = fc.nat(2 * WINDOW);

  it('let us act at most twice against somebody who undoes everything at once', () => {
    fc.assert(
      fc.property(
        wanted,
        fc.array(fc.record({ gap: fc.nat(1000), also: fc.boolean() }), { minLength: 10 }),
        (wish, turns) => {
          let [state, at, ours]: [Rounds, number, number] = [CALM, 0, 0];
          for (const { gap, also } of turns) {
            at += gap;
            if (mayAct(state)) {
              ours += 1;
              state = rounds(state, acted(at, wish));
            }
            at += gap;
            const undo = changed(at, wish === 'running' ? 'stopped' : 'running');
            state = rounds(state, undo);
            if (also) state = rounds(state, undo);
          }
          expect(ours).toBeLessThanOrEqual(ROUNDS);
          expect(state.kind).toBe('duel');
        },
      ),
    );
  });

  it('never count what its own supervisor restarts, however often', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ gap, ours: fc.boolean() })), (turns) => {
        let [state, at]: [Rounds, number] = [CALM, 0];
        for (const turn of turns) {
          at += turn.gap;
          state = rounds(state, turn.ours ? acted(at) : changed(at, 'running', true));
          expect(state.kind).not.toBe('duel');
          if (state.kind === 'probation') expect(state.rounds).toBe(0);
        }
      }),
    );
  });

  it('never have a duel with fewer than two answers', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('acted' as const), wanted, gap }),
      fc.record({ kind: fc.constant('changed' as const), run, own: fc.boolean(), gap }),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        let [state, at, answers]: [Rounds, number, number] = [CALM, 0, 0];
        for (const { gap, ...one } of events) {
          at += gap;
          if (one.kind === 'changed') answers += 1;
          state = rounds(state, one.kind === 'acted' ? { ...one, at } : { ...one, at, findings: [] });
          if (state.kind === 'duel') expect(answers).toBeGreaterThanOrEqual(ROUNDS);
        }
      }),
    );
  });
});
