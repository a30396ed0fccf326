import type { ServiceId } from '../../model.ts';
import { type Problem, why } from '../../problem.ts';
import { rotateIfNeeded } from './rotate.ts';
import type { Logs } from './settings.ts';
import { sizeOf } from './tail.ts';

/** A service that runs, and the files it writes to. */
export interface Logging {
  readonly id: ServiceId;
  readonly logs: Logs;
}

/** What was told once of a log is not told again until it changes. */
const told = new Map<string, string>();

/** Looks at the logs of services that run and rotates what has grown too large; resolves with whether something had. */
export async function rotateLogs(
  services: Iterable<Logging>,
  trouble: (service: ServiceId, problem: Problem) => void,
): Promise<boolean> {
  let grown = false;
  for (const { id, logs } of services) {
    const { stdout, stderr, maxSize, keep } = logs;
    for (const path of new Set([stdout, stderr])) {
      let because: string | undefined;
      try {
        // Far cheaper than asking in earnest, and nearly always the answer.
        if (maxSize === 0 || sizeOf(path) <= maxSize) continue;
        const rotated = await rotateIfNeeded(path, { maxSize, keep });
        if (rotated === 'not-needed') continue;
        grown = true;
        if (rotated === 'truncated')
          because = 'this file system can only truncate: lines written meanwhile may be lost';
      } catch (error) {
        because = why(error);
      }
      if (because !== undefined && told.get(path) !== because) {
        trouble(id, { code: 'rotation', summary: `cannot rotate ${path} soundly: ${because}`, file: path });
      }
      if (because === undefined) told.delete(path);
      else told.set(path, because);
    }
  }
  return grown;
}
