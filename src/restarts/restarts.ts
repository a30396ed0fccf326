import { join } from 'node:path';
import type { ServiceId } from '../model.ts';
import { Failure, type Problem, why } from '../problem.ts';
import type { Account, Cause, Event, Pace, Scope, Standing, Verdict } from './account.ts';
import { Book, type Budgets } from './book.ts';
import { type Breaker, CLOSED } from './breaker.ts';
import { readBreaker, saveBreaker } from './decision.ts';
import { readKept, steadyNow, writeKept } from './file.ts';

/** What it tells of the breaker, each time that becomes another. */
export type RestartsEvent =
  | { readonly kind: 'breaker'; readonly to: 'open' | 'trial'; readonly until: number; readonly why: string }
  /** `by`: a person closed it. */
  | { readonly kind: 'breaker'; readonly to: 'closed'; readonly by: 'hand' | 'time' }
  | { readonly kind: 'trouble'; readonly problem: Problem };

/** Why a service is left alone, for whoever looks at it. Times in ms since the epoch. */
export type Hold =
  | { readonly kind: 'held'; readonly until: number; readonly scope: Scope; readonly reason: string }
  | { readonly kind: 'fatal'; readonly at: number; readonly reason: string; readonly missing: boolean };

/**
 * Who may be restarted now, in one book for all supervisors and all causes. Cheap to ask: what it counts is written behind, and
 * whoever kills the daemon loses the last half second of it.
 */
export interface Restarts extends Disposable {
  /** A service is to be restarted now: may it be? Counts where it is granted. */
  ask(id: ServiceId, cause: Extract<Cause, 'crash' | 'probe'>): Verdict;
  /** It was restarted, and nobody asked: counts, and says whether it is to be held from now on. */
  note(id: ServiceId, cause: Extract<Cause, 'supervisor' | 'foreign'>): Verdict;
  breaker(): Breaker;
  /** Anything else that happens to a service, as its machine takes it. */
  take(id: ServiceId, event: Event): Verdict;
  /** How it is to be restarted, from now on. */
  know(id: ServiceId, pace: Pace): void;
  /** What was known of it elsewhere, where nothing is known here. */
  seed(id: ServiceId, known: Pick<Account, 'recent' | 'streak' | 'restarts'>): void;
  account(id: ServiceId): Account;
  standing(id: ServiceId): Standing;
  /** Whom we do not let run, and why: undefined where it may. */
  hold(id: ServiceId): Hold | undefined;
  /** ms from now until that time. */
  in(until: number): number;
  /** A person's or Git's budgets, and which services there are. */
  budget(budgets: Budgets, services: ReadonlySet<ServiceId>): void;
  /** Somebody may have closed the breaker. */
  look(): void;
  /** Writes at once what is not written yet: before anything is done that others could take for somebody else's doing. */
  flush(): void;
}

export interface RestartsOptions {
  /** Where counts are kept until the next boot. */
  readonly runtimeDir: string;
  /** Where the breaker is kept; absent: there is none, as nobody restarts anything. */
  readonly stateDir?: string;
  readonly random?: () => number;
  readonly onEvent?: (event: RestartsEvent) => void;
}

/** ms. What was counted is written no more often. */
const BEHIND = 500;

/** Reads what was counted when it is first asked for something. */
export function openRestarts({ runtimeDir, stateDir, random = Math.random, onEvent }: RestartsOptions): Restarts {
  const path = join(runtimeDir, 'restarts.json');
  const emit = onEvent ?? (() => {});
  let opened: Book | undefined;
  let told: Breaker = CLOSED;
  /** What was told is kept as well: where it is not there any more, somebody has taken it away. */
  let isKept = true;
  let behind: NodeJS.Timeout | undefined;
  let turn: NodeJS.Timeout | undefined;

  const book = (): Book => {
    if (opened === undefined) {
      const read = readKept(path);
      told = kept();
      opened = new Book(random, read?.kept, told, read?.shift);
    }
    return opened;
  };
  /** One that is damaged keeps the daemon from doing anything, and is told by that. */
  const kept = (): Breaker => {
    try {
      return stateDir === undefined ? CLOSED : readBreaker(stateDir);
    } catch {
      return CLOSED;
    }
  };
  const trouble = (what: string, error: unknown) => {
    const summary = error instanceof Failure ? error.problems[0]?.summary : `${what}: ${why(error)}`;
    emit({ kind: 'trouble', problem: { code: 'restarts-not-kept', summary: summary ?? what } });
  };
  const flush = () => {
    clearTimeout(behind);
    if (behind === undefined) return;
    behind = undefined;
    try {
      writeKept(path, book().kept());
    } catch (error) {
      trouble('cannot keep how often services were restarted', error);
    }
  };
  const changed = () => {
    behind ??= setTimeout(flush, BEHIND).unref();
  };
  /** Keeps and tells what has become of the breaker, and comes back when it changes by itself. */
  const see = (by: 'hand' | 'time' = 'time') => {
    const now = book().breaker(steadyNow());
    if (now.kind !== told.kind || ('since' in now && 'since' in told && now.since !== told.since)) {
      told = now;
      try {
        if (stateDir !== undefined && by !== 'hand') saveBreaker(stateDir, now);
        isKept = true;
      } catch (error) {
        isKept = false;
        trouble('cannot keep that this host is only observed', error);
      }
      if (now.kind === 'closed') emit({ kind: 'breaker', to: 'closed', by });
      else emit({ kind: 'breaker', to: now.kind, until: now.until, why: now.why });
    }
    clearTimeout(turn);
    if ('until' in now) turn = setTimeout(see, Math.max(0, now.until - steadyNow()) + 1).unref();
  };
  const take = (id: ServiceId, event: Event): Verdict => {
    const before = book().account(id);
    const verdict = book().take(id, event, steadyNow());
    if (book().account(id) !== before) changed();
    see();
    return verdict;
  };

  return {
    take,
    ask: (id, cause) => {
      if (cause === 'probe') return take(id, { kind: 'asked' });
      const ran = steadyNow() - book().account(id).last;
      return take(id, { kind: 'ended', failed: false, ran, failures: 0, how: 'it ended' });
    },
    note: (id, cause) => take(id, { kind: 'seen', cause }),
    breaker: () => {
      see();
      return told;
    },
    know: (id, pace) => book().know(id, pace),
    seed: (id, known) => book().seed(id, known),
    account: (id) => book().account(id),
    standing: (id) => book().standing(id, steadyNow()),
    hold: (id) => holdIn(book().account(id).standing),
    in: (until) => Math.max(0, until - steadyNow()),
    budget: (budgets, services) => {
      book().budget(budgets);
      book().keepOnly(services, steadyNow());
      see();
    },
    look: () => {
      if (told.kind !== 'closed' && isKept && kept().kind === 'closed') {
        book().release();
        changed();
        see('hand');
      } else see();
    },
    flush,
    [Symbol.dispose]: () => {
      flush();
      clearTimeout(turn);
    },
  };
}

/** A trial is told as held while it does not run: who ends in the middle of one leaves no stop unexplained. */
function holdIn(standing: Standing): Hold | undefined {
  switch (standing.kind) {
    case 'open': {
      const { until, scope, reason, lives } = standing;
      return lives ? undefined : { kind: 'held', until, scope, reason };
    }
    case 'trial':
      return { kind: 'held', until: standing.since + AGAIN, scope: standing.scope, reason: standing.reason };
    case 'permanent':
      return { kind: 'fatal', at: standing.since, reason: standing.reason, missing: standing.missing };
    default:
      return undefined;
  }
}

/** ms. A trial that has not come to a process by then is made once more. */
const AGAIN = 60_000;
