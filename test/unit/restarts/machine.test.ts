import { describe, expect, it } from 'vitest';
import type { Account, Event, Pace, Refusal } from '../../../src/restarts/account.ts';
import { backoff, NEW, next, settled, stableAfter } from '../../../src/restarts/machine.ts';

const PACE: Pace = {
  ready: 1000,
  backoff: { initial: 1000, factor: 2, max: 60_000 },
  limit: { restarts: 3, within: 600_000 },
  cooldown: 300_000,
};
const T = 1_800_000_000_000;

/** One service under a clock of its own. */
function life(pace: Pace = PACE) {
  let account: Account = NEW;
  let now = T;
  return {
    take(event: Event, wider?: Refusal) {
      const answer = next(account, event, pace, now, { random: 0.5, wider });
      account = answer.account;
      return answer.verdict;
    },
    ended(ran: number, failures = 0) {
      now += ran;
      return this.take({ kind: 'ended', failed: failures > 0, ran, failures, how: 'exit code 1' });
    },
    wait(ms: number) {
      now += ms;
      account = settled(account, pace, now);
    },
    get now() {
      return now;
    },
    get account() {
      return account;
    },
  };
}

const group: Refusal = { kind: 'refused', scope: 'group', until: T + 500_000, why: 'services of group were restarted' };

describe('a wait', () => {
  it('grows by its factor up to its cap, and differs by a tenth of itself both ways', () => {
    expect([0, 1, 2, 10, 10_000].map((n) => backoff(PACE, n, 0.5))).toEqual([1000, 2000, 4000, 60_000, 60_000]);
    expect([0, 0.5, 1].map((random) => backoff(PACE, 2, random))).toEqual([3600, 4000, 4400]);
    expect(backoff(PACE, 10, 1)).toBe(60_000);
    const none = { backoff: { initial: 0, factor: 10, max: 60_000 } };
    expect(backoff(none, 10_000, 1)).toBe(0);
  });
});

describe('a service', () => {
  it('is restarted at once the first time, and counts each restart when it is made', () => {
    const l = life();
    expect(l.ended(60_000)).toEqual({ kind: 'granted', wait: 0 });
    expect(l.account).toMatchObject({ restarts: 1, recent: [l.now], standing: { kind: 'closed' } });
    expect(l.ended(100)).toEqual({ kind: 'granted', wait: 1000 });
    expect(l.account).toMatchObject({ restarts: 1, standing: { kind: 'waiting', until: l.now + 1000 } });
    l.wait(1000);
    expect(l.take({ kind: 'due', trial: false })).toEqual({ kind: 'granted', wait: 0 });
    expect(l.account.restarts).toBe(2);
  });

  it('has its first wait again once it was up for long, and its window whole when that is over', () => {
    const l = life();
    l.ended(0);
    l.ended(1);
    expect(l.account.streak).toBe(2);
    l.take({ kind: 'due', trial: false });
    expect(l.ended(stableAfter(PACE))).toEqual({ kind: 'granted', wait: 0 });
    expect(l.account).toMatchObject({ streak: 1, restarts: 3 });
    expect(l.ended(stableAfter(PACE))).toMatchObject({ kind: 'refused', scope: 'service' });
    const m = life();
    for (let i = 0; i < 10; i += 1) expect(m.ended(200_001)).toEqual({ kind: 'granted', wait: 0 });
  });

  it('is begun anew by a person or an apply, from wherever it is', () => {
    const l = life();
    for (let i = 0; i < 4; i += 1) l.ended(10_000);
    expect(l.account.standing.kind).toBe('open');
    l.take({ kind: 'renewed' });
    expect(l.account).toEqual(NEW);
    l.take({ kind: 'hopeless', reason: 'no command', missing: true });
    l.take({ kind: 'renewed' });
    expect(l.account).toEqual(NEW);
  });

  it('is held until its cooldown, then tried once: closed when that is stable, held again when not', () => {
    const l = life({ ...PACE, limit: { restarts: 3, within: 3_600_000 } });
    for (let i = 0; i < 3; i += 1) l.ended(10_000);
    expect(l.ended(10_000)).toEqual({
      kind: 'refused',
      scope: 'service',
      until: l.now + 300_000,
      why: 'restarted 3 times within 1h, last: exit code 1',
    });
    l.wait(300_000);
    expect(l.take({ kind: 'due', trial: true })).toEqual({ kind: 'granted', wait: 0 });
    expect(l.account.standing.kind).toBe('trial');
    expect(l.ended(4000)).toMatchObject({ kind: 'refused', why: 'the trial ended after 4s: exit code 1' });
    l.wait(300_000);
    l.take({ kind: 'due', trial: true });
    l.wait(9999);
    expect(l.account.standing.kind).toBe('trial');
    l.wait(1);
    expect(l.account).toMatchObject({ standing: { kind: 'closed' }, streak: 0 });
    // Its window is still as full as it was.
    expect(l.ended(60_000)).toMatchObject({ kind: 'refused' });
  });

  it('is held for its group at least until that has room', () => {
    const l = life();
    expect(l.take({ kind: 'ended', failed: false, ran: 60_000, failures: 0, how: 'exit code 1' }, group)).toEqual({
      ...group,
      until: T + 500_000,
      why: 'services of group were restarted, last: exit code 1',
    });
    l.wait(500_000);
    expect(l.take({ kind: 'due', trial: true }, { ...group, until: l.now + 1 })).toMatchObject({
      kind: 'refused',
      scope: 'group',
      until: l.now + 300_000,
    });
  });

  it('that a probe wants restarted goes on where that is not granted, and is asked no sooner than it would wait', () => {
    const l = life({ ...PACE, backoff: { initial: 30_000, factor: 2, max: 60_000 } });
    expect(l.take({ kind: 'asked' }).kind).toBe('granted');
    l.wait(5000);
    expect(l.take({ kind: 'asked' })).toMatchObject({ kind: 'refused', until: l.now + 25_000 });
    expect(l.account.standing.kind).toBe('closed');
    for (let i = 0; i < 2; i += 1) {
      l.wait(60_000);
      expect(l.take({ kind: 'asked' }).kind).toBe('granted');
    }
    l.wait(60_000);
    expect(l.take({ kind: 'asked' })).toMatchObject({
      kind: 'refused',
      why: 'restarted 3 times within 10m, last: a probe fails',
    });
    expect(l.account.standing).toMatchObject({ kind: 'open', lives: true });
    expect(l.ended(1000)).toMatchObject({ kind: 'refused' });
    expect(l.account.standing).toMatchObject({ kind: 'open', lives: false });
  });

  it('that somebody else restarts is counted, and what is ours to decide is held back by it', () => {
    const l = life();
    for (let i = 0; i < 3; i += 1) expect(l.take({ kind: 'seen', cause: 'foreign' }).kind).toBe('granted');
    expect(l.take({ kind: 'seen', cause: 'foreign' }).kind).toBe('refused');
    expect(l.account).toMatchObject({ restarts: 3, standing: { kind: 'open', lives: true } });
    expect(l.take({ kind: 'asked' }).kind).toBe('refused');
    expect(l.ended(60_000)).toMatchObject({ kind: 'refused', scope: 'service' });
  });

  it('that a person starts though it is held has its trial by that', () => {
    const l = life();
    for (let i = 0; i < 4; i += 1) l.take({ kind: 'seen', cause: 'supervisor' });
    expect(l.account.standing).toMatchObject({ kind: 'open', lives: false });
    l.take({ kind: 'runs' });
    expect(l.account.standing.kind).toBe('trial');
  });

  it('that nothing can heal is not restarted until that is mended', () => {
    const l = life();
    l.take({ kind: 'hopeless', reason: 'no command', missing: true });
    expect(l.ended(60_000)).toMatchObject({ kind: 'refused', why: 'no command' });
    expect(l.take({ kind: 'asked' }).kind).toBe('refused');
    expect(l.take({ kind: 'due', trial: true }).kind).toBe('refused');
    expect(l.take({ kind: 'mended' })).toEqual({ kind: 'granted', wait: 0 });
    expect(l.account).toMatchObject({ restarts: 1, standing: { kind: 'closed' } });
  });
});
