import type { Actual, Notice } from '../model.ts';
import { alive } from './draft.ts';

/** What others have put beside our definition. */
export function besides(actual: Actual | undefined): Notice[] {
  const paths = actual?.besides ?? [];
  return actual === undefined || paths.length === 0 ? [] : [{ kind: 'besides', service: actual.id, paths }];
}

/** That a process runs which may stem from anything. */
export function unknownProcess({ id, run }: Actual): Notice[] {
  // Of what has done its work and counts as active there is none.
  return alive(run) && run.pid > 0 ? [{ kind: 'unknown-process', service: id, pid: run.pid }] : [];
}
