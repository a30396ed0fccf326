/** Tries of targets of all kinds. Loaded before the first try, and what reads answers only where a target needs it. */
import { unreachable, why } from '../problem.ts';
import { type Attempt, type Cancel, type Context, within } from './attempt.ts';
import type { HttpTarget, Probe, ProgressTarget, RunAs, Target } from './health.ts';
import { execAttempt } from './probes/exec.ts';
import { fileAttempt } from './probes/file.ts';
import { httpAttempt } from './probes/http.ts';
import { processAttempt } from './probes/process.ts';
import { tcpAttempt } from './probes/tcp.ts';
import { advance, type Mark, standstill } from './progress.ts';

/** How a target is tried, again and again: what can be prepared for it is, and progress is remembered from try to try. */
export async function attemptOf(target: Probe['target']): Promise<Attempt> {
  switch (target.kind) {
    case 'http':
      return checked(target);
    case 'tcp':
      return tcpAttempt(target);
    case 'exec':
      return execAttempt(target);
    case 'file':
      return fileAttempt(target);
    case 'progress':
      return progressAttempt(target);
    case 'process':
      return processAttempt(target);
    default:
      return unreachable(target);
  }
}

async function checked(target: HttpTarget): Promise<Attempt> {
  if (target.body === undefined && target.json === undefined) return httpAttempt(target, false);
  const check = await (await import('./probes/answer.ts')).checkOf(target);
  const attempt = httpAttempt(target, true);
  return (context, done) =>
    attempt(context, (failure, text = '') => done(failure ?? guarded(() => check?.(text)), text));
}

async function progressAttempt(target: ProgressTarget): Promise<Attempt> {
  const { numberOf } = await import('./probes/answer.ts');
  const [number, from] = await Promise.all([numberOf(target), reader(target.from)]);
  let mark: Mark | undefined;
  const judge = (name: string, text: string) => {
    const value = number(text);
    if (typeof value === 'string') return value;
    const now = performance.now();
    mark = advance(mark, value, now);
    return standstill(name, mark, target.within, now);
  };
  return (context, done) =>
    from(context, (failure, text = '') => done(failure ?? guarded(() => judge(context.name, text))));
}

/** The text of what it gives goes along. */
async function reader(target: ProgressTarget['from']): Promise<Attempt> {
  switch (target.kind) {
    case 'http':
      return target.body === undefined && target.json === undefined ? httpAttempt(target, true) : checked(target);
    case 'exec':
      return execAttempt(target, true);
    case 'file':
      return fileAttempt(target, true);
    default:
      return unreachable(target);
  }
}

/** What comes from outside may be such as nobody has thought of. */
function guarded(judge: () => string | undefined): string | undefined {
  try {
    return judge();
  } catch (error) {
    return `cannot read what it gives: ${why(error)}`;
  }
}

export interface TryOptions {
  /** ms. */
  readonly timeout: number;
  /** The main process of the service, where it is known. */
  readonly pid?: number;
}

/**
 * One try of a target by itself, as a gate makes it: undefined where it passed, else why not, in one line. Never rejects; ends
 * at its timeout, or at once where the signal aborts.
 */
export async function tryTarget(
  target: Target,
  as: RunAs,
  { timeout, pid }: TryOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return 'interrupted';
  let attempt: Attempt;
  try {
    attempt = await attemptOf(target);
  } catch (error) {
    return why(error);
  }
  const context: Context = { name: '', as, pid: () => pid };
  return new Promise((resolve) => {
    const end = (failure: string | undefined) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      resolve(failure);
    };
    const timer = setTimeout(() => end(cancel(within(timeout))), timeout);
    const abort = () => {
      cancel('');
      end('interrupted');
    };
    signal.addEventListener('abort', abort);
    let cancel: Cancel = () => '';
    try {
      cancel = attempt(context, end);
    } catch (error) {
      end(why(error));
    }
    if (signal.aborted) abort();
  });
}
