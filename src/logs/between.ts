import { closeSync, fstatSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dataAfter, entriesOf, isSameBegin, type Moved, type Part, SETTLED } from './moved.ts';
import { bytesAt, close, newestRotated, openIfCan, openRotated } from './open.ts';

/** Files that were rotated away since one of them was the newest, the oldest first. */
export interface Between {
  readonly parts: readonly (Part & { readonly file: string })[];
  /** The newest by now. */
  readonly newest: string | undefined;
  /** That one is not among them any more: others may be missing too. */
  readonly lost: boolean;
  /** That one is among them. */
  readonly found: boolean;
}

/**
 * The rotated files that are newer than `file`, but not the one that is read already (`own`), or newer than that; undefined
 * while they are just being renamed. `gone`: where it is not among them, all of them are newer.
 */
export function rotatedAfter(
  path: string,
  file: string | undefined,
  { own, gone }: { readonly own?: string; readonly gone: boolean },
): Between | undefined {
  const rotated = openRotated(path);
  if (rotated === undefined) return undefined;
  const known = rotated.findIndex((each) => each.file === file);
  const begin = rotated.findIndex((each) => each.file === own) + 1;
  const end = known !== -1 ? known : gone ? rotated.length : 0;
  const wanted = rotated.slice(begin, end);
  close(rotated.filter((each) => !wanted.includes(each)));
  const parts = wanted.map(({ fd, file: each }) => ({ fd, file: each, from: 0, to: fstatSync(fd).size })).reverse();
  const lost = file !== undefined && known === -1 && parts.length > 0;
  return { parts, newest: rotated[0]?.file, lost, found: known !== -1 };
}

/** ms. For so long what was moved is looked for before it is taken for lost: a rotation may be under way. */
export const PATIENCE = 2000;
/** ms. For so long what was copied may still be in the live file; after that, whoever copied it was killed before he cut it out. */
const CUT = 30_000;

/**
 * What was cut out of a file of which no more is read than its begin, or what stands right behind its hole (`anchor`): these
 * bytes may be at its begin again, so it is told by the rotated files that are newer than `before`. `elsewhere`: reading is
 * not that near to the begin; undefined while that can't be told.
 */
export function movedAtBegin(
  path: string,
  { fd, file, at, anchor, before }: ReadingAt,
): Moved | 'elsewhere' | undefined {
  if (newestRotated(path) === undefined) return { parts: [], at, before: undefined, patience: PATIENCE };
  const between = rotatedAfter(path, before, { own: file, gone: true });
  if (between === undefined) return undefined;
  const { parts, newest, lost } = between;
  const from = at - anchor.length;
  const last = parts.at(-1);
  const isSame = last !== undefined && isSameBegin(last.fd, fd, dataAfter(fd, from));
  // Looked for once more: it may have been cut out just now.
  const begin = dataAfter(fd, from);
  const [first] = parts;
  const isElsewhere = first !== undefined && !lost && !bytesAt(first.fd, 0, anchor.length).equals(anchor);
  if (newestRotated(path) !== newest || isElsewhere) {
    close(parts);
    return isElsewhere ? 'elsewhere' : undefined;
  }
  // Where a hole is made, positions are as they were, and it is told by its length what was cut out.
  const hole = begin - from;
  const isTwice = isSame && (hole === 0 || hole !== sizeOf(parts));
  if (isTwice) close([last]);
  const done = isTwice ? parts.slice(0, -1) : parts;
  const isLost = lost || (hole > 0 && sizeOf(done) < hole);
  const isHalf = hole > 0 && sizeOf(done) > hole;
  const patience = isTwice ? CUT : isHalf ? PATIENCE : isLost ? SETTLED : undefined;
  const isCut = hole > 0 || done.length > 0;
  return {
    parts: isLost ? done : withoutFirst(done, anchor.length),
    at: isCut ? begin : at,
    before: newest,
    ...(isLost ? { lost: 'rotated' } : {}),
    ...(patience === undefined ? {} : { patience }),
  };
}

/** A live file, and where reading it goes on. */
interface ReadingAt {
  readonly fd: number;
  readonly file: string;
  readonly at: number;
  readonly anchor: Buffer;
  readonly before: string | undefined;
}

function withoutFirst([first, ...others]: readonly Part[], bytes: number): readonly Part[] {
  return first === undefined ? [] : [{ ...first, from: first.from + bytes }, ...others];
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { from, to }) => sum + to - from, 0);
}

/**
 * What had the name after one file and before another, and has a dated name now (`FILE-20261128`), the oldest first: by when
 * they were made, where the file system knows that. `copies` of what had the name are none of them.
 */
export function madeBetween(path: string, after: number, before: number, copies: ReadonlySet<string>): readonly Part[] {
  const [folder, name] = [dirname(path), basename(path)];
  const born = (fd: number) => fstatSync(fd).birthtimeMs;
  const [first, last] = [born(after), born(before)];
  const found: (Part & { readonly born: number })[] = [];
  for (const other of entriesOf(folder)) {
    if (first === 0 || !other.startsWith(name) || !DATED.test(other.slice(name.length))) continue;
    const opened = openIfCan(join(folder, other));
    if (opened === undefined) continue;
    const time = born(opened.fd);
    if (time > first && time < last && !copies.has(opened.file))
      found.push({ fd: opened.fd, from: 0, to: opened.size, born: time });
    else closeSync(opened.fd);
  }
  return found.sort((a, b) => a.born - b.born);
}

/** As logrotate's `dateext` makes them, by day, hour or second, with the parts of a date apart, or counted with a hyphen. */
const DATED = /^(?:[-_]\d+|\.\d{8,}|[-._]\d{4}[-._]?\d{2}[-._]?\d{2}(?:[-._T]?\d+)*)$/;
