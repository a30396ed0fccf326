import type { ServiceId } from '../../model.ts';
import { exitText } from '../shared/exit.ts';
import { permanentText } from '../shared/held.ts';
import type { Settings } from '../shared/settings.ts';
import { exitCodeOf } from './last-exits.ts';
import type { Link } from './link.ts';
import { exitOf, reasonOf, STATE } from './runs.ts';

/** Resolves when supervisord's log says something, after a time (ms), or on abort. */
export type Wake = (limit: number, signal: AbortSignal) => Promise<void>;

/** What became of a start. */
export type Ready =
  | { readonly kind: 'ready'; readonly pid: number }
  /** It has ended, as its restart policy allows. */
  | { readonly kind: 'ended-well' }
  | { readonly kind: 'interrupted' }
  /** `permanent`: as no restart can heal, though supervisord may be about to try. */
  | { readonly kind: 'failed'; readonly because: string; readonly permanent?: true };

/** ms. Asking wakes supervisord, which else looks at its programs once a second. */
const OFTEN = 100;
const SELDOM = 1000;

/**
 * Waits until a program that was started is RUNNING: up for `start.ready`, by supervisord's own account. What it retries
 * (BACKOFF) is waited for, as often as it does.
 */
export async function ready(
  link: Link,
  wake: Wake,
  id: ServiceId,
  { rules, startTimeout }: Settings,
  signal: AbortSignal,
): Promise<Ready> {
  // A retry waits a second more each time.
  const patience = startTimeout + (rules.ready + 1000 * rules.retries) * (rules.retries + 1);
  const limit = Date.now() + patience;
  for (;;) {
    if (signal.aborted) return { kind: 'interrupted' };
    const info = await link.info(id);
    if (info === undefined) return { kind: 'failed', because: 'somebody removed it from supervisord meanwhile' };
    const code = exitCodeOf(link, info);
    if (code !== undefined && rules.permanent.includes(code))
      return { kind: 'failed', because: permanentText({ kind: 'code', code }), permanent: true };
    switch (info.state) {
      case STATE.running:
        return { kind: 'ready', pid: info.pid };
      case STATE.fatal:
        return { kind: 'failed', because: `could not be started, tried ${times(rules.retries)}: ${reasonOf(info)}` };
      case STATE.stopped:
      case STATE.stopping:
        if (info.start > 0 || info.state === STATE.stopping)
          return { kind: 'failed', because: 'somebody stopped it meanwhile' };
        break;
      case STATE.exited:
        if (rules.policy !== 'always' && info.exitstatus === 0) return { kind: 'ended-well' };
        if (rules.policy === 'never') return { kind: 'failed', because: exitText(exitOf(info)) };
        break;
    }
    if (Date.now() >= limit) return { kind: 'failed', because: `it was not up in time: ${reasonOf(info)}` };
    const due = info.start * 1000 + rules.ready - Date.now();
    await wake(info.state === STATE.starting ? Math.max(OFTEN, Math.min(due, SELDOM)) : OFTEN, signal);
  }
}

/**
 * Waits until what was to stop has (`isOver`), for a program until it has no process; supervisord kills it after its time
 * (ms).
 */
export async function stopped(
  isOver: () => Promise<boolean>,
  wake: Wake,
  timeout: number,
  signal: AbortSignal,
): Promise<'stopped' | 'interrupted' | 'alive'> {
  const limit = Date.now() + timeout + 10_000;
  for (let pause = 5; ; pause = Math.min(pause * 2, OFTEN)) {
    if (await isOver()) return 'stopped';
    if (signal.aborted) return 'interrupted';
    if (Date.now() >= limit) return 'alive';
    await wake(pause, signal);
  }
}

/** Resolves when what was ready has ended more often than it is to be tried again, with how it did; on abort with nothing. */
export async function ended(
  link: Link,
  wake: Wake,
  id: ServiceId,
  pid: number,
  { rules }: Settings,
  signal: AbortSignal,
): Promise<string | undefined> {
  const seen = new Set([pid]);
  while (!signal.aborted) {
    const info = await link.info(id);
    if (info === undefined) return 'somebody removed it from supervisord';
    if (info.state === STATE.fatal) return reasonOf(info);
    if (info.state === STATE.stopped) return 'somebody stopped it';
    if (info.pid > 0) seen.add(info.pid);
    const ends = seen.size - (info.pid > 0 ? 1 : 0);
    if (ends > rules.retries) return info.state === STATE.exited ? exitText(exitOf(info)) : 'and was started again';
    await wake(OFTEN, signal);
  }
  return undefined;
}

function times(retries: number): string {
  return retries === 0 ? 'once' : `${retries + 1} times in a row`;
}
