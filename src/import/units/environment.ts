import { maskText, SECRET_KEY } from '../../secrets.ts';
import { quoteAssignment, whyNotCarried } from '../../supervisors/systemd/escape.ts';
import type { Lines } from './lines.ts';
import type { RawLine } from './source.ts';
import type { Ignored } from './text.ts';
import { maskedValue } from './text.ts';
import { firstWord } from './words.ts';

export interface Variables {
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly files: readonly string[];
  /** What systemd takes no notice of. */
  readonly ignored: readonly Ignored[];
  /** Names with values that systemd has to fill in, and that look secret. */
  readonly suspicious: readonly string[];
}

/** Takes the variables and their files; what only systemd can fill in stays as it is. */
export function variablesOf(lines: Lines): Variables {
  const environment: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  const raw: RawLine[] = [];
  const suspicious: string[] = [];
  const { assignments, ignored } = assignmentsOf(lines);
  for (const [key, written] of assignments) {
    const value = withoutSpecifiers(written);
    const secret = SECRET_KEY.test(key) || maskText(written) !== written;
    if (value === undefined || whyNotCarried(value) !== undefined) {
      raw.push(['Service', 'Environment', quoteAssignment(key, written).replaceAll('%%', '%')]);
      if (secret) suspicious.push(key);
    } else if (secret && value !== '') secrets[key] = value;
    else environment[key] = value;
  }
  lines.replace(['Service.Environment'], raw);
  return { environment, secrets, files: filesOf(lines), ignored, suspicious };
}

/** The last of each name counts. */
function assignmentsOf(lines: Lines): {
  readonly assignments: ReadonlyMap<string, string>;
  readonly ignored: readonly Ignored[];
} {
  const assignments = new Map<string, string>();
  const ignored: Ignored[] = [];
  for (const { value, at } of lines.list('Service.Environment')) {
    for (let left = value; left !== ''; ) {
      const next = firstWord(left, 'refuse');
      const pass = (why: string, what: string) => {
        ignored.push({
          key: '[Service] Environment',
          value: maskedValue('Environment', what),
          at,
          why,
          noEffect: true,
        });
      };
      if (next === undefined) {
        pass('a quote is never closed, or an escape is none: systemd passes over it', left);
        break;
      }
      left = next.rest;
      if (next.word === undefined) break;
      const [, key, text] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(next.word.text) ?? [];
      if (key === undefined || text === undefined) {
        pass('it is no assignment KEY=VALUE, so systemd passes over it', next.word.raw);
        continue;
      }
      assignments.delete(key);
      assignments.set(key, text);
    }
  }
  return { assignments, ignored };
}

/** Those that stand before the first that has no word: an optional one, a pattern. The later ones win over these. */
function filesOf(lines: Lines): readonly string[] {
  const all = lines.list('Service.EnvironmentFile').map(({ value }) => value);
  const plain = all.findIndex((value, i) => !isPlainPath(value) || all.indexOf(value) !== i);
  const count = plain === -1 ? all.length : plain;
  lines.replace(
    ['Service.EnvironmentFile'],
    all.slice(count).map((value) => ['Service', 'EnvironmentFile', value]),
  );
  return all.slice(0, count);
}

/** An absolute path that is as it would come out again: without specifiers, patterns and detours. */
export function isPlainPath(path: string): boolean {
  return /^\/[^*?[\]\\%]*$/.test(path) && isStraight(path) && whyNotCarried(path) === undefined;
}

/** Nothing of it would be left out: `//`, `/./`, `/../`, a slash at the end. */
export function isStraight(path: string): boolean {
  return (
    path === '/' ||
    path
      .slice(1)
      .split('/')
      .every((part) => !['', '.', '..'].includes(part))
  );
}

/** The text where it needs nothing filled in. */
export function withoutSpecifiers(text: string): string | undefined {
  return /%(?!%)/.test(text.replaceAll('%%', '')) ? undefined : text.replaceAll('%%', '%');
}
