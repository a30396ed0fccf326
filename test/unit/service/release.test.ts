import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { planInstall, planUninstall } from '../../../src/service/install.ts';
import type { Places } from '../../../src/service/places.ts';
import { copyRelease, isRelease, releaseOf } from '../../../src/service/release.ts';

let folder: string;
let source: string;
let node: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-release-'));
  source = join(folder, 'source');
  for (const path of ['dist/chunks', 'dist/compile-cache', 'dist/none', 'docs'])
    mkdirSync(join(source, path), { recursive: true });
  write('package.json', '{"version": "1.2.3"}');
  write('dist/cli.js', 'cli');
  write('dist/chunks/A.js', 'a');
  write('dist/compile-cache/x', 'of this build');
  write('dist/reconcile', 'launcher');
  chmodSync(join(source, 'dist/reconcile'), 0o755);
  node = join(folder, 'node');
  writeFileSync(node, 'a node', { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (path: string, text: string) => writeFileSync(join(source, path), text);
const fine = async () => undefined;
const places = (): Places => {
  const prefix = join(folder, 'opt');
  return {
    prefix,
    releases: join(prefix, 'releases'),
    current: join(prefix, 'current'),
    unit: join(folder, 'reconciled.service'),
    command: join(folder, 'bin/reconcile'),
    man: join(folder, 'man1'),
    completions: {},
  };
};

it('is named by its version and all that is in it', () => {
  const one = releaseOf(source, node);
  expect(one.name).toMatch(/^1\.2\.3-[0-9a-f]{8}$/);
  expect(one.files.map(({ path }) => path)).toEqual([
    'package.json',
    'dist/chunks/A.js',
    'dist/cli.js',
    'dist/reconcile',
    'node/bin/node',
  ]);
  write('dist/chunks/A.js', 'b');
  expect(releaseOf(source, node).name).not.toBe(one.name);
  write('dist/chunks/A.js', 'a');
  expect(releaseOf(source, node).name).toBe(one.name);
  chmodSync(join(source, 'dist/reconcile'), 0o644);
  expect(releaseOf(source, node).name).not.toBe(one.name);
});

it('is copied whole, tried before it is there, and known again', async () => {
  const release = releaseOf(source, node);
  const to = join(folder, 'opt/releases', release.name);
  mkdirSync(join(folder, 'opt/releases'), { recursive: true });
  const seen: string[] = [];
  await copyRelease(release, to, async (copy) => {
    seen.push(`${existsSync(to)} ${readFileSync(join(copy, 'node/bin/node'), 'utf8')}`);
  });
  expect(seen).toEqual(['false a node']);
  expect(isRelease(to, release)).toBe(true);
  expect(existsSync(join(to, 'dist/compile-cache'))).toBe(false);
  writeFileSync(join(to, 'dist/cli.js'), 'changed');
  expect(isRelease(to, release)).toBe(false);
  // A copy that does not run leaves everything as it was.
  await expect(
    copyRelease(release, to, async () => {
      throw new Error('no libc');
    }),
  ).rejects.toThrow('no libc');
  expect(readFileSync(join(to, 'dist/cli.js'), 'utf8')).toBe('changed');
  await copyRelease(release, to, fine);
  expect(isRelease(to, release)).toBe(true);
  expect(readdirSync(join(folder, 'opt/releases'))).toEqual([release.name]);
});

it('is planned to the last change: nothing where it is installed, old releases but three, what killed ones have left', async () => {
  const release = releaseOf(source, node);
  const options = { args: [], needs: [] };
  const kinds = () => planInstall(places(), release, options).map(({ kind }) => kind);
  expect(kinds()).toEqual(['release', 'file', 'link', 'link']);
  const { releases } = places();
  for (const [i, name] of ['0.1', '0.2', '0.3', '0.4', '0.5', 'x.new', 'y.old'].entries()) {
    mkdirSync(join(releases, name), { recursive: true });
    utimesSync(join(releases, name), i, i);
  }
  const removed = planInstall(places(), release, options).flatMap((change) =>
    change.kind === 'remove' ? [change.path] : [],
  );
  expect(removed.map((path) => path.slice(releases.length + 1)).sort()).toEqual(['0.1', '0.2', 'x.new', 'y.old']);
  expect(
    planUninstall(places()).map((change) => ('path' in change ? change.path.slice(folder.length) : change.kind)),
  ).toEqual(['/opt/releases']);
});
