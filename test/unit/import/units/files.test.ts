import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { UnitFolders } from '../../../../src/import/units/files.ts';
import { importUnits } from '../../../../src/import/units.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'units-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** First and last folder of systemd's order: what an administrator writes, and what packages do. */
const put = (...paths: readonly string[]) => {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), '[Service]\nExecStart=/bin/sleep 1000\n');
  }
};
const link = (path: string, target: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(target, join(root, path));
};
const folders = () => [join(root, 'etc'), join(root, 'usr')];
const unitDir = () => join(root, 'etc');
const own = () => new UnitFolders(folders(), unitDir());
const short = (path: string) => path.slice(root.length + 1);

it('takes the first file of a name, follows other names of it, and knows a mask', () => {
  put('etc/a.service', 'usr/a.service', 'usr/b.service', 'opt/c.service', 'usr/t@.service');
  link('etc/alias.service', join(root, 'usr/b.service'));
  link('usr/other.service', 'b.service');
  link('etc/c.service', join(root, 'opt/c.service'));
  link('etc/m.service', '/dev/null');
  link('usr/u@.service', 't@.service');
  link('etc/t@fixed.service', '../usr/t@.service');
  const at = (unit: string) => {
    const found = own().locate(unit);
    return [found.kind, found.unit, 'path' in found ? short(found.path) : ''];
  };
  expect(at('a.service')).toEqual(['file', 'a.service', 'etc/a.service']);
  expect(at('alias.service')).toEqual(['file', 'b.service', 'usr/b.service']);
  expect(own().aliases('b.service')).toEqual(['alias.service', 'other.service']);
  expect(at('c.service')).toEqual(['file', 'c.service', 'etc/c.service']);
  expect(at('m.service')).toEqual(['masked', 'm.service', 'etc/m.service']);
  expect(at('t@1.service')).toEqual(['file', 't@1.service', 'usr/t@.service']);
  expect(at('u@1.service')).toEqual(['file', 't@1.service', 'usr/t@.service']);
  expect(at('t@fixed.service')).toEqual(['file', 't@fixed.service', 'etc/t@fixed.service']);
  expect(at('t@.service')).toEqual(['template', 't@.service', 'usr/t@.service']);
  expect(at('nothing.service')).toEqual(['missing', 'nothing.service', '']);
});

it('has drop-ins by their names, whatever folder they are in, the first of each', () => {
  put('usr/a-b@.service');
  link('usr/alias@.service', 'a-b@.service');
  put(
    'usr/a-b@1.service.d/50.conf',
    'etc/a-b@.service.d/50.conf',
    'etc/a-b@.service.d/20.conf',
    'etc/service.d/30.conf',
  );
  put(
    'usr/a-.service.d/40.conf',
    'etc/a-@1.service.d/41.conf',
    'etc/a-b@1.service.d/60.conf',
    'etc/a-b@1.service.d/no.txt',
  );
  expect(
    own()
      .dropIns('a-b@1.service')
      .map(({ path, movable }) => [short(path), movable]),
  ).toEqual([
    ['etc/a-b@.service.d/20.conf', false],
    ['etc/service.d/30.conf', false],
    ['usr/a-.service.d/40.conf', false],
    ['etc/a-@1.service.d/41.conf', false],
    // The one of the package would come to light.
    ['etc/a-b@.service.d/50.conf', false],
    ['etc/a-b@1.service.d/60.conf', true],
  ]);
});

it('knows what starts a unit, and what a unit pulls in', () => {
  put('etc/a.service', 'usr/a.socket', 'etc/a.service.wants/b.service');
  link('etc/multi-user.target.wants/a.service', '../a.service');
  expect(own().startedWith('a.service')).toEqual(['multi-user.target']);
  expect(own().starters('a.service')).toEqual(['a.socket']);
  expect(own().pullsIn('a.service')).toEqual([['Wants', 'b.service']]);
});

it('imports what is asked for by patterns, and says what is not there', async () => {
  put('etc/web.service', 'etc/web-2.service', 'usr/t@.service', 'etc/other.service');
  link('etc/alias.service', join(root, 'etc/web.service'));
  link('etc/masked.service', '/dev/null');
  const found = async (...units: readonly string[]) =>
    (await importUnits({ manager: 'system', folders: folders(), unitDir: unitDir(), units })).map((one) =>
      one.kind === 'imported' ? one.name : one.problem.summary,
    );
  expect(await found('web*', 'alias', 't@x')).toEqual(['web-2', 'web', 't-x']);
  expect(await found('wep', 'no*', 't@', 'masked')).toEqual([
    'cannot import wep.service: there is no such unit',
    'cannot import t@.service: it is a template, of which only instances run',
    'cannot import masked.service: it is masked: nobody can start it',
    "no unit is called like 'no*'",
  ]);
});

it('never rewrites what a host can not be without', async () => {
  put('etc/ssh.service', 'etc/web.service');
  const found = await importUnits({ manager: 'system', folders: folders(), unitDir: unitDir(), units: ['*'] });
  expect(found.map((one) => one.kind === 'imported' && one.service.unit)).toEqual(['ssh.service', undefined]);
});

it('says of what can not be read why, and goes on', async () => {
  put('etc/a.service', 'etc/b.service');
  rmSync(join(root, 'etc/b.service'));
  mkdirSync(join(root, 'etc/b.service'));
  const found = await importUnits({ manager: 'system', folders: folders(), unitDir: unitDir(), units: ['*'] });
  expect(found.map((one) => (one.kind === 'imported' ? one.name : one.problem.summary))).toEqual([
    'a',
    `cannot import b.service: cannot read ${join(root, 'etc/b.service')}: it is a directory`,
  ]);
});
