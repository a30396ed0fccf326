import { expect, it } from 'vitest';
import { partDropIns } from '../../../../src/import/units/drop-ins.ts';
import { readUnitText } from '../../../../src/import/units/text.ts';

const dropIn = (path: string, movable: boolean, text = '[Service]\nNice=1\n') => ({
  ...{ path, movable },
  read: readUnitText(path, text),
});
const paths = (all: readonly { readonly path: string }[]) => all.map(({ path }) => path);

it('carries those that come before the first that stays beside a unit of the same name', () => {
  const parted = partDropIns([dropIn('a', true), dropIn('b', false), dropIn('c', true)], new Set(), true);
  expect([paths(parted.merged), paths(parted.kept), parted.losses]).toEqual([['a'], ['b', 'c'], []]);
});

it('carries those that do not count for a unit of another name, and tells what that changes', () => {
  const all = [dropIn('a', false), dropIn('b', true), dropIn('c', false, '[Service]\nUMask=0\n')];
  const parted = partDropIns(all, new Set(['a', 'c', 'd']), false);
  expect([paths(parted.merged), paths(parted.kept)]).toEqual([['b'], ['a', 'c']]);
  expect(parted.losses.map(({ key, at, why }) => [key, at?.line, why])).toEqual([
    ['[Service] Nice', 2, 'a counts for a unit of the new name, too, and now after what has to come after it'],
    ['d', undefined, 'it counts for a unit of the new name, and did not before'],
  ]);
});
