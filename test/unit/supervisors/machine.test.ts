import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Exit } from '../../../src/model.ts';
import { Book } from '../../../src/restarts/book.ts';
import {
  type Answer,
  type Ask,
  deadline,
  type Input,
  type Machine,
  NEW,
  next,
} from '../../../src/supervisors/builtin/machine.ts';
import type { Rules } from '../../../src/supervisors/shared/settings.ts';

const RULES: Rules = {
  ready: 1000,
  retries: 3,
  stopTimeout: 10_000,
  policy: 'always',
  backoff: { initial: 1000, factor: 2, max: 300_000 },
  limit: { restarts: 5, within: 600_000 },
  cooldown: 300_000,
  permanent: [],
};
const FAILED: Exit = { kind: 'code', code: 1 };
const OK: Exit = { kind: 'code', code: 0 };

/** A machine under a clock of its own. */
function life(rules: Partial<Rules> = {}) {
  const all = { ...RULES, ...rules };
  let machine: Machine = NEW;
  let now = 1_000_000;
  const spawns: number[] = [];
  const effects: string[] = [];
  // No jitter.
  const book = new Book(() => 0.5);
  book.know('web', all);
  const answer = ({ exit: _, ...event }: Ask): Answer => {
    const verdict = book.take('web', event, now);
    if (verdict.kind === 'refused') return { kind: 'hold', ms: verdict.until - now, reason: verdict.why };
    const { standing } = book.account('web');
    if (standing.kind === 'waiting') return { kind: 'wait', ms: verdict.wait };
    return { kind: 'restart', trial: standing.kind === 'trial' };
  };
  const send = (input: Input) => {
    if (input.kind === 'start') book.take('web', { kind: 'renewed' }, now);
    let transition = next(machine, input, all, now);
    const { ask } = transition;
    if (ask !== undefined)
      transition = next(transition.machine, { kind: 'answer', ask, answer: answer(ask) }, all, now);
    machine = transition.machine;
    if (transition.effect) effects.push(transition.effect);
    if (transition.effect === 'spawn') spawns.push(now);
  };
  return {
    send,
    get account() {
      return book.account('web');
    },
    spawns,
    effects,
    get machine() {
      return machine;
    },
    get name() {
      return machine.state.name;
    },
    get now() {
      return now;
    },
    wait(ms: number) {
      for (const end = now + ms; ; ) {
        const due = deadline(machine, all);
        if (due === undefined || due > end) {
          now = end;
          return;
        }
        now = Math.max(now, due);
        send({ kind: 'timer' });
      }
    },
    up(forMs = 0) {
      send({ kind: 'up' });
      this.wait(forMs);
    },
    ended(exit: Exit = FAILED) {
      send({ kind: 'ended', exit });
    },
  };
}

describe('a start', () => {
  it('is RUNNING once it has been up for start.ready', () => {
    const l = life();
    l.send({ kind: 'start' });
    expect(l.name).toBe('STARTING');
    l.wait(60_000);
    expect(l.name).toBe('STARTING');
    l.up(999);
    expect(l.name).toBe('STARTING');
    l.wait(1);
    expect(l.name).toBe('RUNNING');
  });

  it('is RUNNING at once where start.ready is 0', () => {
    const l = life({ ready: 0 });
    l.send({ kind: 'start' });
    l.up();
    expect(l.name).toBe('RUNNING');
  });

  it('is tried again with growing waits and is FATAL after its retries, with the reason', () => {
    const l = life();
    l.send({ kind: 'start' });
    for (let i = 0; i < 3; i += 1) {
      l.up(10);
      l.ended();
      expect(l.name).toBe('BACKOFF');
      l.wait(1000 * 2 ** i - 1);
      expect(l.name).toBe('BACKOFF');
      l.wait(1);
      expect(l.name).toBe('STARTING');
    }
    l.ended();
    expect(l.machine.state).toMatchObject({
      name: 'FATAL',
      reason: 'could not be started, tried 4 times in a row: exit code 1',
    });
    l.wait(86_400_000);
    expect(l.spawns).toHaveLength(4);
  });

  it('by a person takes it out of FATAL and HELD with all counters at zero', () => {
    const l = life({ retries: 0 });
    l.send({ kind: 'start' });
    l.ended();
    expect(l.name).toBe('FATAL');
    l.send({ kind: 'start' });
    expect(l.machine).toMatchObject({ state: { name: 'STARTING' }, failures: 0 });
    expect(l.account).toMatchObject({ streak: 0, recent: [], restarts: 0 });
  });
});

describe('a restart', () => {
  it('is immediate the first time, then waits longer and longer', () => {
    const l = life({ limit: { restarts: 100, within: 600_000 } });
    l.send({ kind: 'start' });
    l.up(5000);
    l.ended();
    expect(l.name).toBe('STARTING');
    for (const wait of [1000, 2000, 4000]) {
      l.up(1000);
      l.ended();
      expect(l.machine.state).toMatchObject({ name: 'BACKOFF', until: l.now + wait });
      l.wait(wait);
    }
  });

  it('is immediate again after stable uptime', () => {
    const l = life();
    l.send({ kind: 'start' });
    for (let i = 0; i < 3; i += 1) {
      l.up(10_000);
      l.ended();
      expect(l.name).toBe('STARTING');
    }
  });

  it('never makes a busy loop of a process that needs no time to be ready and ends at once', () => {
    const l = life({ ready: 0, limit: { restarts: 1000, within: 600_000 } });
    l.send({ kind: 'start' });
    for (let i = 0; i < 100 && l.now < 1_060_000; i += 1) {
      l.up();
      l.ended();
      const due = deadline(l.machine, RULES);
      if (due !== undefined) l.wait(due - l.now);
    }
    expect(l.spawns.length).toBeLessThan(10);
  });

  it('never waits longer than backoff.max', () => {
    const l = life({
      retries: 1000,
      limit: { restarts: 1000, within: 1 },
      backoff: { initial: 1000, factor: 10, max: 30_000 },
    });
    l.send({ kind: 'start' });
    for (let i = 0; i < 400; i += 1) {
      l.up();
      l.ended();
      l.wait(30_000);
    }
    expect(l.spawns.length).toBeGreaterThan(399);
  });
});

describe('the restart policy', () => {
  it.each([
    ['always', OK, 'STARTING'],
    ['on-failure', OK, 'EXITED'],
    ['on-failure', FAILED, 'STARTING'],
    ['on-failure', { kind: 'signal', signal: 'SIGSEGV' }, 'STARTING'],
    ['on-failure', { kind: 'unknown' }, 'STARTING'],
    ['never', OK, 'EXITED'],
    ['never', FAILED, 'EXITED'],
  ] as const)('%s after %j leads from RUNNING to %s', (policy, exit, name) => {
    const l = life({ policy });
    l.send({ kind: 'start' });
    l.up(60_000);
    l.ended(exit);
    expect(l.name).toBe(name);
  });

  it('lets a short job end well before it counts as ready', () => {
    const l = life({ policy: 'never' });
    l.send({ kind: 'start' });
    l.up(10);
    l.ended(OK);
    expect(l.name).toBe('EXITED');
  });

  it('never counts a start that failed as an allowed exit', () => {
    const l = life({ policy: 'never' });
    l.send({ kind: 'start' });
    l.up(10);
    l.ended(FAILED);
    expect(l.name).toBe('BACKOFF');
  });
});

describe('what no restart can heal', () => {
  it('is FATAL at once by an exit code that says so, whatever the policy', () => {
    for (const policy of ['always', 'on-failure', 'never'] as const) {
      for (const up of [10, 60_000]) {
        const l = life({ policy, permanent: [78] });
        l.send({ kind: 'start' });
        l.up(up);
        l.ended({ kind: 'code', code: 78 });
        expect(l.machine.state).toMatchObject({
          name: 'FATAL',
          reason: 'exit code 78, which no restart can heal (restart.permanentExitCodes)',
        });
        l.wait(86_400_000);
        expect(l.spawns).toHaveLength(1);
      }
    }
  });

  it('is FATAL where something is missing, and is started again once that is mended', () => {
    const l = life();
    l.send({ kind: 'start' });
    l.ended({ kind: 'code', code: 127 });
    expect(l.name).toBe('BACKOFF');
    l.send({ kind: 'hopeless', reason: 'command /x does not exist' });
    expect(l.machine.state).toMatchObject({ name: 'FATAL', reason: 'command /x does not exist', missing: true });
    l.wait(86_400_000);
    expect(l.name).toBe('FATAL');
    l.send({ kind: 'mended' });
    expect(l.name).toBe('STARTING');
  });
});

describe('the budget', () => {
  const spent = () => {
    const l = life();
    l.send({ kind: 'start' });
    for (let i = 0; i < 5; i += 1) {
      l.up(11_000);
      l.ended();
    }
    expect(l.name).toBe('STARTING');
    l.up(11_000);
    l.ended();
    return l;
  };

  it('once spent holds the service for the cooldown', () => {
    const l = spent();
    expect(l.machine.state).toMatchObject({ name: 'HELD', until: l.now + 300_000 });
    expect(l.machine.state).toMatchObject({ reason: 'restarted 5 times within 10m, last: exit code 1' });
    l.wait(299_999);
    expect(l.name).toBe('HELD');
    l.wait(1);
    expect(l.machine.state).toMatchObject({ name: 'STARTING', trial: true });
  });

  it('holds again where the trial fails', () => {
    const l = spent();
    l.wait(300_000);
    l.up(10);
    l.ended();
    expect(l.machine.state).toMatchObject({ name: 'HELD', reason: 'the trial start failed: exit code 1' });
  });

  it('closes again once the trial is RUNNING and the window has passed', () => {
    const l = spent();
    l.wait(300_000);
    l.up(700_000);
    l.ended();
    expect(l.name).toBe('STARTING');
  });
});

describe('a stop', () => {
  it('signals, kills after the timeout, and kills again until all is gone', () => {
    const l = life();
    l.send({ kind: 'start' });
    l.up(2000);
    l.send({ kind: 'stop' });
    expect(l.effects).toEqual(['spawn', 'signal']);
    l.wait(9999);
    expect(l.effects).toEqual(['spawn', 'signal']);
    l.wait(1);
    expect(l.effects).toEqual(['spawn', 'signal', 'kill']);
    l.wait(2000);
    expect(l.effects).toEqual(['spawn', 'signal', 'kill', 'kill', 'kill']);
    l.ended({ kind: 'signal', signal: 'SIGKILL' });
    expect(l.name).toBe('STOPPED');
  });

  it('ends waiting too', () => {
    for (const exits of [1, 6]) {
      const l = life();
      l.send({ kind: 'start' });
      for (let i = 0; i < exits; i += 1) {
        l.up(1000);
        l.ended();
        if (l.name === 'BACKOFF' && i < exits - 1) l.wait(300_000);
      }
      l.send({ kind: 'stop' });
      if (l.name === 'STOPPING') l.ended();
      expect(l.name).toBe('STOPPED');
      const { length } = l.spawns;
      l.wait(86_400_000);
      expect(l.spawns).toHaveLength(length);
    }
  });
});

describe('whatever happens', () => {
  const rules = fc.record<Rules>({
    ready: fc.constantFrom(0, 1, 1000, 30_000),
    retries: fc.nat(6),
    stopTimeout: fc.constantFrom(0, 10, 10_000),
    policy: fc.constantFrom('always', 'on-failure', 'never'),
    backoff: fc.record({
      initial: fc.constantFrom(0, 1, 1000),
      factor: fc.constantFrom(1, 2, 10),
      max: fc.constantFrom(0, 5000, 300_000),
    }),
    limit: fc.record({ restarts: fc.integer({ min: 1, max: 6 }), within: fc.constantFrom(1000, 60_000, 600_000) }),
    cooldown: fc.constantFrom(1000, 300_000),
    permanent: fc.constantFrom([], [1]),
  });
  const exit = fc.constantFrom<Exit>(OK, FAILED, { kind: 'signal', signal: 'SIGKILL' }, { kind: 'unknown' });
  const act = fc.oneof(
    fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 500, 1000, 20_000, 400_000) }),
    fc.record({ kind: fc.constant('up' as const) }),
    fc.record({ kind: fc.constant('ended' as const), exit }),
  );

  it('restarts stay within the limit in every window, but for one trial after each cooldown', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 200 }), (r, acts) => {
        const l = life(r);
        const restarts: number[] = [];
        const trials: number[] = [];
        l.send({ kind: 'start' });
        let seen = 1;
        for (const a of acts) {
          if (a.kind === 'wait') l.wait(a.ms);
          else if (a.kind === 'up') l.send({ kind: 'up' });
          else l.ended(a.exit);
          for (; seen < l.spawns.length; seen += 1) {
            const { state } = l.machine;
            const at = l.spawns[seen] ?? 0;
            if (state.name === 'STARTING' && state.trial && state.since === at) trials.push(at);
            else restarts.push(at);
          }
        }
        for (const at of restarts) {
          const within = restarts.filter((other) => other > at - r.limit.within && other <= at);
          if (within.length > r.limit.restarts) return false;
        }
        return trials.every((at, i) => i === 0 || at - (trials[i - 1] ?? 0) >= r.cooldown);
      }),
      { numRuns: process.env.RECONCILED_LONG ? 50_000 : 2000 },
    );
  });

  it('a stop always ends in STOPPED once its processes are gone, and nothing is spawned after it', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 60 }), fc.boolean(), (r, acts, late) => {
        const l = life(r);
        l.send({ kind: 'start' });
        for (const a of acts) {
          if (a.kind === 'wait') l.wait(a.ms);
          else if (a.kind === 'up') l.send({ kind: 'up' });
          else l.ended(a.exit);
        }
        const { length } = l.spawns;
        l.send({ kind: 'stop' });
        if (late) l.wait(r.stopTimeout + 5000);
        if (l.name === 'STOPPING') l.ended();
        l.wait(1_000_000);
        return l.name === 'STOPPED' && l.spawns.length === length;
      }),
    );
  });

  it('it never waits for nothing: each state has a process, a deadline, or is a rest', () => {
    fc.assert(
      fc.property(rules, fc.array(act, { maxLength: 100 }), (r, acts) => {
        const l = life(r);
        l.send({ kind: 'start' });
        for (const a of acts) {
          if (a.kind === 'wait') l.wait(a.ms);
          else if (a.kind === 'up') l.send({ kind: 'up' });
          else l.ended(a.exit);
          const { state } = l.machine;
          const rests = ['STOPPED', 'EXITED', 'FATAL'].includes(state.name);
          const process = state.name === 'RUNNING' || state.name === 'STARTING';
          if (!rests && !process && deadline(l.machine, r) === undefined) return false;
          if (state.name === 'EXITED' && r.policy === 'always') return false;
        }
        return true;
      }),
    );
  });
});
