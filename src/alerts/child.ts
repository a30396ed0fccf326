import { spawn } from 'node:child_process';
import { why } from '../problem.ts';
import { formatDuration } from '../units.ts';
import type { Limits } from './send.ts';

export type Ended =
  /** `said`: the end of what it wrote. */
  | { readonly kind: 'exited'; readonly code: number; readonly said: string }
  | { readonly kind: 'not'; readonly why: string };

/** So much of what it writes is kept (characters): the last of it tells what went wrong. */
const SAID = 200;
/** ms. So long after its end what it wrote is waited for. */
const LATE = 200;

/**
 * Runs a program with a text on its standard input, in a process group of its own, all of which is killed when the signal
 * aborts. It is given a plain environment: nothing of what the daemon was told. Never rejects.
 */
export function runChild(
  program: string,
  args: readonly string[],
  input: string,
  { timeout, signal }: Limits,
): Promise<Ended> {
  const {
    PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME = '/',
    LANG = 'C.UTF-8',
  } = process.env;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: '/',
      env: { PATH, HOME, LANG },
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    const hear = (chunk: string) => {
      said = `${said}${chunk}`.slice(-SAID);
    };
    for (const stream of [child.stdout, child.stderr])
      stream
        .setEncoding('utf8')
        .on('data', hear)
        .on('error', () => {});
    const kill = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    };
    const end = (ended: Ended) => {
      signal.removeEventListener('abort', kill);
      // What it left behind may keep these open for ever.
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
      resolve(ended);
    };
    child.on('error', (error) => end({ kind: 'not', why: `cannot run ${program}: ${why(error)}` }));
    child.on('exit', (code, by) => {
      const judge = () => {
        if (code !== null) end({ kind: 'exited', code, said: said.trim() });
        else if (signal.aborted) end({ kind: 'not', why: `did not end within ${formatDuration(timeout)}` });
        else end({ kind: 'not', why: `was ended by ${by}` });
      };
      // What it wrote last is read first, but something that it left behind may keep its output open for ever.
      const late = setTimeout(judge, LATE);
      child.on('close', () => {
        clearTimeout(late);
        judge();
      });
    });
    // One that does not read it is as good as one that does.
    child.stdin.on('error', () => {}).end(input);
    signal.addEventListener('abort', kill);
    if (signal.aborted) kill();
  });
}
