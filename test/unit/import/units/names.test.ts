import { expect, it } from 'vitest';
import { serviceNameOf, sliceOf, withOwnSpecifiers } from '../../../../src/import/units/names.ts';
import { nameOf } from '../../../../src/supervisors/systemd/unit-name.ts';

it.each([
  ['web.service', 'web'],
  ['NetworkManager.service', 'networkmanager'],
  ['getty@tty1.service', 'getty-tty1'],
  ['systemd-fsck@dev-disk-by\\x2duuid-AB.service', 'systemd-fsck-dev-disk-by-uuid-ab'],
  ['a:b.service', 'a-b'],
  ['-.service', 'service'],
  [`${'x'.repeat(80)}.service`, 'x'.repeat(63)],
])('%s is named %s', (unit, name) => {
  expect(serviceNameOf(unit)).toBe(name);
});

it('fills in what a name says where the new one is another', () => {
  const own = (key: string, value: string, unit = 'my-app@a-b\\x2dc.service', all = true) =>
    withOwnSpecifiers(key, value, nameOf(unit), '/etc/systemd/system/my-app@.service', all);
  expect(own('Description', '%p of %i (%I) in %n, %N, %j, %f %%i %h')).toBe(
    'my-app of a-b\\x2dc (a/b-c) in my-app@a-b\\x2dc.service, my-app@a-b\\x2dc, app, /a/b-c %%i %h',
  );
  expect(own('ExecStart', '/bin/x "%i"')).toBe('/bin/x "a-b\\x5cx2dc"');
  expect(own('RuntimeDirectory', '%i')).toBe('a-b\\\\x2dc');
  expect(own('ExecStart', '%n %y %Y', 'web.service', false)).toBe(
    '%n /etc/systemd/system/my-app@.service /etc/systemd/system',
  );
  expect(own('ExecStart', '%I', 'x@\\x24HOME\\x25.service')).toBe('$$HOME%%');
});

it('knows the slice of an instance', () => {
  expect(sliceOf(nameOf('systemd-fsck@a.service'), 'system')).toBe('system-systemd\\x2dfsck.slice');
  expect(sliceOf(nameOf('x@a.service'), 'user')).toBe('app-x.slice');
});
