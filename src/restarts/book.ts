import type { ServiceId } from '../model.ts';
import { formatDuration } from '../units.ts';
import type { Account, Event, Pace, Refusal, Standing, Verdict } from './account.ts';
import { type Breaker, breakerAt, CLOSED, tripped } from './breaker.ts';
import { NEW, next, settled } from './machine.ts';
import { counted, type Limit, roomAt } from './window.ts';

/** What holds beyond a single service. */
export interface Budgets {
  /** The group of each service that is in one. */
  readonly groupOf: ReadonlyMap<ServiceId, string>;
  /** The budget of each group that has one. */
  readonly groups: ReadonlyMap<string, Limit>;
  readonly host: Limit;
  /** ms. How long the breaker stays open, and how long its trial lasts. */
  readonly cooldown: number;
}

/** All that is to be known again after a restart of the daemon, but the breaker, which is a decision. */
export interface Kept {
  readonly accounts: Readonly<Record<ServiceId, Account>>;
  readonly groups: Readonly<Record<string, readonly number[]>>;
  readonly host: readonly number[];
}

/** Each service by itself, as nobody says otherwise. */
const PACE: Pace = {
  ready: 1000,
  backoff: { initial: 1000, factor: 2, max: 300_000 },
  limit: { restarts: 5, within: 600_000 },
  cooldown: 300_000,
};

/** Without a daemon nothing is restarted by anybody: then only services have limits. */
export const UNLIMITED: Budgets = {
  groupOf: new Map(),
  groups: new Map(),
  host: { restarts: Number.MAX_SAFE_INTEGER, within: 1 },
  cooldown: 300_000,
};

/**
 * The restarts of all services of a host: each one's machine, and the windows of their groups and of the host. No I/O and no
 * clock: each call says what time it is.
 */
export class Book {
  readonly #random: () => number;
  readonly #paces = new Map<ServiceId, Pace>();
  readonly #accounts = new Map<ServiceId, Account>();
  readonly #groups = new Map<string, readonly number[]>();
  #host: readonly number[] = [];
  #breaker: Breaker;
  #budgets = UNLIMITED;

  /** `shift`: what to add (ms) to the times in `kept`, which are of another clock. */
  constructor(random: () => number, kept?: Kept, breaker: Breaker = CLOSED, shift = 0) {
    this.#random = random;
    this.#breaker = breaker;
    const moved = (times: readonly number[]) => times.map((at) => at + shift);
    for (const [id, account] of Object.entries(kept?.accounts ?? {})) {
      const { recent, last, standing } = account;
      const shifted = { ...account, recent: moved(recent), last: last + shift, standing: later(standing, shift) };
      this.#accounts.set(id, shifted);
    }
    for (const [group, times] of Object.entries(kept?.groups ?? {})) this.#groups.set(group, moved(times));
    this.#host = moved(kept?.host ?? []);
  }

  budget(budgets: Budgets): void {
    this.#budgets = budgets;
  }

  know(id: ServiceId, pace: Pace): void {
    this.#paces.set(id, pace);
  }

  /** Something happens to a service: what is to come of it. */
  take(id: ServiceId, event: Event, now: number): Verdict {
    const before = this.#accounts.get(id) ?? NEW;
    const pace = this.#paceOf(id);
    const wider = this.#wider(id, now);
    const { account, verdict } = next(before, event, pace, now, { random: this.#random(), wider });
    this.#accounts.set(id, account);
    if (account.last === now && account.restarts > before.restarts) this.#count(id, now);
    // The host's turn comes last: it is only asked where service and group would let it.
    if (verdict.kind === 'refused' && verdict.scope === 'host' && verdict.until === wider?.until) {
      const { cooldown, host } = this.#budgets;
      this.#breaker = tripped(this.breaker(now), tooMany('services of this host were', host), cooldown, now);
    }
    return verdict;
  }

  account(id: ServiceId): Account {
    return this.#accounts.get(id) ?? NEW;
  }

  /** What an older keeper knew of it, where we know nothing. */
  seed(id: ServiceId, known: Pick<Account, 'recent' | 'streak' | 'restarts'>): void {
    if (!this.#accounts.has(id)) this.#accounts.set(id, { ...NEW, ...known, last: known.recent.at(-1) ?? 0 });
  }

  standing(id: ServiceId, now: number): Standing {
    return settled(this.account(id), this.#paceOf(id), now).standing;
  }

  breaker(now: number): Breaker {
    this.#breaker = breakerAt(this.#breaker, this.#budgets.cooldown, now);
    return this.#breaker;
  }

  /** A person wants it closed: what was counted for it is forgotten, or the next restart would open it again. */
  release(): void {
    this.#breaker = CLOSED;
    this.#host = [];
  }

  /** Of all others that is forgotten which says nothing any more. */
  keepOnly(ids: ReadonlySet<ServiceId>, now: number): void {
    for (const [id, account] of this.#accounts) {
      const { standing, recent } = account;
      const idle = standing.kind === 'closed' && counted(recent, this.#paceOf(id).limit, now).length === 0;
      if (ids.has(id) || !idle) continue;
      this.#accounts.delete(id);
      this.#paces.delete(id);
    }
  }

  kept(): Kept {
    const told = [...this.#accounts].filter(([, { standing, restarts, recent }]) => {
      return standing.kind !== 'closed' || restarts > 0 || recent.length > 0;
    });
    return { accounts: Object.fromEntries(told), groups: Object.fromEntries(this.#groups), host: this.#host };
  }

  #paceOf(id: ServiceId): Pace {
    return this.#paces.get(id) ?? PACE;
  }

  #count(id: ServiceId, now: number): void {
    const { groupOf, groups, host } = this.#budgets;
    const group = groupOf.get(id);
    const limit = group === undefined ? undefined : groups.get(group);
    if (group !== undefined && limit !== undefined)
      this.#groups.set(group, [...counted(this.#groups.get(group) ?? [], limit, now), now]);
    this.#host = [...counted(this.#host, host, now), now];
  }

  /** What group and host say to one restart more now; undefined where they let it. */
  #wider(id: ServiceId, now: number): Refusal | undefined {
    const { groupOf, groups, host, cooldown } = this.#budgets;
    const breaker = this.breaker(now);
    // Not all at the same moment, when it is over.
    const after = (until: number) => until + Math.round(SPREAD * this.#random() * cooldown);
    const ofHost = (until: number, why: string): Refusal => ({
      kind: 'refused',
      scope: 'host',
      until: after(until),
      why,
    });
    if (breaker.kind === 'open') return ofHost(breaker.until, breaker.why);
    const group = groupOf.get(id);
    const limit = group === undefined ? undefined : groups.get(group);
    if (group !== undefined && limit !== undefined) {
      const until = roomAt(this.#groups.get(group) ?? [], limit, now);
      const why = tooMany(`services of group '${group}' were`, limit);
      if (until > now) return { kind: 'refused', scope: 'group', until, why };
    }
    if (roomAt(this.#host, host, now) <= now) return undefined;
    return ofHost(now + cooldown, tooMany('services of this host were', host));
  }
}

/** Of the cooldown: in so much more of it all that the breaker held is tried. */
const SPREAD = 0.1;

function tooMany(what: string, { restarts, within }: Limit): string {
  return `${what} restarted ${restarts} times within ${formatDuration(within)}`;
}

function later(standing: Standing, shift: number): Standing {
  switch (standing.kind) {
    case 'closed':
      return standing;
    case 'waiting':
      return { ...standing, until: standing.until + shift };
    case 'open':
      return { ...standing, since: standing.since + shift, until: standing.until + shift };
    case 'trial':
    case 'permanent':
      return { ...standing, since: standing.since + shift };
  }
}
