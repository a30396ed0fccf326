import type { Config } from '../config.ts';
import type { Freeze } from '../control/freeze.ts';
import { readHolds } from '../control/holds.ts';
import { nextChange } from '../control/wake.ts';
import { nextTry, readWaits } from '../gates/book.ts';
import { readMarks } from '../marks.ts';
import type { Prepared } from '../prepare.ts';
import { Failure } from '../problem.ts';
import type { DaemonEvent } from './event.ts';
import { tellHolds } from './holds.ts';

/** Has the daemon look again when time alone lets something be done, or ends that it may be. */
export interface Waker extends Disposable {
  /** What a run was planned with. */
  see(prepared: Pick<Prepared, 'control' | 'plan' | 'desired'>): void;
  /** Once a run is over, whatever came of it. */
  arm(): void;
}

/** ms. A timer of Node's can't be longer than 24 days, and clocks are set: it looks now and then anyhow. */
const LONGEST = 3_600_000;

export function createWaker(
  { stateDir }: Pick<Config, 'stateDir'>,
  nudge: (cause: string) => void,
  tell: (event: DaemonEvent) => void,
): Waker {
  let timer: NodeJS.Timeout | undefined;
  let seen: Pick<Prepared, 'control' | 'plan' | 'desired'> | undefined;
  let frozen: readonly Freeze[] = [];
  const holds = tellHolds(tell);
  return {
    see: (prepared) => {
      seen = prepared;
      const { freezes } = prepared.control;
      for (const event of changed(frozen, freezes)) tell(event);
      frozen = freezes;
    },
    arm: () => {
      clearTimeout(timer);
      const now = Date.now();
      const { desired } = seen ?? {};
      const hold = whole(
        () => desired && holds({ holds: readHolds(stateDir), marks: readMarks(stateDir), desired }, now),
      );
      const change = seen === undefined ? undefined : nextChange(seen.control, seen.plan, now);
      const gate = whole(() => nextTry(readWaits(stateDir), now));
      const end = Math.min(...[hold, change, gate].filter((time) => time !== undefined));
      if (!Number.isFinite(end)) return;
      const cause = end === hold ? 'a hold ends' : end === gate ? 'a gate is tried again' : 'its time has come';
      timer = setTimeout(() => nudge(cause), Math.min(LONGEST, Math.max(0, end - now) + 1));
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

/** What was decided that ends by itself; that it is damaged was told by the run. */
function whole(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** What is frozen, and what is so no more; each told once. */
function changed(before: readonly Freeze[], now: readonly Freeze[]): DaemonEvent[] {
  const key = (freeze: Freeze) => JSON.stringify(freeze);
  const known = new Set(before.map(key));
  const names = new Set(now.map(({ name }) => name));
  return [
    ...before.filter(({ name }) => !names.has(name)).map(({ name }) => ({ kind: 'unfrozen', name }) as const),
    ...now.filter((freeze) => !known.has(key(freeze))).map((freeze) => ({ kind: 'frozen', ...freeze }) as const),
  ];
}
