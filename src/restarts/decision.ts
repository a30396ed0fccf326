import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isObject, readDecision, writeDecision } from '../decisions.ts';
import { Failure, why } from '../problem.ts';
import { type Breaker, CLOSED } from './breaker.ts';

/*
 * That the daemon only observes is a decision, and kept as one: it outlives the daemon and the boot. No file: closed.
 */

const fileOf = (stateDir: string) => join(stateDir, 'decisions', 'breaker.json');

const isBreaker = (value: unknown): value is Exclude<Breaker, { readonly kind: 'closed' }> =>
  isObject(value) &&
  (value.kind === 'open' || value.kind === 'trial') &&
  typeof value.since === 'number' &&
  typeof value.until === 'number' &&
  typeof value.why === 'string';

/** As it was written last: what time has made of it since is for `breakerAt` to say. Fails where it is damaged. */
export function readBreaker(stateDir: string): Breaker {
  return readDecision(fileOf(stateDir), isBreaker) ?? CLOSED;
}

/** Fails where it can't be written. */
export function saveBreaker(stateDir: string, breaker: Breaker): void {
  if (breaker.kind === 'closed') releaseBreaker(stateDir);
  else writeDecision(fileOf(stateDir), breaker);
}

/**
 * A person wants the breaker closed: true where it was not. A daemon finds out at its next run, and forgets what it had
 * counted on this host.
 */
export function releaseBreaker(stateDir: string): boolean {
  const path = fileOf(stateDir);
  try {
    rmSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw new Failure({ code: 'decisions-unwritable', summary: `cannot close the breaker: ${path}: ${why(error)}` });
  }
}
