import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { carryOut } from '../../../src/service/carry-out.ts';
import { extrasLeft, planExtras } from '../../../src/service/extras.ts';
import type { Places } from '../../../src/service/places.ts';

let folder: string;
let places: Places;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reconciled-extras-'));
  const prefix = join(folder, 'opt');
  places = {
    ...{ prefix, releases: join(prefix, 'releases'), current: join(prefix, 'current') },
    ...{ unit: join(folder, 'x.service'), command: join(folder, 'bin/reconcile'), man: join(folder, 'man1') },
    completions: { reconcile: join(folder, 'bash/reconcile'), _reconcile: join(folder, 'zsh/_reconcile') },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const release = (...paths: readonly string[]) => ({
  files: paths.map((path) => ({ path, from: path, executable: false })),
});
const whole = release(
  'dist/cli.js',
  'dist/man/a.1',
  'dist/man/b.1',
  'dist/completions/reconcile',
  'dist/completions/_reconcile',
);

it('links pages and completions of the release in use, once, and takes all away again', async () => {
  const to = join(places.current, 'dist/man/');
  const plan = planExtras(places, whole);
  expect(plan.map((links) => [links.folder, links.made, links.gone])).toEqual([
    [places.man, ['a.1', 'b.1'], []],
    [join(folder, 'bash'), ['reconcile'], []],
    [join(folder, 'zsh'), ['_reconcile'], []],
  ]);
  await carryOut(plan, places);
  expect(planExtras(places, whole)).toEqual([]);
  // A release that has another page, and one less.
  const next = planExtras(places, release('dist/man/b.1', 'dist/man/c.1'));
  expect(next).toEqual([{ kind: 'links', folder: places.man, to, made: ['c.1'], gone: ['a.1'] }]);
  await carryOut(next, places);
  const left = extrasLeft(places);
  expect(left.map(({ made, gone }) => [made, gone])).toEqual([
    [[], ['b.1', 'c.1']],
    [[], ['reconcile']],
    [[], ['_reconcile']],
  ]);
  await carryOut(left, places);
  expect(extrasLeft(places)).toEqual([]);
});

it('leaves what is somebody else’s', () => {
  mkdirSync(places.man);
  mkdirSync(join(folder, 'zsh'));
  writeFileSync(join(places.man, 'a.1'), 'another');
  symlinkSync('/usr/lib/node_modules/reconciled/dist/man/b.1', join(places.man, 'b.1'));
  writeFileSync(join(folder, 'zsh/_reconcile'), 'another');
  expect(planExtras(places, whole).map(({ made }) => made)).toEqual([['reconcile']]);
  expect(extrasLeft(places)).toEqual([]);
});
