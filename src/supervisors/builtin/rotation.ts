import { why } from '../../problem.ts';
import type { BuiltinEvent } from './events.ts';
import { rotateIfNeeded } from './rotate.ts';
import { sizeOf } from './tail.ts';
import type { Unit } from './unit.ts';

/** What was told once of a log is not told again until it changes. */
const told = new Map<string, string>();

/** Looks at the logs of all services that run and rotates what has grown too large; resolves with whether something had. */
export async function rotateLogs(units: Iterable<Unit>, emit: (event: BuiltinEvent) => void): Promise<boolean> {
  let grown = false;
  for (const { id, pid, settings } of units) {
    if (pid === undefined) continue;
    const { stdout, stderr, maxSize, keep } = settings.logs;
    for (const path of new Set([stdout, stderr])) {
      let trouble: string | undefined;
      try {
        // Far cheaper than asking in earnest, and nearly always the answer.
        if (maxSize === 0 || sizeOf(path) <= maxSize) continue;
        const rotated = await rotateIfNeeded(path, { maxSize, keep });
        if (rotated === 'not-needed') continue;
        grown = true;
        if (rotated === 'truncated')
          trouble = 'this file system can only truncate: lines written meanwhile may be lost';
      } catch (error) {
        trouble = why(error);
      }
      if (trouble !== undefined && told.get(path) !== trouble) {
        const problem = { code: 'rotation', summary: `cannot rotate ${path} soundly: ${trouble}`, file: path };
        emit({ kind: 'service-trouble', service: id, problem });
      }
      if (trouble === undefined) told.delete(path);
      else told.set(path, trouble);
    }
  }
  return grown;
}
