import { lstatSync, readdirSync, statSync } from 'node:fs';
import { compare } from './python.ts';

/** The paths that a pattern of [include] stands for, in the order that supervisord reads them: sorted(glob.glob(pattern)). */
export function glob(pattern: string): string[] {
  return paths(pattern, false).sort(compare);
}

const MAGIC = /[*?[]/;

function paths(pattern: string, foldersOnly: boolean): string[] {
  const cut = pattern.lastIndexOf('/') + 1;
  const name = pattern.slice(cut);
  const head = pattern.slice(0, cut);
  const folder = /^\/+$/.test(head) ? head : head.replace(/\/+$/, '');
  if (!MAGIC.test(pattern)) return (name === '' ? isFolder(folder) : isThere(pattern)) ? [pattern] : [];
  const folders = folder !== pattern && MAGIC.test(folder) ? paths(folder, true) : [folder];
  return folders.flatMap((each) => {
    const before = each === '' || each.endsWith('/') ? each : `${each}/`;
    if (!MAGIC.test(name)) return (name === '' ? isFolder(each) : isThere(before + name)) ? [before + name] : [];
    const fits = matcher(name);
    const found = namesIn(each).filter((one) => (name.startsWith('.') || !one.startsWith('.')) && fits.test(one));
    return found.map((one) => before + one).filter((path) => !foldersOnly || isFolder(path));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder === '' ? '.' : folder);
  } catch {
    return [];
  }
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch {
    return false;
  }
}

/** fnmatch: `*`, `?`, `[a-z]` and `[!a-z]`; a `[` that is never closed means itself. */
function matcher(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; ) {
    const sign = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    // The first in a set may be the bracket that would close it.
    const close = sign === '[' ? pattern.indexOf(']', at + (pattern[at + 1] === '!' ? 3 : 2)) : -1;
    if (close !== -1) {
      source += setOf(pattern.slice(at + 1, close));
      at = close + 1;
      continue;
    }
    source += sign === '*' ? '.*' : sign === '?' ? '.' : literal(sign);
    at += sign.length;
  }
  return new RegExp(`^${source}$`, 'su');
}

function setOf(text: string): string {
  const not = text.startsWith('!');
  const signs = [...(not ? text.slice(1) : text)];
  let inside = '';
  for (let i = 0; i < signs.length; i += 1) {
    const [from = '', dash, to] = signs.slice(i, i + 3);
    if (dash !== '-' || to === undefined) inside += literal(from);
    else {
      if (compare(from, to) <= 0) inside += `${literal(from)}-${literal(to)}`;
      i += 2;
    }
  }
  if (inside === '') return not ? '.' : '(?!)';
  return `[${not ? '^' : ''}${inside}]`;
}

function literal(sign: string): string {
  return `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
}
