import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Places } from './places.ts';
import type { Release } from './release.ts';

/** Links in a folder of the host to files of the release in use, made or taken away together. */
export interface Links {
  readonly kind: 'links';
  readonly folder: string;
  /** The folder that they lead to. */
  readonly to: string;
  readonly made: readonly string[];
  readonly gone: readonly string[];
}

const MAN = 'dist/man/';

/** Man pages, and what makes shells complete: what is there and somebody else's is left as it is. */
export function planExtras(places: Places, { files }: Pick<Release, 'files'>): readonly Links[] {
  const pages = files.map(({ path }) => path).filter((path) => path.startsWith(MAN));
  const completions = Object.entries(places.completions).filter(([name]) =>
    files.some(({ path }) => path === `dist/completions/${name}`),
  );
  return [
    linksIn(
      places,
      places.man,
      join(places.current, MAN),
      pages.map((path) => basename(path)),
    ),
    ...completions.map(([name, path]) =>
      linksIn(places, dirname(path), join(places.current, 'dist/completions/'), [name]),
    ),
  ].filter(({ made, gone }) => made.length + gone.length > 0);
}

/** What of it an uninstall takes away. */
export function extrasLeft(places: Places): readonly Links[] {
  return planExtras(places, { files: [] }).concat(
    Object.values(places.completions).flatMap((path): Links[] => {
      const to = leadsTo(path);
      if (to?.startsWith(`${places.prefix}/`) !== true) return [];
      return [{ kind: 'links', folder: dirname(path), to: `${dirname(to)}/`, made: [], gone: [basename(path)] }];
    }),
  );
}

function linksIn({ prefix }: Places, folder: string, to: string, names: readonly string[]): Links {
  const isOurs = (name: string) => leadsTo(join(folder, name))?.startsWith(`${prefix}/`) === true;
  const isFree = (name: string) =>
    lstatSync(join(folder, name), { throwIfNoEntry: false }) === undefined || isOurs(name);
  const made = names.filter((name) => isFree(name) && leadsTo(join(folder, name)) !== to + name);
  // A completion has a folder that it shares with those of others: there is nothing of ours that could be left over.
  const isMan = to.endsWith(`/${MAN}`);
  return {
    kind: 'links',
    folder,
    to,
    made,
    gone: isMan ? namesIn(folder).filter((name) => !names.includes(name) && isOurs(name)) : [],
  };
}

function leadsTo(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
