import type { Probe, ProbeVerdict } from './health.ts';

/**
 * What is known of one probe.
 *
 *              passes                      fails: `count` of the last `of` tries
 *   unknown ───────────> passing  ─────────────────────────────────────────────> failing
 *      │                    <──────── passes `successes` times in a row ────────    ^
 *      └──────────── fails: `count` of the last `of` tries, `every` apart ──────────┘
 *
 * Before its first pass nothing that fails within the grace is counted, and what is tried more often than it is to be
 * counts once in a period: a slow start is not a row of failures. Each change of the verdict begins the counts anew.
 */
export interface Counted {
  readonly verdict: ProbeVerdict;
  /** It has passed since the counts are what they are about: since the process began, or since `again`. */
  readonly passed: boolean;
  /** The last tries, from the oldest failure on that counts; true: failed. */
  readonly recent: readonly boolean[];
  /** While it fails: passes in a row. */
  readonly passes: number;
  /** When the last failure was that counts (ms). */
  readonly failedAt: number;
}

export type Rule = Pick<Probe, 'every' | 'failures' | 'successes'>;

/** When a try began, and until when nothing that fails counts (ms, of one clock). */
export interface When {
  readonly at: number;
  readonly graceUntil: number;
}

export const FRESH: Counted = {
  verdict: { kind: 'unknown' },
  passed: false,
  recent: [],
  passes: 0,
  failedAt: Number.NEGATIVE_INFINITY,
};

/** `failure`: why a try failed, undefined where it passed. Pure; the same value where nothing has changed. */
export function count(before: Counted, failure: string | undefined, rule: Rule, when: When): Counted {
  return failure === undefined ? afterPass(before, rule) : afterFailure(before, failure, rule, when);
}

function afterPass(before: Counted, { failures, successes }: Rule): Counted {
  const { verdict, passed, recent } = before;
  switch (verdict.kind) {
    case 'unknown':
      return PASSING;
    case 'passing':
      if (passed && recent.length === 0) return before;
      return { ...before, passed: true, recent: slid([...recent, false], failures.of) };
    case 'failing': {
      const passes = before.passes + 1;
      return passes >= successes ? PASSING : { ...before, passed: true, passes };
    }
  }
}

const PASSING: Counted = { ...FRESH, verdict: { kind: 'passing' }, passed: true };

function afterFailure(before: Counted, why: string, { failures, every }: Rule, { at, graceUntil }: When): Counted {
  const { verdict, passed, failedAt } = before;
  if (verdict.kind === 'failing') return { ...before, verdict: { kind: 'failing', why }, passes: 0 };
  if (!passed && (at < graceUntil || at - failedAt < every * 0.9)) return before;
  const recent = slid([...before.recent, true], failures.of);
  if (recent.filter((failed) => failed).length < failures.count) return { ...before, recent, failedAt: at };
  return { ...FRESH, verdict: { kind: 'failing', why }, passed };
}

/** No more than `of` of them, and none that passed before the first that failed. */
function slid(tries: readonly boolean[], of: number): readonly boolean[] {
  const last = tries.slice(-of);
  const first = last.indexOf(true);
  return first === -1 ? [] : last.slice(first);
}

/** The counts of a process that begins anew: what failed is unknown, what passes goes on to until it fails. */
export function renewed({ verdict }: Counted): Counted {
  return verdict.kind === 'passing' ? { ...FRESH, verdict } : FRESH;
}
