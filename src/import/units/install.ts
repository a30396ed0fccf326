import type { Lines } from './lines.ts';
import type { UnitSource } from './source.ts';
import { wordsIn } from './words.ts';

/** What it is started with where it is enabled. */
export interface Install {
  readonly wantedBy: readonly string[];
  /** Somebody can enable it. */
  readonly installable: boolean;
}

/** What an enabled one is started with, in place of what ours is where nothing is said. */
export function installOf(lines: Lines, { manager }: Pick<UnitSource, 'manager'>): Install {
  const list = lines.list('Install.WantedBy');
  const wantedBy = list.flatMap(({ value }) => wordsIn(value, 'keep')?.map(({ text }) => text) ?? []);
  const others = ['RequiredBy', 'UpheldBy', 'Also', 'Alias'].flatMap((key) => lines.list(`Install.${key}`));
  if (wantedBy.length === 1 && wantedBy[0] === ours(manager)) lines.take('Install.WantedBy');
  else {
    lines.replace(
      ['Install.WantedBy'],
      [['Install', 'WantedBy', ''], ...list.map(({ value }) => ['Install', 'WantedBy', value] as const)],
    );
  }
  return { wantedBy, installable: wantedBy.length + others.length > 0 };
}

/** What starts a unit of ours. */
function ours(manager: 'system' | 'user'): string {
  return manager === 'system' ? 'multi-user.target' : 'default.target';
}

/** Is what starts it reached with every boot that reaches ours, and not before? */
export function startsAsOurs(target: string, manager: 'system' | 'user'): boolean {
  return [ours(manager), 'default.target', 'graphical.target'].includes(target);
}
