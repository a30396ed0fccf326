import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readIfThere } from '../host/files.ts';
import { extrasLeft, type Links, planExtras } from './extras.ts';
import type { Places } from './places.ts';
import { isRelease, type Release } from './release.ts';
import { type UnitOptions, unitText } from './unit-text.ts';

/** One thing that an install or an uninstall does to the host, to be shown before it is done. */
export type Change =
  /** `was` is there under this name, and is not what its name says. */
  | { readonly kind: 'release'; readonly path: string; readonly release: Release; readonly was: 'absent' | 'changed' }
  /** `was`: where the link leads to now, or what else is there. */
  | { readonly kind: 'link'; readonly path: string; readonly to: string; readonly was: string | undefined }
  | Links
  | { readonly kind: 'file'; readonly path: string; readonly from?: string; readonly to?: string }
  | { readonly kind: 'remove'; readonly path: string; readonly what: string }
  /** The unit is stopped, and not started at boot any more. */
  | { readonly kind: 'stop'; readonly unit: string };

/** How many releases are kept besides the one in use. */
const KEPT = 3;

/** What is to be done for this release to be the one that runs from its next start on, in order; nothing where it is. */
export function planInstall(places: Places, release: Release, unit: Omit<UnitOptions, 'places'>): readonly Change[] {
  const folder = join(places.releases, release.name);
  const from = readIfThere(places.unit);
  const to = unitText({ places, ...unit });
  return [
    ...releaseAt(folder, release),
    ...(from === to ? [] : [{ kind: 'file' as const, path: places.unit, to, ...(from === undefined ? {} : { from }) }]),
    ...linkTo(places.current, `releases/${release.name}`),
    ...linkTo(places.command, `${places.current}/dist/reconcile`),
    ...planExtras(places, release),
    ...surplus(places, release.name).map((path) => ({ kind: 'remove' as const, path, what: 'an old release' })),
  ];
}

/** What is to be done for nothing of an install to be left; services, decisions and logs are not touched. */
export function planUninstall(places: Places): readonly Change[] {
  const from = readIfThere(places.unit);
  const link = whatIsAt(places.command);
  const ours = link?.startsWith(`${places.prefix}/`) === true;
  const there = [places.current, places.releases, lockOf(places)].filter((path) => whatIsAt(path) !== undefined);
  return [
    ...(from === undefined
      ? []
      : [
          { kind: 'stop' as const, unit: basename(places.unit) },
          { kind: 'file' as const, path: places.unit, from },
        ]),
    ...(ours ? [{ kind: 'remove' as const, path: places.command, what: 'a link to it' }] : []),
    ...extrasLeft(places),
    ...there.map((path) => ({ kind: 'remove' as const, path, what: WHAT[basename(path)] ?? 'of it' })),
  ];
}

function releaseAt(path: string, release: Release): Change[] {
  if (!existsSync(path)) return [{ kind: 'release', path, release, was: 'absent' }];
  return isRelease(path, release) ? [] : [{ kind: 'release', path, release, was: 'changed' }];
}

const WHAT: Readonly<Record<string, string>> = {
  current: 'a link to the release in use',
  releases: 'all releases',
  '.lock': 'what keeps two installs apart',
};

export function lockOf(places: Places): string {
  return join(places.prefix, '.lock');
}

function linkTo(path: string, to: string): Change[] {
  const was = whatIsAt(path);
  return was === to ? [] : [{ kind: 'link', path, to, was }];
}

/** Where a link leads to, or what is there instead of one. */
function whatIsAt(path: string): string | undefined {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if (stat.isSymbolicLink()) return readlinkSync(path);
  return stat.isDirectory() ? 'a folder' : 'a file';
}

/** What killed installs have left, and releases beyond the newest that are kept; never the one in use. */
function surplus(places: Places, next: string): string[] {
  if (!existsSync(places.releases)) return [];
  const names = readdirSync(places.releases).filter((name) => name !== next);
  const left = names.filter((name) => /\.(new|old)$/.test(name));
  const used = existsSync(places.current) ? basename(realpathSync(places.current)) : undefined;
  const age = (name: string) => statSync(join(places.releases, name)).mtimeMs;
  const old = names.filter((name) => !left.includes(name) && name !== used).sort((a, b) => age(b) - age(a));
  const kept = used === undefined || used === next ? KEPT : KEPT - 1;
  return [...left, ...old.slice(kept)].map((name) => join(places.releases, name));
}
