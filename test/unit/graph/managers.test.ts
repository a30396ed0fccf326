import { describe, expect, it } from 'vitest';
import { groupOf } from '../../../src/graph/cgroups.ts';
import { managerOf, nameOfManager } from '../../../src/graph/managers.ts';
import type { Process } from '../../../src/graph/processes.ts';
import { NOBODY, processOf, tableOf } from './table.ts';

describe('a control group', () => {
  const v2 = (path: string) => groupOf([`0::${path}`], ['0::/init.scope']);
  it.each([
    ['/system.slice/web.service', { kind: 'unit', unit: 'web.service', scope: 'system' }],
    ['/system.slice/system-web.slice/web@2.service', { kind: 'unit', unit: 'web@2.service', scope: 'system' }],
    ['/system.slice/web.service/workers', { kind: 'unit', unit: 'web.service', scope: 'system' }],
    ['/user.slice/user-1000.slice/session-3.scope', { kind: 'session', session: '3' }],
    [
      '/user.slice/user-1000.slice/user@1000.service/app.slice/web.service',
      { kind: 'unit', unit: 'web.service', scope: 'user', uid: 1000 },
    ],
    ['/system.slice/docker-0123456789abcdef0123.scope', { kind: 'container', name: 'docker 0123456789ab' }],
    [`/docker/${'ab'.repeat(32)}`, { kind: 'container', name: 'docker abababababab' }],
    ['/machine.slice/machine-box.scope', { kind: 'container', name: 'box' }],
    ['/lxc.payload.box/system.slice', { kind: 'container', name: 'lxc box' }],
    ['/init.scope', undefined],
    ['/', undefined],
  ])('%s', (path, group) => {
    expect(v2(path)).toEqual(group);
  });

  it('is read from the named hierarchy where there are several', () => {
    const lines = ['12:memory:/x', '1:name=systemd:/system.slice/web.service', '0::/'];
    expect(groupOf(lines, ['1:name=systemd:/init.scope'])).toEqual({
      kind: 'unit',
      unit: 'web.service',
      scope: 'system',
    });
  });

  it('of a host that is a container itself begins where its own does', () => {
    const own = `/docker/${'ab'.repeat(32)}`;
    expect(groupOf([`0::${own}/system.slice/web.service`], [`0::${own}/init.scope`])).toMatchObject({
      unit: 'web.service',
    });
    expect(groupOf([`0::${own}`], [`0::${own}`])).toBeUndefined();
  });
});

const P = NOBODY;
const web = (more: Partial<Process>) => processOf(P, 'python3 x.py', more);
const above = (pid: number, argv: string, more: Partial<Process> = {}) => processOf(pid, argv, more);
const manager = (...processes: readonly Process[]) => {
  const [first] = processes;
  if (first === undefined) throw new Error('no process');
  return managerOf(first, tableOf(processes));
};

it('is systemd by the control group of a unit', () => {
  const found = manager(web({ cgroups: ['0::/system.slice/web.service'] }));
  expect(found).toMatchObject({ kind: 'systemd', unit: 'web.service', scope: 'system' });
  expect(nameOfManager(found)).toBe('unit web.service');
});

it('is supervisord by its parent, though that is in a unit of its own', () => {
  const cgroups = ['0::/system.slice/supervisor.service'];
  const argv = '/usr/bin/python3 /usr/bin/supervisord -n -c /opt/dolphin/supervisord.conf';
  const found = manager(web({ ppid: P + 1, cgroups }), above(P + 1, argv, { cgroups }));
  expect(found).toMatchObject({ kind: 'supervisord', pid: P + 1, config: '/opt/dolphin/supervisord.conf' });
  expect(nameOfManager(found)).toBe(`a program of supervisord ${P + 1} (/opt/dolphin/supervisord.conf)`);
});

it('is cron, through the shell that cron puts between', () => {
  const cgroups = ['0::/system.slice/cron.service'];
  const shell = above(P + 1, '/bin/sh', { ppid: P + 2, cgroups });
  expect(manager(web({ ppid: P + 1, cgroups }), shell, above(P + 2, '/usr/sbin/CRON -f', { cgroups }))).toMatchObject({
    kind: 'cron',
    pid: P + 2,
  });
});

it('is a person at a terminal, also long after', () => {
  const cgroups = ['0::/user.slice/user-0.slice/session-7.scope'];
  expect(manager(web({ cgroups }))).toMatchObject({
    kind: 'session',
    session: '7',
    evidence: [
      'it is in the control group of session 7',
      'whoever started it is gone: its parent is the first process of all',
    ],
  });
  const daemon = processOf(P + 2, ['sshd: me@pts/0']);
  expect(manager(web({ ppid: P + 1 }), above(P + 1, '-bash', { ppid: P + 2 }), daemon)).toMatchObject({
    kind: 'session',
    session: undefined,
  });
});

it('is a container, the program that is its parent, or nobody', () => {
  expect(manager(web({ cgroups: ['0::/system.slice/docker-0123456789abcdef.scope'] })).kind).toBe('container');
  const other = above(P + 1, 'python3 watchdog.py --token abc');
  const found = manager(web({ ppid: P + 1 }), other);
  expect(found).toMatchObject({ kind: 'process', pid: P + 1 });
  expect(nameOfManager(found)).toBe(`process ${P + 1} \`python3 watchdog.py --token ***\``);
  expect(manager(web({})).kind).toBe('unknown');
});

it('is the embedded supervisor by its shim', () => {
  const shim = processOf(P + 1, [
    '/bin/sh',
    '-c',
    'script',
    'reconciled-shim',
    '/run/x',
    '022',
    '',
    '',
    'python3',
    'x.py',
  ]);
  expect(manager(web({ ppid: P + 1 }), shim).kind).toBe('builtin');
});
