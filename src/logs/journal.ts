import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Problem } from '../problem.ts';
import { why } from '../problem.ts';
import { type Entry, entriesIn, FIELDS, type Scope } from './journal-export.ts';

export type { Scope } from './journal-export.ts';

/*
 * The journal, as journalctl tells it: which of its files to read, how, and when something is added to them is its affair.
 */

export interface Range {
  /** No more than the newest so many. */
  readonly count?: number | undefined;
  /** ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

const running = new Set<Child>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function journalctl(scope: Scope, args: readonly string[], units: readonly string[]): Child {
  const own = scope === 'user' ? ['--user'] : [];
  const named = units.map((unit) => `--unit=${unit}`);
  const child = spawn(
    'journalctl',
    [...own, '--no-pager', '-o', 'export', `--output-fields=${FIELDS.join()}`, ...args, ...named],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C.UTF-8' } },
  );
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

/** Entries of units as they come, in chunks. Ends with the process; rejects with a problem where it can't be read. */
async function* entriesOf(child: Child, units: ReadonlySet<string>, scope: Scope): AsyncGenerator<readonly Entry[]> {
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const ended = new Promise<Error | number | null>((resolve) => {
    child.once('error', resolve).once('close', (code) => resolve(code));
  });
  let rest = '';
  for await (const chunk of child.stdout.setEncoding('latin1') as AsyncIterable<string>) {
    const found = entriesIn(rest + chunk, units, scope);
    rest = found.rest;
    if (found.entries.length > 0) yield found.entries;
  }
  const end = await ended;
  if (child.signalCode !== null || end === 0) return;
  throw new JournalFailure(problemOf(end, said));
}

export class JournalFailure extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.summary);
    this.problem = problem;
  }
}

function problemOf(end: Error | number | null, said: string): Problem {
  const missing = end instanceof Error && (end as NodeJS.ErrnoException).code === 'ENOENT';
  const [first] = said.split('\n').filter((line) => line !== '' && !line.startsWith('Hint'));
  const because = missing
    ? 'there is no journalctl on this host'
    : end instanceof Error
      ? why(end)
      : (first ?? `journalctl ended with ${end}`);
  const denied = /insufficient permissions|permission denied/i.test(said);
  const hint = denied ? { hint: 'ask as root, or as a member of the group systemd-journal or adm' } : {};
  return { code: 'journal-unreadable', summary: `cannot read the journal: ${because}`, ...hint };
}

/** What is there of a unit by now, the oldest first. */
export function readJournal(scope: Scope, unit: string, { count, since, until }: Range) {
  const seconds = (ms: number) => `@${Math.floor(ms / 1000)}`;
  const args = [
    '-q',
    ...(count === undefined ? [] : ['-n', String(count)]),
    ...(since === undefined ? [] : ['--since', seconds(since)]),
    ...(until === undefined ? [] : ['--until', `@${Math.floor(until / 1000) + 1}`]),
  ];
  const child = journalctl(scope, args, [unit]);
  const isWanted = ({ at }: Entry) => (since === undefined || at >= since) && (until === undefined || at <= until);
  return {
    entries: filtered(entriesOf(child, new Set([unit]), scope), isWanted),
    stop: () => child.kill(),
  };
}

async function* filtered(
  chunks: AsyncIterable<readonly Entry[]>,
  isWanted: (entry: Entry) => boolean,
): AsyncGenerator<readonly Entry[]> {
  for await (const chunk of chunks) {
    const wanted = chunk.filter(isWanted);
    if (wanted.length > 0) yield wanted;
  }
}

/** The newest entry of all; undefined where there is none, or none that may be read. */
export async function newestCursor(scope: Scope): Promise<string | undefined> {
  const child = journalctl(scope, ['-q', '-n', '1'], []);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  child.stderr.resume();
  await new Promise((resolve) => child.once('close', resolve).once('error', resolve));
  return /^__CURSOR=(.+)$/m.exec(text)?.[1];
}

/**
 * So many units are left to journalctl to choose by. It looks for the next entry of each of them anew: with fifty that takes
 * it 66 us an entry, and 9 where it gives all there are.
 */
const CHOSEN = 8;

/** What is added from a place on, or since a time (ms since the epoch), of all these units, by one process for all of them. */
export function followJournal(
  scope: Scope,
  units: readonly string[],
  from: { readonly after: string } | { readonly since: number },
) {
  const begin = 'after' in from ? ['--after-cursor', from.after] : ['--since', `@${Math.floor(from.since / 1000)}`];
  const child = journalctl(scope, ['-q', '-f', '-n', 'all', ...begin], units.length > CHOSEN ? [] : units);
  return { entries: entriesOf(child, new Set(units), scope), stop: () => child.kill() };
}

/** Why entries of a scope may be missing that are there: not everybody may read them. */
export function hiddenFrom(scope: Scope): Promise<Problem | undefined> {
  if (scope === 'user' || process.getuid?.() === 0) return Promise.resolve(undefined);
  const child = journalctl(scope, ['-n', '1'], []);
  child.stdout.resume();
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((resolve) => {
    child.once('error', () => resolve(undefined));
    child.once('close', () => {
      const hidden = said.includes('You are currently not seeing messages');
      resolve(
        hidden
          ? {
              code: 'journal-hidden',
              summary: 'cannot read all of the journal: messages of other users and of the system are hidden',
              hint: 'ask as root, or as a member of the group systemd-journal or adm',
            }
          : undefined,
      );
    });
  });
}
