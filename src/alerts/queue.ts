import { setTimeout as sleep } from 'node:timers/promises';
import type { Alert } from './alert.ts';
import type { Sent } from './send.ts';

/*
 * What waits to be told to one target, in order.
 *
 *            something to tell                 it failed, and may do better
 *     IDLE ───────────────────> SENDING ─────────────────────────────────────> WAITING
 *       ^                        │ ^  └── told, or given up: the next one ┐      │
 *       └────── none is left ────┘ └──────────────────────────────────────┘      │
 *                                  ^            its wait is over                 │
 *                                  └─────────────────────────────────────────────┘
 *
 * One is given up that was tried TRIES times, that is older than OLD, or that is refused for good. Of more than MOST the
 * oldest that is not critical goes. How many went that way is told with the next.
 */

export interface Queue {
  push(alerts: readonly Alert[]): void;
  /** What is not told yet, the oldest first; and how many were given up since the last that was told. */
  left(): { readonly alerts: readonly Alert[]; readonly dropped: number };
  /** It fails since then (ms since the epoch), and why. */
  failing(): { readonly since: number; readonly why: string } | undefined;
  /** Tells what is left, for at most so long (ms); each is tried once more at once. Then nothing more is sent. */
  close(patience: number): Promise<void>;
}

export interface QueueOptions {
  readonly send: (alert: Alert, signal: AbortSignal) => Promise<Sent>;
  readonly onFailed: (why: string) => void;
  /** It works again, after so long (ms); and how many were given up meanwhile. */
  readonly onWorks: (after: number, dropped: number) => void;
  /** What is left has changed. */
  readonly onChange: () => void;
  readonly start?: { readonly alerts: readonly Alert[]; readonly dropped: number };
  readonly now?: () => number;
  readonly random?: () => number;
  /** ms. The first wait. */
  readonly initial?: number;
}

export const MOST = 1000;
export const TRIES = 12;
/** ms */
const OLD = 3_600_000;
const INITIAL = 1000;
const LONGEST = 300_000;

export function createQueue(options: QueueOptions): Queue {
  const { send, onFailed, onWorks, onChange, start, now = Date.now, random = Math.random, initial = INITIAL } = options;
  const alerts: Alert[] = [...(start?.alerts ?? [])];
  let dropped = start?.dropped ?? 0;
  let failing: { since: number; why: string } | undefined;
  let failures = 0;
  let work: Promise<void> | undefined;
  const ending = new AbortController();
  let hurry = new AbortController();
  let isClosing = false;

  const begin = () => {
    if (work !== undefined || alerts.length === 0 || ending.signal.aborted) return;
    work = run().finally(() => {
      work = undefined;
      // What came between its last look and now.
      if (!isClosing) begin();
    });
  };

  const run = async () => {
    let current: Alert | undefined;
    let tries = 0;
    for (;;) {
      const [head] = alerts;
      if (head === undefined || ending.signal.aborted) return;
      tries = head === current ? tries + 1 : 1;
      current = head;
      const before = dropped;
      const sent = await trySend(before === 0 ? head : { ...head, dropped: before });
      if (sent.kind === 'done') {
        worked();
        dropped -= before;
        remove(head);
        continue;
      }
      // It was told to end, and says nothing of the other side.
      if (ending.signal.aborted) return;
      failed(sent.why);
      if (!sent.again || tries >= TRIES || now() - head.at > OLD) {
        if (remove(head)) dropped += 1;
        continue;
      }
      if (isClosing) return;
      await wait(sent.after);
    }
  };

  /** Was it there still? Others may have pushed it out meanwhile. */
  const remove = (alert: Alert): boolean => {
    const at = alerts.indexOf(alert);
    if (at !== -1) alerts.splice(at, 1);
    onChange();
    return at !== -1;
  };

  const trySend = async (alert: Alert): Promise<Sent> => {
    try {
      return await send(alert, ending.signal);
    } catch (error) {
      return { kind: 'failed', why: String(error), again: false };
    }
  };

  const worked = () => {
    failures = 0;
    if (failing === undefined) return;
    const { since } = failing;
    failing = undefined;
    onWorks(now() - since, dropped);
  };

  const failed = (why: string) => {
    failures += 1;
    if (failing === undefined) onFailed(why);
    failing = { since: failing?.since ?? now(), why };
  };

  /** Twice as long each time, and not at the same time as all others that wait for the same host. */
  const wait = async (least = 0) => {
    const long = Math.min(LONGEST, initial * 2 ** Math.min(20, failures - 1)) * (0.75 + random() / 2);
    hurry = new AbortController();
    await sleep(Math.max(least, long), undefined, { signal: hurry.signal, ref: false }).catch(() => {});
  };

  begin();
  return {
    push: (more) => {
      if (more.length === 0) return;
      alerts.push(...more);
      while (alerts.length > MOST) {
        const at = alerts.findIndex(({ severity }) => severity !== 'critical');
        alerts.splice(Math.max(0, at), 1);
        dropped += 1;
      }
      onChange();
      begin();
    },
    left: () => ({ alerts, dropped }),
    failing: () => failing,
    close: async (patience) => {
      isClosing = true;
      hurry.abort();
      begin();
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const late = setTimeout(resolve, patience);
      // Whoever does not heed the signal is not waited for either.
      await Promise.race([work, over]);
      clearTimeout(late);
      ending.abort();
    },
  };
}
