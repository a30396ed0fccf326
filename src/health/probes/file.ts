import { close, constants, fstat, open, read, stat } from 'node:fs';
import { resolve } from 'node:path';
import { READ } from '../../patterns.ts';
import { why } from '../../problem.ts';
import { formatDuration, roughly } from '../../units.ts';
import { type Attempt, OVER } from '../attempt.ts';
import type { FileTarget } from '../health.ts';

const NO_ANSWER = 'no answer of the file system';

/** Looks at a file; with `reads` its text is given too, of a long one the end. */
export function fileAttempt({ path, changedWithin }: FileTarget, reads = false): Attempt {
  /** A file system that hangs would take one thread after the other. */
  let hangs = false;
  return ({ as }, done) => {
    if (hangs) {
      done(`${NO_ANSWER} since the last try`);
      return OVER;
    }
    hangs = true;
    let over = false;
    const end = (failure: string | undefined, text?: string) => {
      hangs = false;
      if (!over) done(failure, text);
    };
    const file = resolve(as.directory, path);
    stat(file, (error, stats) => {
      if (error) return end(`${file}: ${why(error)}`);
      const age = Date.now() - stats.mtimeMs;
      if (changedWithin !== undefined && age > changedWithin)
        return end(`${file} was last written to ${roughly(age)} ago, not within ${formatDuration(changedWithin)}`);
      if (!reads) return end(undefined);
      if (!stats.isFile()) return end(`${file} is no file that could be read`);
      readEnd(file, (problem, text) => end(problem ? `cannot read ${file}: ${why(problem)}` : undefined, text));
    });
    return (within) => {
      over = true;
      return `${NO_ANSWER} ${within}`;
    };
  };
}

function readEnd(file: string, done: (error: Error | null, text?: string) => void): void {
  // It may have become a pipe meanwhile, which must not be waited for.
  open(file, constants.O_RDONLY | constants.O_NONBLOCK, (error, fd) => {
    if (error) return done(error);
    const end = (problem: Error | null, text?: string) => close(fd, () => done(problem, text));
    fstat(fd, (problem, { size } = {} as never) => {
      if (problem) return end(problem);
      const from = Math.max(0, size - READ);
      const buffer = Buffer.allocUnsafe(READ);
      read(fd, buffer, 0, READ, from, (failed, count) => {
        if (failed) return end(failed);
        const text = buffer.toString('utf8', 0, count);
        // What begins in the middle of a line may begin in the middle of a number.
        end(null, from > 0 ? text.slice(text.indexOf('\n') + 1) : text);
      });
    });
  });
}
