import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { READ } from '../../patterns.ts';
import { why } from '../../problem.ts';
import { maskText } from '../../secrets.ts';
import { type Attempt, type Cancel, type Context, type Done, OVER } from '../attempt.ts';
import type { ExecTarget } from '../health.ts';

/** What is kept of the end of what it prints, in bytes, and of its last line, in characters. */
const END = 4096;
const LINE = 200;

/** More than so many bytes in one go are taken with pauses of so many ms: who prints without end must not keep us busy. */
const GULP = 1024 * 1024;
const PAUSE = 10;

/** ms. How long what it has printed is waited for once it has ended; whoever left its group may hold on to it. */
const AFTER = 100;

/**
 * Runs a command as the service is run, in a process group of its own: nothing of it stays, however it ends. With `reads`
 * the first 64 KiB of its standard output are given too.
 */
export function execAttempt({ command }: ExecTarget, reads = false): Attempt {
  let last: ChildProcess | undefined;
  return (context, done) => {
    if (last !== undefined) {
      done(`the process of its last try, ${last.pid}, can't be killed`);
      return OVER;
    }
    const child = begin(command, context, done, reads);
    last = child.process;
    const gone = () => {
      last = undefined;
    };
    child.process.once('exit', gone).once('error', gone);
    return child.cancel;
  };
}

function begin(command: readonly string[], { as }: Context, done: Done, reads: boolean) {
  const [program = '', ...args] = [...as.prefix, ...command];
  const child = spawn(program, args, {
    cwd: as.directory,
    env: as.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = child.stdout === null ? undefined : collect(child.stdout, reads ? READ : 0);
  const errors = child.stderr === null ? undefined : collect(child.stderr, 0);
  let tell: Done | undefined = done;
  let waiting: NodeJS.Timeout | undefined;
  const end = (failure: string | undefined) => {
    const told = tell;
    tell = undefined;
    clearTimeout(waiting);
    child.stdout?.destroy();
    child.stderr?.destroy();
    told?.(failure, output?.text());
  };
  const said = () => {
    const line = errors?.last() || output?.last();
    return line ? `: ${line}` : '';
  };
  const verdict = (code: number | null, signal: NodeJS.Signals | null) =>
    code === 0 ? undefined : `${code === null ? `ended by ${signal}` : `exit code ${code}`}${said()}`;
  child
    .on('error', (error) => {
      if (child.pid === undefined) end(`cannot run ${command[0]}: ${why(error)}`);
    })
    .on('exit', (code, signal) => {
      killGroup(child);
      if (tell !== undefined) waiting = setTimeout(() => end(verdict(code, signal)), AFTER);
    })
    .on('close', (code, signal) => end(verdict(code, signal)));
  const cancel: Cancel = (within) => {
    const line = said();
    tell = undefined;
    killGroup(child);
    end(undefined);
    return `did not end ${within}, killed${line.replace(/^:/, '; it last printed:')}`;
  };
  return { process: child, cancel };
}

/** What it has started and left running is killed with it. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

interface Collected {
  /** The beginning of it. */
  text(): string;
  /** Its last line with something on it, as it may be shown. */
  last(): string;
}

/** Takes all that comes, so that nobody waits for being read, and keeps a little. */
function collect(stream: Readable, most: number): Collected {
  const head: Buffer[] = [];
  let kept = 0;
  let tail: Buffer = Buffer.alloc(0);
  let gulp = 0;
  stream
    .on('data', (chunk: Buffer) => {
      if (kept < most) {
        head.push(chunk.subarray(0, most - kept));
        kept += chunk.length;
      }
      tail = Buffer.from((chunk.length >= END ? chunk : Buffer.concat([tail, chunk])).subarray(-END));
      gulp += chunk.length;
      if (gulp < GULP) return;
      gulp = 0;
      stream.pause();
      setTimeout(() => stream.resume(), PAUSE).unref();
    })
    .on('error', () => {});
  return {
    text: () => Buffer.concat(head).toString('utf8'),
    last: () => lastLine(tail.toString('utf8')),
  };
}

/** The last line of a text that has something on it, without secrets and what a terminal would take for a command. */
export function lastLine(text: string): string {
  const lines = stripVTControlCharacters(text).split(/[\r\n]+/);
  const line = lines
    .map((one) =>
      one
        .replace(/\t/g, ' ')
        .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
        .trim(),
    )
    .findLast((one) => one !== '');
  const masked = maskText(line ?? '');
  return masked.length > LINE ? `${masked.slice(0, LINE - 1)}…` : masked;
}
