import { expect, it } from 'vitest';
import { faceOf, propertyValue, unitOf } from '../../../../src/supervisors/systemd/properties.ts';
import { checked, linkChanges, versionOf } from '../../../../src/supervisors/systemd/replies.ts';
import { UNIT } from './bus-fake.ts';

const unit = Object.fromEntries(Object.entries(UNIT).map(([name, [, value]]) => [name, value]));
const service = {
  Type: 'exec',
  Restart: 'always',
  MainPID: 0,
  NRestarts: 2,
  Result: 'signal',
  ExecMainCode: 2,
  ExecMainStatus: 9,
  ExecMainStartTimestamp: 1_795_501_336_742_428,
  ExecMainExitTimestamp: 0,
  ControlGroup: '',
};

it('reads a service, and leaves out what it has never had', () => {
  expect(unitOf({ ...unit, ...service, LoadError: ['a.b', 'why'], Job: [3, '/job/3'], Unknown: 1 })).toEqual({
    id: 'web.service',
    names: ['web.service'],
    load: 'loaded',
    loadError: 'why',
    active: 'inactive',
    sub: 'dead',
    fileState: 'disabled',
    fragment: '/etc/systemd/system/web.service',
    source: undefined,
    dropIns: [],
    needsReload: false,
    transient: false,
    conditionsMet: true,
    job: true,
    changed: undefined,
    activeSince: undefined,
    activeUntil: undefined,
    inactiveSince: undefined,
    inactiveUntil: undefined,
    requires: [],
    requisite: [],
    bindsTo: [],
    partOf: [],
    service: {
      type: 'exec',
      restart: 'always',
      mainPid: undefined,
      restarts: 2,
      result: 'signal',
      exit: { kind: 'signal', signal: 'SIGKILL' },
      started: 1_795_501_336_742,
      exited: undefined,
      stopAsked: false,
      controlGroup: undefined,
    },
  });
});

it('tells a condition that was not met from one that was never asked', () => {
  expect(unitOf({ ...unit, ...service, ConditionTimestamp: 1 }).conditionsMet).toBe(false);
});

it('tells how the main process ended', () => {
  const exit = (code: number, status: number) =>
    unitOf({ ...unit, ...service, ExecMainCode: code, ExecMainStatus: status }).service?.exit;
  expect(exit(0, 0)).toBeUndefined();
  expect(exit(1, 203)).toEqual({ kind: 'code', code: 203 });
  expect(exit(3, 11)).toEqual({ kind: 'signal', signal: 'SIGSEGV' });
  expect(exit(2, 35)).toEqual({ kind: 'signal', signal: 'signal 35' });
});

it('takes a mount for no service, though it has a type', () => {
  expect(unitOf({ ...unit, Id: 'tmp.mount', Type: 'tmpfs', Result: 'success' }).service).toBeUndefined();
});

it('refuses what is not as it is known, and says where', () => {
  expect(() => checked('read web.service', () => unitOf({ ...unit, Id: 'a.socket', Names: ['x', 1] }))).toThrow(
    expect.objectContaining({
      problems: [
        {
          code: 'unexpected-answer',
          summary: 'cannot read web.service: systemd answered something else than is known of it',
          detail: 'answer.Names.1: expected string',
        },
      ],
    }),
  );
  expect(() => propertyValue('NeedDaemonReload', 'yes')).toThrow();
  expect(propertyValue('DropInPaths', ['/a'])).toEqual(['/a']);
});

it('asks a property of the interface that has it', () => {
  expect(faceOf('ActiveState')).toBe('org.freedesktop.systemd1.Unit');
  expect(faceOf('MainPID')).toBe('org.freedesktop.systemd1.Service');
});

it('reads versions and changes of links', () => {
  expect(['252.39-1~deb12u1', '257', '258~rc2-1'].map(versionOf)).toEqual([252, 257, 258]);
  expect(() => versionOf('unknown')).toThrow();
  expect(
    linkChanges([
      ['symlink', '/etc/a', '/lib/a'],
      ['masked', '/etc/b', ''],
      ['unlink', '/etc/c', ''],
    ]),
  ).toEqual([
    { kind: 'symlink', path: '/etc/a', target: '/lib/a' },
    { kind: 'unlink', path: '/etc/c', target: '' },
  ]);
});
