import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Desired } from '../model.ts';
import { writtenFields } from '../supervisors/fields.ts';
import { settingsOf } from '../supervisors/shared/settings.ts';
import { type Finding, ok, some, warning, word } from './finding.ts';
import { type Check, desiredIfThere } from './means.ts';

const PLACES = ['/etc/logrotate.conf', '/etc/logrotate.d'];

/** Our logs are rotated by us alone: two that do it lose lines. */
export const rotation: Check = {
  topic: 'logs',
  look: async (means) => {
    const desired = await desiredIfThere(means);
    const logs = desired === undefined ? [] : logsOf(desired, means.config.logDir);
    return judgeRotation(logs, rulesIn(PLACES));
  },
};

export interface Log {
  readonly service: string;
  readonly path: string;
}

/** Files that a log rotation of the host is told to rotate, where it is told so. */
export interface Rule {
  readonly pattern: string;
  readonly where: string;
}

/** Pure. */
export function judgeRotation(logs: readonly Log[], rules: readonly Rule[]): readonly Finding[] {
  const twice = logs.flatMap(({ service, path }) =>
    rules.filter(({ pattern }) => matches(path, pattern)).map(({ where }) => ({ service, path, where })),
  );
  const byRule = Map.groupBy(twice, ({ where }) => where);
  if (byRule.size > 0)
    return [...byRule].map(([where, files]) =>
      warning('log-rotation', `logrotate rotates logs that are rotated by their supervisor: ${where}`, {
        evidence: some(files.map(({ service, path }) => `${path} (${service})`)),
        hint: 'take these files out of it, or give the services another log; `maxSize` and `keep` of `logs` say how they are rotated',
        mend: [`vi ${word(where.replace(/:\d+$/, ''))}`],
      }),
    );
  const shared = [...Map.groupBy(logs, ({ path }) => path)].filter(
    ([, of]) => new Set(of.map(({ service }) => service)).size > 1,
  );
  if (shared.length > 0)
    return shared.map(([path, of]) =>
      warning('log-shared', `several services write one log: ${path}`, {
        evidence: some([...new Set(of.map(({ service }) => service))]),
        hint: 'each rotates it by itself: give each its own file',
      }),
    );
  return [
    ok('log-rotation', `${logs.length} log ${logs.length === 1 ? 'file' : 'files'}, and nothing else rotates them`),
  ];
}

/** The files that services of ours log to, but to journald. */
function logsOf({ services }: Desired, logDir: string): readonly Log[] {
  return services
    .filter(({ supervisor, state, runs }) => supervisor !== 'systemd' && state !== 'absent' && runs === undefined)
    .flatMap((service) => {
      const { stdout, stderr } = settingsOf(service.id, writtenFields(service), logDir).logs;
      return [...new Set([stdout, stderr])]
        .filter((path) => path.startsWith('/') && !path.startsWith('/dev/'))
        .map((path) => ({ service: service.id, path }));
    });
}

/** As logrotate reads it: patterns stand before a block, one or several, quoted where they have spaces. */
export function rulesIn(places: readonly string[]): readonly Rule[] {
  return places.flatMap(filesOf).flatMap((path) => {
    const text = textOf(path);
    return text === undefined ? [] : rulesOf(text, path);
  });
}

export function rulesOf(text: string, path: string): readonly Rule[] {
  const rules: Rule[] = [];
  let inside = false;
  let script = false;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    if (inside && /^(pre|post)rotate$|^(first|last)action$|^preremove$/.test(line)) script = true;
    if (script) {
      if (line === 'endscript') script = false;
      continue;
    }
    const before = line.split('{')[0] ?? '';
    if (!inside)
      for (const [, quoted, bare] of before.matchAll(/"([^"]+)"|(\/\S+)/g)) {
        const pattern = quoted ?? bare ?? '';
        if (pattern.startsWith('/')) rules.push({ pattern, where: `${path}:${i + 1}` });
      }
    if (line.includes('{')) inside = true;
    if (line.includes('}')) inside = false;
  }
  return rules;
}

function filesOf(place: string): readonly string[] {
  try {
    return readdirSync(place)
      .sort()
      .map((name) => join(place, name));
  } catch {
    return [place];
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** As glob(3) does: no wildcard crosses a slash. */
function matches(path: string, pattern: string): boolean {
  const source = pattern.replace(/\[!/g, '[^').replace(/[.+^${}()|\\]|\*|\?/g, (one, at: number) => {
    if (one === '*') return '[^/]*';
    if (one === '?') return '[^/]';
    if (one === '^' && pattern[at - 1] === '[') return '^';
    return `\\${one}`;
  });
  try {
    return new RegExp(`^${source}$`).test(path);
  } catch {
    return false;
  }
}
