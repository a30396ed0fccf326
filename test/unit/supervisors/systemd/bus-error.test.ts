import { expect, it } from 'vitest';
import { Failure } from '../../../../src/problem.ts';
import { BusError, busProblem, isGone } from '../../../../src/supervisors/shared/bus-error.ts';

const answered = (name: string, message = '') => new BusError({ kind: 'answered', name, message });

it('says what systemd refuses in words that people know', () => {
  const said = (name: string, message: string) => {
    const { code, summary } = busProblem('start web.service', answered(name, message));
    return `${code}: ${summary}`;
  };
  const systemd = 'org.freedesktop.systemd1';
  const bus = 'org.freedesktop.DBus.Error';
  expect([
    said(`${systemd}.NoSuchUnit`, 'Unit web.service not found.'),
    said(`${systemd}.UnitMasked`, 'Unit web.service is masked.'),
    said(`${systemd}.LoadFailed`, 'Unit web.service failed to load.'),
    said(`${systemd}.BadUnitSetting`, 'Unit web.service has a bad unit file setting.'),
    said(`${systemd}.JobTypeNotApplicable`, 'Job type reload is not applicable for unit web.service.'),
    said(`${systemd}.TransactionIsDestructive`, 'Transaction for web.service/start is destructive.'),
    said(`${systemd}.ShuttingDown`, 'Refusing, the manager is shutting down.'),
    said(`${systemd}.UnitExists`, 'File /etc/systemd/system/web.service already exists.'),
    said(`${bus}.AccessDenied`, 'Access denied'),
    said(`${bus}.InteractiveAuthorizationRequired`, 'Interactive authentication required.'),
    said(`${bus}.NoReply`, 'Message recipient disconnected from message bus without replying'),
    said(`${bus}.LimitsExceeded`, 'The maximum number of pending replies per connection has been reached'),
    said('org.example.New', 'Something new.'),
  ]).toEqual([
    'no-such-unit: cannot start web.service: unit web.service not found',
    'unit-masked: cannot start web.service: unit web.service is masked',
    'unit-not-loadable: cannot start web.service: unit web.service failed to load',
    'unit-not-loadable: cannot start web.service: unit web.service has a bad unit file setting',
    'job-not-applicable: cannot start web.service: job type reload is not applicable for unit web.service',
    'job-in-the-way: cannot start web.service: transaction for web.service/start is destructive',
    'shutting-down: cannot start web.service: refusing, the manager is shutting down',
    'file-in-the-way: cannot start web.service: file /etc/systemd/system/web.service already exists',
    'not-permitted: cannot start web.service: only root, or whom polkit lets, may do that',
    'not-permitted: cannot start web.service: only root, or whom polkit lets, may do that',
    'systemd-gone: cannot start web.service: systemd left the bus before it answered',
    'systemd-busy: cannot start web.service: The maximum number of pending replies per connection has been reached',
    'systemd-refused: cannot start web.service: Something new',
  ]);
});

it('says that there was no answer, or nobody to give one', () => {
  expect(busProblem('reload systemd', new BusError({ kind: 'timeout', limit: 90_000 }))).toMatchObject({
    code: 'systemd-busy',
    summary: 'cannot reload systemd: systemd did not answer within 90s',
  });
  expect(busProblem('reload systemd', new BusError({ kind: 'closed', message: 'reset' }))).toMatchObject({
    code: 'bus-lost',
    summary: 'cannot reload systemd: the bus went away (reset)',
  });
  expect(busProblem('reload systemd', Object.assign(new Error('x'), { code: 'EACCES' })).summary).toBe(
    'cannot reload systemd: permission denied',
  );
  const problem = { code: 'known', summary: 'known' };
  expect(busProblem('reload systemd', new Failure(problem))).toBe(problem);
});

it('knows what may be asked again', () => {
  expect(isGone(new BusError({ kind: 'closed' }))).toBe(true);
  expect(isGone(answered('org.freedesktop.DBus.Error.NoReply'))).toBe(true);
  expect(isGone(answered('org.freedesktop.DBus.Error.AccessDenied'))).toBe(false);
  expect(isGone(new BusError({ kind: 'timeout', limit: 1 }))).toBe(false);
});
