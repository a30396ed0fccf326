import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Definition, Service } from '../../../../src/model.ts';
import { define } from '../../../../src/supervisors/systemd/define.ts';

/**
 * Files are taken for unchanged without being written again where their fields and `Made=` are the same. Where this test
 * fails because texts are meant to differ now, raise RENDERING in unit-text.ts, and only then write down the new digest.
 */
it('a text changes only together with its Made= line', () => {
  const written: Service['written'] = {
    supervisor: 'systemd',
    description: 'a "web" server: 100 %',
    command: ['/opt/web/bin/web', '--port', '80', '$HOME', 'a b', ''],
    directory: '/opt/web',
    user: 'web:adm',
    umask: '077',
    environment: { TZ: 'UTC', QUOTED: 'a "b" \\ $c %d\n' },
    environmentFiles: ['/etc/web/secrets.env'],
    start: { ready: '5s', retries: 1, after: ['db'] },
    stop: { signal: 'INT', timeout: '30s', tree: false },
    restart: {
      policy: 'on-failure',
      backoff: { initial: '2s', factor: 3, max: '1m' },
      limit: { restarts: 7, within: '1h' },
      cooldown: '10m',
    },
    limits: { addressSpace: '2GiB', openFiles: 65536, processes: 100, core: '0B', fileSize: '1GB', stack: '8MiB' },
    logs: { stdout: 'logs/web.log', stderr: 'logs/web-error.log', maxSize: '50MB', keep: 10 },
    raw: { systemd: [['Service', 'OOMScoreAdjust', -500]] } as unknown as NonNullable<Service['written']['raw']>,
  };
  const service = (instance?: number): Service => ({
    id: instance === undefined ? 'web' : `web@${instance}`,
    name: 'web',
    ...(instance === undefined ? {} : { instance }),
    supervisor: 'systemd',
    state: 'running',
    autostart: true,
    after: ['db'],
    afterIds: ['db@1', 'db@2'],
    formerly: [],
    changes: 'now',
    written,
    inputs: { 'environmentFiles:/etc/web/secrets.env': '0123456789abcdef' },
    file: 'services/web.yaml',
  });
  const texts = [252, 254].flatMap((version) =>
    [undefined, 1].map((instance) => {
      const options = { manager: 'system' as const, unitDir: '/etc/systemd/system', owner: 'o', version };
      return (define(service(instance), options) as Definition).files?.[0];
    }),
  );
  expect(texts.map((file) => file?.made)).toEqual([
    '1 252 db@1 db@2',
    '1 252 db@1 db@2',
    '1 254 db@1 db@2',
    '1 254 db@1 db@2',
  ]);
  const all = texts.map((file) => file?.text).join('\0');
  expect(createHash('sha256').update(all).digest('hex').slice(0, 16), all).toBe('6f31ae94794f312f');
});
