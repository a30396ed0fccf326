import { setTimeout as sleep } from 'node:timers/promises';
import { lives, type ProcessRef } from '../../host/procfs.ts';
import { signalExactly } from './process-tree.ts';

export interface EndOptions {
  /** All of the tree that lives now, from above to below: these, and what descends from them. */
  readonly collect: (known: readonly ProcessRef[]) => readonly ProcessRef[];
  /** Is a root still what it was taken for? Asked right before its first signal. */
  readonly isStill?: (root: ProcessRef) => boolean;
  /** May they be asked by signal yet, or is somebody else at it? Always, where not said. */
  readonly mayAsk?: () => boolean;
  /** ms until they are killed. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

export type End =
  /** `at`: when one was seen last (performance.now()). */
  | { readonly kind: 'gone'; readonly at: number }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'denied'; readonly pid: number }
  /** They live on after SIGKILL: in the kernel, mostly for a disk that does not answer. */
  | { readonly kind: 'alive'; readonly pids: readonly number[] };

/** ms. What was killed and lives so long will not end soon. */
const PATIENCE = 5000;
/** ms. The tree is looked for again so often: what it has forked meanwhile belongs to it. */
const AGAIN = 50;

/**
 * Ends processes and all that descends from them, parents first, so that none replaces what has ended below it: SIGTERM
 * once for each, SIGKILL for whoever is left in the end. What they fork meanwhile is found and ended as well.
 */
export async function endTree(roots: readonly ProcessRef[], options: EndOptions): Promise<End> {
  const { collect, isStill = () => true, mayAsk = () => true, timeout, signal } = options;
  const begun = performance.now();
  const confirmed = roots.filter(isStill);
  const asRoot = new Set(confirmed.map(keyOf));
  const asked = new Set<string>();
  let known: readonly ProcessRef[] = confirmed;
  let at = begun;
  let killAt = begun + timeout;
  for (;;) {
    const members = collect(known);
    if (members.length === 0) return { kind: 'gone', at };
    known = union(known, members);
    if (signal.aborted) return { kind: 'interrupted' };
    const now = performance.now();
    if (now > killAt + PATIENCE) return { kind: 'alive', pids: members.map(({ pid }) => pid) };
    const kill = now >= killAt;
    if (!kill && asked.size === 0 && mayAsk()) killAt = Math.max(killAt, now + Math.min(timeout, 1000));
    for (const member of members) {
      const key = keyOf(member);
      if (!kill && (asked.has(key) || !mayAsk())) continue;
      const first = !asked.has(key) && asRoot.has(key);
      asked.add(key);
      const sent = signalExactly(member, kill ? 'SIGKILL' : 'SIGTERM', first ? () => isStill(member) : undefined);
      if (sent === 'denied') return { kind: 'denied', pid: member.pid };
      if (sent === 'gone' && first && lives(member)) {
        // It has become another program: neither it nor what descends from it is to be ended.
        const others = confirmed.filter((each) => keyOf(each) !== key);
        return endTree(others, { ...options, timeout: Math.max(0, killAt - performance.now()) });
      }
    }
    at = await waitFor(members, Math.min(AGAIN * (1 + Math.floor((now - begun) / 1000)), 250));
  }
}

/** Until all are gone, or for so long (ms); when one was seen last: what is measured from it is never too short. */
async function waitFor(members: readonly ProcessRef[], limit: number): Promise<number> {
  const begun = performance.now();
  let seen = begun;
  for (;;) {
    const now = performance.now();
    if (!members.some(lives)) return seen;
    seen = now;
    if (now - begun >= limit) return seen;
    await sleep(now - begun < 20 ? 1 : 4);
  }
}

function union(known: readonly ProcessRef[], more: readonly ProcessRef[]): readonly ProcessRef[] {
  return [...new Map([...known, ...more].map((each) => [keyOf(each), { pid: each.pid, start: each.start }])).values()];
}

function keyOf({ pid, start }: ProcessRef): string {
  return `${pid} ${start}`;
}
