import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { glob } from '../../../../src/supervisors/supervisord/glob.ts';
import { temporary } from './lay-out.ts';

it('finds what Python finds, in its order', () => {
  const folder = temporary();
  for (const name of ['a', 'b.conf.d', '.hid']) mkdirSync(join(folder, name));
  const names = [
    'a/x.conf',
    'a/B.conf',
    'a/é.conf',
    'a/\u{10000}.conf',
    'a/\ue000.conf',
    'a/.h.conf',
    'b.conf.d/y.conf',
    'a/[1].ini',
    'a/n.txt',
  ];
  for (const name of names) writeFileSync(join(folder, name), '');
  symlinkSync('/nowhere', join(folder, 'a/dangling.conf'));
  const found = (pattern: string) => glob(`${folder}/${pattern}`).map((path) => path.slice(folder.length + 1));

  expect(found('a/*.conf')).toEqual([
    'a/B.conf',
    'a/dangling.conf',
    'a/x.conf',
    'a/é.conf',
    'a/\ue000.conf',
    'a/\u{10000}.conf',
  ]);
  expect(found('a/.*.conf')).toEqual(['a/.h.conf']);
  expect(found('*/?.conf')).toEqual([
    'a/B.conf',
    'a/x.conf',
    'a/é.conf',
    'a/\ue000.conf',
    'a/\u{10000}.conf',
    'b.conf.d/y.conf',
  ]);
  expect(found('**/[a-y].conf')).toEqual(['a/x.conf', 'b.conf.d/y.conf']);
  expect(found('a/[!a-zB]*.conf')).toEqual(['a/é.conf', 'a/\ue000.conf', 'a/\u{10000}.conf']);
  expect(found('a/[z-a].conf')).toEqual([]);
  expect(found('a/[[]1].ini')).toEqual(['a/[1].ini']);
  expect(found('a/[1.ini')).toEqual([]);
  expect(found('*.d/')).toEqual(['b.conf.d/']);
  expect(found('a/x.conf')).toEqual(['a/x.conf']);
  expect(found('a/none.conf')).toEqual([]);
  expect(found('a/../a/x.*')).toEqual(['a/../a/x.conf']);
  expect(found('none/*')).toEqual([]);
});
