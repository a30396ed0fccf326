import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { SupervisorFile } from '../../src/desired/generated/supervisor.ts';
import { instanceOf } from '../../src/desired/instances.ts';
import { withInstances } from '../../src/instances.ts';
import type { Definition, Desired, Service } from '../../src/model.ts';
import { BUILTIN_FIELDS } from '../../src/supervisors/builtin/fields.ts';
import { defineBy } from '../../src/supervisors/fields.ts';
import { defineWhole } from '../../src/supervisors/systemd/whole.ts';
import { service } from '../unit/planner/make.ts';

const ROOT = { root: true, runtime: '/run', logDir: '/var/log/reconciled' };
const SYSTEMD = { manager: 'system', unitDir: '/etc/systemd/system', owner: 'default', version: 252 } as const;

function desired(name: string, written: Omit<SupervisorFile, 'config'>, services: readonly Service[] = []): Desired {
  const file = `supervisors/${name}.yaml`;
  return {
    revision: { content: '0' },
    policy: { owner: 'default', prune: { kind: 'off' }, written: {} },
    services,
    instances: [instanceOf(name, file, { config: `/etc/supervisor/${name}.conf`, ...written }, ROOT)],
    locate: () => undefined,
  };
}

/** The service that runs it, as it is on hosts: a changed one restarts the supervisords of all who upgrade. */
function runnerOf(from: Desired): Service {
  const found = withInstances(from, '/run').services.find(({ runs }) => runs !== undefined);
  if (found === undefined) throw new Error('nothing runs it');
  return found;
}

// Of root's there is a line more in its configuration.
describe.runIf(process.getuid?.() === 0)('the service that runs an instance', () => {
  const cases: readonly (readonly [string, Omit<SupervisorFile, 'config'>])[] = [
    ['dolphin', {}],
    ['none', { boot: 'none' }],
    [
      'whale',
      {
        socket: { path: '/srv/whale/run/s.sock', mode: '0770', owner: 'whale:ops' },
        log: { path: '/srv/whale/log/supervisord.log' },
        command: '/opt/supervisor/bin/supervisord',
        user: 'whale:ops',
        changes: 'now',
      },
    ],
  ];

  test.each(cases)('%s is as expected', (name, written) => {
    const runner = runnerOf(desired(name, written));
    const definition =
      runner.supervisor === 'systemd' ? defineWhole(runner, SYSTEMD) : defineBy(BUILTIN_FIELDS, 'builtin', runner);
    expect(Array.isArray(definition), JSON.stringify(definition)).toBe(false);
    const { hash, files = [] } = definition as Definition;
    const all = { service: runner, hash, unit: files.flatMap(({ text }) => text.split('\n')) };
    const text = `${JSON.stringify(all, null, 2)}\n`;
    const path = join(import.meta.dirname, 'instances', `${name}.json`);
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
    expect(text).toBe(readFileSync(path, 'utf8'));
  });

  test('is the same object as long as nothing changes', () => {
    const one = desired('dolphin', {});
    expect(runnerOf(one)).toBe(runnerOf(one));
  });

  test('has at least as long to end as its slowest program and some more', () => {
    const under = (id: string, timeout: string) => ({
      ...service(id),
      supervisor: 'supervisord/dolphin' as const,
      written: { supervisor: 'supervisord/dolphin', stop: { timeout } },
    });
    const timeout = (...services: Service[]) => runnerOf(desired('dolphin', {}, services)).written.stop?.timeout;
    expect(timeout()).toBe('2m');
    expect(timeout(under('a', '30s'), under('b', '110s'))).toBe('2m');
    expect(timeout(under('a', '30s'), under('b', '5m'))).toBe('5m10s');
    expect(timeout({ ...under('a', '5m'), supervisor: 'builtin' })).toBe('2m');
  });

  test('comes before its programs, which are otherwise as they were', () => {
    const web = { ...service('web'), supervisor: 'supervisord/dolphin' as const, after: ['db'], afterIds: ['db'] };
    const db = service('db');
    const from = desired('dolphin', {}, [db, web]);
    const { services } = withInstances(from, '/run');
    expect(services.map(({ id, after, afterIds }) => [id, after, afterIds])).toEqual([
      ['db', [], undefined],
      ['supervisord-dolphin', [], undefined],
      ['web', ['db', 'supervisord-dolphin'], ['db', 'supervisord-dolphin']],
    ]);
    expect(services[0]).toBe(db);
    expect(services[2]?.written).toBe(web.written);
    expect(withInstances(from, '/run').services[2]).toBe(services[2]);
  });

  test('is none where others run it', () => {
    const from = desired('debian', { owned: false, include: '/etc/supervisor/conf.d' }, [service('web')]);
    expect(withInstances(from, '/run')).toBe(from);
  });
});
