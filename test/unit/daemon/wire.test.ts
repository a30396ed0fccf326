import { expect, test } from 'vitest';
import { barePlan } from '../../../src/daemon/wire.ts';
import type { Plan, Service } from '../../../src/model.ts';

const secret = 'hunter2';
const written = { environment: { DB_PASSWORD: secret } };
const plan = {
  version: 1,
  revision: 'r',
  fingerprint: 'f',
  steps: [
    {
      id: 'create:web',
      service: 'web',
      supervisor: 'systemd',
      action: 'create',
      reason: { kind: 'missing' },
      effect: 'start',
      after: [],
      seen: { kind: 'absent' },
      files: [{ path: '/etc/systemd/system/web.service', to: `[Service]\nEnvironment="DB_PASSWORD=${secret}"\n` }],
      target: { service: { id: 'web', written } as unknown as Service, definition: { hash: 'h', fields: {} } },
    },
  ],
  held: [],
  notices: [],
} satisfies Plan;

test('a plan goes over the socket without its targets, and its files masked', () => {
  const sent = JSON.stringify(barePlan(plan));
  expect(sent).not.toContain(secret);
  expect(JSON.parse(sent)).toMatchObject({ steps: [{ id: 'create:web', seen: { kind: 'absent' } }] });
  expect(sent).not.toContain('target');
});
