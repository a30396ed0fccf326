import { unreachable } from '../problem.ts';
import type { Alert } from './alert.ts';
import type { Target } from './targets.ts';

/** What came of one try. `again`: a later one may do better; `after` (ms): not before, as the other side says. */
export type Sent =
  | { readonly kind: 'done'; readonly what: string }
  | { readonly kind: 'failed'; readonly why: string; readonly again: boolean; readonly after?: number };

/** One try. Ends with the target's timeout, or when the signal aborts; never rejects. What says why holds no secret. */
export async function send({ means, timeout }: Target, alert: Alert, signal: AbortSignal): Promise<Sent> {
  const own = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const limits = { timeout, signal: own };
  switch (means.kind) {
    case 'webhook':
      return (await import('./webhook.ts')).post(means, alert, limits);
    case 'exec':
      return (await import('./exec.ts')).execute(means.command, alert, limits);
    case 'journal':
      return (await import('./journal.ts')).log(alert, limits);
    default:
      return unreachable(means);
  }
}

export interface Limits {
  /** ms, for people: the signal aborts by then. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}
