import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event, Pace, Verdict } from '../../../src/restarts/account.ts';
import { Book, type Budgets } from '../../../src/restarts/book.ts';
import { type Breaker, CLOSED } from '../../../src/restarts/breaker.ts';
import type { Limit } from '../../../src/restarts/window.ts';

/** How a service is kept running: by us alone, or by a supervisor that restarts it by itself and that we stop where it must not. */
type Kind = 'ours' | 'theirs';

interface World {
  readonly services: readonly { readonly kind: Kind; readonly group: string | undefined; readonly pace: Pace }[];
  readonly groups: ReadonlyMap<string, Limit>;
  readonly host: Limit;
  readonly cooldown: number;
}

type Act =
  | { readonly kind: 'wait'; readonly ms: number }
  /** Its process ends: a supervisor of others has restarted it when we hear of it. */
  | { readonly kind: 'crash'; readonly of: number; readonly failed: boolean }
  | { readonly kind: 'probe'; readonly of: number }
  | { readonly kind: 'foreign'; readonly of: number }
  | { readonly kind: 'renew'; readonly of: number }
  | { readonly kind: 'hopeless'; readonly of: number }
  | { readonly kind: 'mended'; readonly of: number }
  | { readonly kind: 'release' }
  /** The daemon ends and another begins; meanwhile the host's clock was set by so much (ms). */
  | { readonly kind: 'daemon'; readonly leap: number };

interface Granted {
  readonly at: number;
  readonly of: number;
  readonly trial: boolean;
}

/** Carries out what the book says, as supervisors do. */
class Life {
  readonly world: World;
  readonly granted: Granted[] = [];
  /** When a person or Git began each count anew; of the host, when somebody closed the breaker. */
  readonly renewed: number[];
  released = 0;
  now = 1_800_000_000_000;
  #leapt = 0;
  #book: Book;
  readonly #random: () => number;
  /** Up since then, or down until it is looked at again: never, where nothing is to be waited for. */
  readonly state: ({ up: number } | { down: number; trial: boolean })[];
  readonly #failures: number[];

  constructor(world: World, random: () => number) {
    this.world = world;
    this.#random = random;
    this.#book = this.#open(new Book(random));
    this.state = world.services.map(() => ({ up: this.now }));
    this.renewed = world.services.map(() => 0);
    this.#failures = world.services.map(() => 0);
  }

  #open(book: Book): Book {
    const { services, groups, host, cooldown } = this.world;
    const groupOf = new Map(services.flatMap(({ group }, i) => (group === undefined ? [] : [[`s${i}`, group]])));
    const budgets: Budgets = { groupOf, groups, host, cooldown };
    book.budget(budgets);
    for (const [i, { pace }] of services.entries()) book.know(`s${i}`, pace);
    return book;
  }

  standings() {
    return this.world.services.map((_, i) => this.#book.standing(`s${i}`, this.clock).kind);
  }

  get breaker(): Breaker {
    return this.#book.breaker(this.clock);
  }

  /** What the daemon's clock says. */
  get clock(): number {
    return this.now + this.#leapt;
  }

  take(of: number, event: Event): Verdict {
    const before = this.#book.account(`s${of}`);
    const verdict = this.#book.take(`s${of}`, event, this.clock);
    const after = this.#book.account(`s${of}`);
    if (after.restarts > before.restarts)
      this.granted.push({ at: this.now, of, trial: after.standing.kind === 'trial' });
    return verdict;
  }

  /** Down, or up again: as the book says. */
  follow(of: number, verdict: Verdict): void {
    if (verdict.kind === 'refused') {
      // The book may not know an end that is for ever.
      const isForEver = this.standings()[of] === 'permanent';
      this.state[of] = { down: isForEver ? Number.POSITIVE_INFINITY : verdict.until - this.#leapt, trial: true };
    } else if (this.standings()[of] === 'waiting') this.state[of] = { down: this.now + verdict.wait, trial: false };
    else this.state[of] = { up: this.now };
  }

  act(act: Act): void {
    if (act.kind === 'wait') {
      this.wait(act.ms);
      return;
    }
    if (act.kind === 'release') {
      this.#book.release();
      this.released = this.now;
      return;
    }
    if (act.kind === 'daemon') {
      const { breaker } = this;
      const kept = JSON.parse(JSON.stringify(this.#book.kept()));
      this.#leapt += act.leap;
      this.#book = this.#open(new Book(this.#random, kept, JSON.parse(JSON.stringify(breaker)), act.leap));
      // As one that begins does.
      this.#book.breaker(this.clock);
      return;
    }
    const of = act.of % this.world.services.length;
    const state = this.state[of];
    const kind = this.world.services[of]?.kind;
    if (state === undefined) return;
    switch (act.kind) {
      case 'renew':
        this.take(of, { kind: 'renewed' });
        this.renewed[of] = this.now;
        this.state[of] = { up: this.now };
        return;
      case 'hopeless':
        this.take(of, { kind: 'hopeless', reason: 'no command', missing: true });
        this.state[of] = { down: Number.POSITIVE_INFINITY, trial: false };
        return;
      case 'mended': {
        if (this.standings()[of] === 'permanent') this.follow(of, this.take(of, { kind: 'mended' }));
        return;
      }
      case 'foreign':
        this.take(of, { kind: 'seen', cause: 'foreign' });
        this.state[of] = { up: this.now };
        return;
      case 'probe':
        if (!('up' in state)) return;
        if (this.take(of, { kind: 'asked' }).kind === 'granted') this.state[of] = { up: this.now };
        return;
      case 'crash': {
        if (!('up' in state)) return;
        if (kind === 'theirs') {
          const verdict = this.take(of, { kind: 'seen', cause: 'supervisor' });
          if (verdict.kind === 'refused' && verdict.scope !== 'host') this.follow(of, verdict);
          else this.state[of] = { up: this.now };
          return;
        }
        this.#failures[of] = act.failed ? (this.#failures[of] ?? 0) + 1 : 0;
        const ran = this.now - state.up;
        const failures = this.#failures[of] ?? 0;
        this.follow(of, this.take(of, { kind: 'ended', failed: act.failed, ran, failures, how: 'exit code 1' }));
      }
    }
  }

  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = this.state
        .flatMap((state, of) => ('down' in state && state.down <= end ? [{ of, ...state }] : []))
        .sort((a, b) => a.down - b.down);
      if (next === undefined) break;
      this.now = Math.max(this.now, next.down);
      this.follow(next.of, this.take(next.of, { kind: 'due', trial: next.trial }));
      const after = this.state[next.of];
      if (after !== undefined && 'down' in after && after.down <= this.now) throw new Error('a busy loop');
    }
    this.now = end;
  }
}

const limit = fc.record({ restarts: fc.integer({ min: 1, max: 4 }), within: fc.constantFrom(1000, 60_000, 600_000) });
const pace = fc.record<Pace>({
  ready: fc.constantFrom(0, 1000, 30_000),
  backoff: fc.record({
    initial: fc.constantFrom(0, 1, 1000),
    factor: fc.constantFrom(1, 2, 10),
    max: fc.constantFrom(1, 5000, 300_000),
  }),
  limit,
  cooldown: fc.constantFrom(1000, 300_000),
});
const world = fc.record<World>({
  services: fc.array(
    fc.record({
      kind: fc.constantFrom<Kind>('ours', 'theirs'),
      group: fc.constantFrom(undefined, 'a', 'b'),
      pace,
    }),
    { minLength: 1, maxLength: 6 },
  ),
  groups: fc.dictionary(fc.constantFrom('a', 'b'), limit).map((all) => new Map(Object.entries(all))),
  host: fc.record({ restarts: fc.integer({ min: 1, max: 12 }), within: fc.constantFrom(1000, 60_000, 600_000) }),
  cooldown: fc.constantFrom(1000, 300_000),
});
const of = fc.nat(5);
const act = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 500, 9999, 10_000, 70_000, 400_000),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('crash' as const), of, failed: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('probe' as const), of }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('foreign' as const), of }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('renew' as const, 'hopeless' as const, 'mended' as const), of }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('daemon' as const),
      leap: fc.constantFrom(0, -1, 3_600_000, -3_600_000, -1e12, 1e11),
    }),
  },
);
const script = fc.tuple(
  world,
  fc.array(act, { maxLength: 150 }),
  fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
);
const RUNS = { numRuns: process.env.RECONCILED_LONG ? 50_000 : 2000 };

function live([w, acts, random]: [World, readonly Act[], fc.Stream<number>]): Life {
  const life = new Life(w, () => random.next().value ?? 0.5);
  for (const a of acts) life.act(a);
  return life;
}

/** How many of these are in the window that ends with the one in this place. */
function before(all: readonly Granted[], place: number, { within }: Limit): number {
  const end = all[place]?.at ?? 0;
  return all.slice(0, place + 1).filter(({ at }) => at > end - within).length;
}

describe('whatever happens, whoever restarts, however often the daemon is restarted and the clock is set', () => {
  it('no window of a group or of the host holds more restarts than its budget', () => {
    fc.assert(
      fc.property(script, (s) => {
        const life = live(s);
        const [w] = s;
        const ofHost = life.granted.filter(({ at }) => at > life.released);
        for (const i of ofHost.keys()) expect(before(ofHost, i, w.host)).toBeLessThanOrEqual(w.host.restarts);
        for (const [group, budget] of w.groups) {
          const own = life.granted.filter((one) => w.services[one.of]?.group === group);
          for (const i of own.keys()) expect(before(own, i, budget)).toBeLessThanOrEqual(budget.restarts);
        }
      }),
      RUNS,
    );
  });

  it('no window of a service does, but for a trial after each cooldown', () => {
    fc.assert(
      fc.property(script, (s) => {
        const life = live(s);
        for (const [i, { pace }] of s[0].services.entries()) {
          const own = life.granted.filter((one) => one.of === i && one.at > (life.renewed[i] ?? 0));
          for (const [place, { trial }] of own.entries()) {
            if (!trial) expect(before(own, place, pace.limit)).toBeLessThanOrEqual(pace.limit.restarts);
          }
        }
      }),
      RUNS,
    );
  });

  it('all that is held has a next trial, and all is closed again in a bounded time once nothing fails any more', () => {
    fc.assert(
      fc.property(script, (s) => {
        const life = live(s);
        const [w] = s;
        for (const [i, kind] of life.standings().entries()) {
          const state = life.state[i];
          if (kind !== 'permanent' && state !== undefined && 'down' in state)
            expect(state.down).toBeLessThan(Number.POSITIVE_INFINITY);
        }
        const longest = Math.max(600_000, ...w.services.map(({ pace }) => pace.cooldown), w.cooldown);
        // Each gets its turn, even where only one may be restarted in each window.
        life.wait(longest * 3 * (w.services.length + 2));
        expect(life.standings().filter((kind) => kind !== 'closed' && kind !== 'permanent')).toEqual([]);
        expect(life.breaker).toEqual(CLOSED);
        for (const i of w.services.keys()) life.act({ kind: 'mended', of: i });
        life.wait(longest * 3 * (w.services.length + 2));
        expect(new Set(life.standings())).toEqual(new Set(['closed']));
      }),
      RUNS,
    );
  });

  it('a daemon that begins anew knows what the one before it knew', () => {
    fc.assert(
      fc.property(script, (s) => {
        const life = live(s);
        const was = life.standings();
        life.act({ kind: 'daemon', leap: -7_000_000 });
        expect(life.standings()).toEqual(was);
      }),
    );
  });
});
