import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { SystemdHost } from '../../rig/systemd/host.ts';

/** ms */
const TICK = 10;

export interface Copy {
  readonly pid: number;
  /** When it began, CLOCK_MONOTONIC in ms, to one tick of the kernel's clock (10 ms) before. */
  readonly start: number;
}

/** From `at` on (CLOCK_MONOTONIC, ms) these copies were seen; at `before`, the look before that, it was still otherwise. */
export interface Span {
  readonly at: number;
  readonly before: number;
  readonly copies: readonly Copy[];
}

/** The time (ms) between one process and the next: it is at least `least` and at most `most`. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

export interface Gap {
  readonly from: number;
  readonly to: number;
  /** Until the next process began: forked, and not yet the program that it becomes. */
  readonly process: Bounds;
  /** Until that had become the program itself. */
  readonly program: Bounds;
}

export interface Sampler {
  /** All spans of a program so far, oldest first; the last one still lasts. */
  spans(name: string): readonly Span[];
  now(name: string): readonly Copy[];
  /** A moment to ask for what came since. */
  mark(): number;
  /** The spans since then in which two or more copies were there at one moment. */
  doubles(since?: number): readonly (Span & { readonly name: string })[];
  /** The times since then without a copy that another process ended. */
  gaps(name: string, since?: number): readonly Gap[];
  /** The longest time between two looks so far (ms). */
  worst(): number;
  /** Resolves when it has looked after now. */
  caughtUp(): Promise<void>;
  stop(): void;
}

/** Watches programs in a host from a process of its own there. Its error, if it fails, is thrown by every question. */
export function startSampler(host: SystemdHost, programs: Readonly<Record<string, readonly string[]>>): Sampler {
  const script = readFileSync(new URL('sampler.py', import.meta.url), 'utf8');
  const child = host.spawn(['/usr/bin/python3', '-c', script, JSON.stringify(programs)]);
  const spans = new Map<string, Span[]>(Object.keys(programs).map((name) => [name, []]));
  let worst = 0;
  let complaint = '';
  let stopped = false;
  let over = false;
  const waiting = new Set<(beat: number) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as
      | { readonly beat: number; readonly worst: number }
      | { readonly name: string; readonly at: number; readonly before: number; readonly pids: [number, number][] };
    if ('beat' in said) {
      worst = Math.max(worst, said.worst);
      for (const wake of [...waiting]) wake(said.beat);
    } else {
      const copies = said.pids.map(([pid, start]) => ({ pid, start }));
      spans.get(said.name)?.push({ at: said.at, before: said.before, copies });
    }
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaint += chunk;
  });
  child.once('close', () => {
    over = true;
    for (const wake of [...waiting]) wake(Number.POSITIVE_INFINITY);
  });
  const mark = () => Number(process.hrtime.bigint()) / 1e6;
  const of = (name: string): readonly Span[] => {
    // Where its host was ended it has been stopped with that.
    if (over && !stopped) throw new Error(`the sampler has ended: ${complaint}`);
    return spans.get(name) ?? [];
  };

  return {
    spans: of,
    now: (name) => of(name).at(-1)?.copies ?? [],
    mark,
    doubles: (since = 0) =>
      [...spans.keys()].flatMap((name) =>
        of(name)
          .filter(({ at, copies }) => at >= since && copies.length > 1)
          .map((span) => ({ name, ...span })),
      ),
    gaps: (name, since = 0) => {
      const all = of(name);
      return all.flatMap((span, i) => {
        const [old, next] = [all[i - 1], all[i + 1]];
        if (span.copies.length > 0 || old === undefined || next === undefined || next.at < since) return [];
        const [from, to] = [old.copies[0], next.copies[0]];
        if (from === undefined || to === undefined) return [];
        const [earliest, latest] = [span.before, span.at];
        const between = (begin: number, end: number) => ({ least: Math.max(0, begin - latest), most: end - earliest });
        const process = between(to.start, to.start + TICK);
        return [{ from: from.pid, to: to.pid, process, program: between(next.before, next.at) }];
      });
    },
    worst: () => worst,
    caughtUp: () =>
      new Promise((resolve) => {
        const from = mark();
        const wake = (beat: number) => {
          if (beat < from) return;
          waiting.delete(wake);
          resolve();
        };
        waiting.add(wake);
        if (over) wake(Number.POSITIVE_INFINITY);
      }),
    stop: () => {
      stopped = true;
      child.kill('SIGKILL');
    },
  };
}
