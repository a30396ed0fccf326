import { maskField } from '../secrets.ts';
import { deedsOf } from './deeds.ts';
import { baseOf, isShell, textOf } from './programs.ts';
import type { Job, Witness } from './samples.ts';
import { isManager, type Started, startedHow, startedWords } from './started.ts';

/** Who decides that a command is run: the program behind it, as far as its parents tell. */
export interface Actor {
  readonly pid: number;
  /** Clock ticks since boot: with the pid, this very process. */
  readonly start: number;
  /** As shown, secrets masked. */
  readonly command: string;
  readonly user: string;
  readonly started: Started;
}

/**
 * The nearest parent of a command that is a program of its own: no wrapper that exists for the command alone (`sh -c`, `sudo`),
 * and nothing that only runs what others tell it to (cron, a login shell). Where there is none, the outermost wrapper. Pure.
 */
export function actorOf({ process, parents }: Job, userOf: (uid: number) => string): Actor {
  const chain = [process, ...parents];
  let at = 0;
  for (let i = 1; i < chain.length; i += 1) {
    const one = chain[i];
    if (one === undefined || isManager(one)) break;
    at = i;
    if (!isWrapper(one)) break;
  }
  const found = chain[at] ?? process;
  return {
    pid: found.pid,
    start: found.start,
    command: commandWords(found.argv),
    user: userOf(found.uid),
    started: startedHow(chain.slice(at)),
  };
}

/** It is there for the command alone: no program of its own, which decides what is run. */
export function isWrapper({ argv }: Pick<Witness, 'argv'>): boolean {
  const [file = '', ...args] = argv;
  return deedsOf(argv).length > 0 || (isShell(baseOf(file)) && textOf(args) !== undefined);
}

/** pid 4711 `python3 daemon.py` started by hand by root */
export function actorWords({ pid, command, user, started }: Actor): string {
  return `pid ${pid} \`${command}\` ${startedWords(started, user)}`;
}

const LONG = 200;

/** A command line for people: one line, not too long, secrets masked. */
export function commandWords(argv: readonly string[]): string {
  // supervisorctl takes its password so.
  const secret = argv.some((word) => baseOf(word) === 'supervisorctl') ? argv.indexOf('-p') + 1 : 0;
  const masked = maskField(
    'command',
    argv.map((word, i) => (secret > 0 && i === secret ? '***' : word)),
  );
  const words = Array.isArray(masked) ? masked.map((word) => (word === '' ? "''" : String(word))) : [];
  const text = words.join(' ').replace(/\s+/g, ' ').trim();
  return text.length > LONG ? `${text.slice(0, LONG)}…` : text;
}
