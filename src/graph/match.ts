import { basename, dirname, normalize, resolve } from 'node:path';
import { type Command, familyOf, readCommand } from './command.ts';
import { shown } from './shown.ts';

/** What is known of a process; getters may read it when it is asked for. */
export interface Seen {
  readonly argv: readonly string[];
  readonly exe?: string | undefined;
  readonly cwd?: string | undefined;
  readonly user?: string | undefined;
  readonly uid?: number | undefined;
}

/** What is looked for. Where no directory or user is named, any will do. */
export interface Wanted {
  readonly command: readonly string[];
  readonly directory?: string | undefined;
  /** The directory with its links followed, where that is another: the kernel tells only that. */
  readonly realDirectory?: string | undefined;
  /** A name or number, or `USER:GROUP`. */
  readonly user?: string | undefined;
}

/**
 * - `exact`: that very command, of that user and, where it tells commands apart, in that directory. Only this is ever acted on.
 * - `likely`: worth a look by a person.
 */
export interface Match {
  readonly kind: 'exact' | 'likely' | 'none';
  /** From 0 to 1. */
  readonly score: number;
  /** In words, what speaks for it and what against. */
  readonly evidence: readonly string[];
}

export const NO_MATCH: Match = { kind: 'none', score: 0, evidence: [] };

/** Folders of programs that are no single service's own: the directory they run in tells whose they are. */
const COMMON = new Set(['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin']);

/** What speaks against an exact match: each makes it less likely by its factor. */
class Finding {
  readonly evidence: string[] = [];
  score = 1;
  exact = true;

  same(text: string): void {
    this.evidence.push(text);
  }

  /** Of no matter, but worth telling. */
  aside(text: string): void {
    this.evidence.push(text);
    this.score = Math.min(this.score, 0.95);
  }

  doubt(factor: number, text: string): void {
    this.evidence.push(text);
    this.score *= factor;
    this.exact = false;
  }
}

/**
 * Does this process run that command? By its arguments, after taking off what they go through (`env`, `nice`, `sh -c 'exec …'`)
 * and interpreters with their options; paths are resolved where each of the two is run. Never by the name of a process or a
 * part of its command line: `vim x.py` runs vim. Pure.
 */
export function match(process: Seen, wanted: Wanted): Match {
  const ours = readCommand(wanted.command);
  const theirs = readCommand(process.argv);
  return ours === undefined || theirs === undefined ? NO_MATCH : matchCommands(process, theirs, wanted, ours);
}

/** The same for command lines that have been read. */
export function matchCommands(process: Seen, theirs: Command, wanted: Wanted, ours: Command): Match {
  const finding = new Finding();
  if (!sameTarget(finding, process, theirs, wanted, ours)) return rewritten(process, theirs, wanted, ours);
  if (!sameArguments(finding, theirs.args, ours.args)) return NO_MATCH;
  if (theirs.via.length === 0) checkExecutable(finding, process, theirs);
  if (theirs.via.length > 0) finding.aside(`run by ${theirs.via.join(', ')}`);
  checkUser(finding, process, wanted);
  const score = Math.round(finding.score * 100) / 100;
  return { kind: finding.exact ? 'exact' : 'likely', score, evidence: finding.evidence };
}

/** What is run, but for its arguments; false where it is something else. */
function sameTarget(finding: Finding, process: Seen, theirs: Command, wanted: Wanted, ours: Command): boolean {
  if (!('path' in theirs) || !('path' in ours)) {
    if ('path' in theirs || 'path' in ours || theirs.family !== ours.family) return false;
    const [text, wantedText] = [theirs, ours].map((one) => (one.kind === 'module' ? one.module : one.code));
    if (theirs.kind !== ours.kind || text !== wantedText) return false;
    finding.same(theirs.kind === 'module' ? `the same module ${text}` : `the same code for ${theirs.family}`);
    compareInterpreters(finding, theirs, ours);
    compareDirectories(finding, process, theirs, wanted, ours);
    return true;
  }
  const there = placeOfTheirs(process, theirs);
  if (!sameFile(finding, there, theirs, placesOfOurs(wanted, ours), ours)) return false;
  if (theirs.kind === 'script' && ours.kind === 'script') compareInterpreters(finding, theirs, ours);
  // A script without its interpreter is run by what its first line names.
  else if (ours.kind === 'script') finding.doubt(0.7, `it is not run by ${ours.interpreter}`);
  const common = there === undefined || COMMON.has(dirname(there));
  if (common) compareDirectories(finding, process, theirs, wanted, ours);
  return true;
}

type File = Extract<Command, { readonly path: string }>;

/** Where the file of a process is, as far as that can be known. */
function placeOfTheirs(process: Seen, theirs: File): string | undefined {
  const { path, via } = theirs;
  if (path.startsWith('/')) return clean(path);
  if (theirs.kind === 'program' && via.length === 0) {
    // It may have gone elsewhere since.
    const exe = exeOf(process);
    if (exe !== undefined && basename(exe) === basename(path)) return exe;
  }
  if (theirs.kind === 'program' && !path.includes('/')) return undefined;
  const cwd = inside(process.cwd, theirs.cd);
  return cwd === undefined ? undefined : clean(resolve(cwd, path));
}

/** Where ours is: with the links of its directory, and followed; none where it is a name to be looked up. */
function placesOfOurs({ directory, realDirectory }: Wanted, ours: File): readonly string[] {
  if (ours.path.startsWith('/')) return [clean(ours.path)];
  if (ours.kind === 'program' && !ours.path.includes('/')) return [];
  return [directory, realDirectory].flatMap((base) => {
    const cwd = inside(base, ours.cd);
    return cwd === undefined ? [] : [clean(resolve(cwd, ours.path))];
  });
}

function sameFile(
  finding: Finding,
  there: string | undefined,
  theirs: File,
  here: readonly string[],
  ours: File,
): boolean {
  const what = theirs.kind === 'script' ? 'script' : 'program';
  if (there !== undefined && here.includes(there)) {
    finding.same(`the same ${what} ${there}`);
    return true;
  }
  if (basename(there ?? theirs.path) !== basename(here[0] ?? ours.path)) return false;
  const spelled = normalize(theirs.path) === normalize(ours.path);
  if (here.length > 0) {
    if (there !== undefined) finding.doubt(0.35, `a ${what} of that name elsewhere: ${there}, not ${here[0]}`);
    else finding.doubt(0.8, `a ${what} of that name; where it is could not be read`);
    return true;
  }
  const name = ours.kind === 'program' && !ours.path.includes('/');
  if (name && (there === undefined || COMMON.has(dirname(there)))) {
    finding.same(`the same ${what} ${there ?? theirs.path}, by its name`);
  } else if (spelled) finding.same(`the same ${what} ${theirs.path}, as it is written`);
  else finding.doubt(name ? 0.8 : 0.6, `a ${what} of that name: ${there ?? theirs.path}`);
  return true;
}

function sameArguments(finding: Finding, theirs: readonly string[], ours: readonly string[]): boolean {
  if (!ours.every((argument, i) => theirs[i] === argument)) return false;
  const more = theirs.slice(ours.length);
  if (more.length > 0) finding.doubt(0.6, `with more arguments: ${shown(more)}`);
  else if (ours.length > 0) finding.same('the same arguments');
  return more.length === 0 || finding.score > 0.35;
}

type Interpreted = Exclude<Command, { readonly kind: 'program' }>;

function compareInterpreters(finding: Finding, theirs: Interpreted, ours: Interpreted): void {
  if (theirs.family !== ours.family) {
    finding.doubt(0.6, `run by ${theirs.interpreter}, not by ${ours.interpreter}`);
    return;
  }
  if (theirs.interpreter !== ours.interpreter) finding.aside(`run by ${theirs.interpreter}`);
  if (theirs.options.join('\0') !== ours.options.join('\0'))
    finding.aside(`its interpreter with ${theirs.options.join(' ') || 'no options'}`);
}

/** Arguments can say anything; an executable can't. */
function checkExecutable(finding: Finding, process: Seen, theirs: Command): void {
  const exe = exeOf(process);
  if (exe === undefined) return;
  const name = theirs.kind === 'program' ? theirs.path : theirs.interpreter;
  const fits =
    theirs.kind === 'program'
      ? // With its version behind its name, as a link to it has not.
        basename(exe).startsWith(basename(name))
      : familyOf(exe) === theirs.family || (theirs.family === 'shell' && basename(exe) === 'busybox');
  if (!fits) finding.doubt(0.5, `it calls itself ${name} and is ${exe}`);
}

function compareDirectories(finding: Finding, process: Seen, theirs: Command, wanted: Wanted, ours: Command): void {
  if (wanted.directory === undefined) return;
  const cwd = inside(process.cwd, theirs.cd);
  const wants = [wanted.directory, wanted.realDirectory].flatMap((base) => inside(base, ours.cd) ?? []);
  if (cwd === undefined) finding.doubt(0.7, 'which directory it runs in could not be read');
  else if (wants.some((directory) => resolve(directory) === resolve(cwd))) finding.same(`in the same directory ${cwd}`);
  else finding.doubt(0.4, `in the directory ${cwd}, not ${wants[0]}`);
}

function checkUser(finding: Finding, { user, uid }: Seen, { user: written }: Wanted): void {
  const wanted = written?.split(':')[0];
  if (wanted === undefined || wanted === '') return;
  if (user === undefined && uid === undefined) finding.doubt(0.8, 'whose it is could not be read');
  else if (wanted !== user && wanted !== String(uid)) finding.doubt(0.7, `of ${user ?? uid}, not of ${wanted}`);
  else finding.same(`of the same user ${wanted}`);
}

/** A program that has written something else over its arguments: `nginx: master process /usr/sbin/nginx`. */
function rewritten(process: Seen, theirs: Command, wanted: Wanted, ours: Command): Match {
  const [title = '', ...rest] = process.argv;
  if (theirs.kind !== 'program' || ours.kind !== 'program') return NO_MATCH;
  if (!/[\s:]/.test(title) || rest.some((word) => word !== '')) return NO_MATCH;
  const exe = exeOf(process);
  if (exe === undefined || !placesOfOurs(wanted, ours).includes(exe)) return NO_MATCH;
  const finding = new Finding();
  finding.doubt(0.6, `its program is ${exe}, but it has rewritten its arguments`);
  checkUser(finding, process, wanted);
  return { kind: 'likely', score: finding.score, evidence: finding.evidence };
}

function exeOf({ exe }: Seen): string | undefined {
  return exe === undefined ? undefined : clean(exe.replace(/ \(deleted\)$/, ''));
}

function inside(base: string | undefined, cd: string | undefined): string | undefined {
  if (cd === undefined) return base;
  if (cd.startsWith('/')) return cd;
  return base === undefined ? undefined : resolve(base, cd);
}

/** /bin and /sbin are the same folders as those below /usr on every host of today. */
function clean(path: string): string {
  return normalize(path).replace(/^\/(s?bin)\//, '/usr/$1/');
}
