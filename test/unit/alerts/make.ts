import type { Alert } from '../../../src/alerts/alert.ts';

let made = 0;

export function alertOf(more: Partial<Alert> = {}): Alert {
  made += 1;
  const at = Date.now();
  return {
    id: `id-${made}`,
    key: 'down:web',
    kind: 'down',
    severity: 'critical',
    state: 'firing',
    title: 'web is FATAL: exit code 3',
    service: 'web',
    members: [{ key: 'down:web', service: 'web', title: 'web is FATAL: exit code 3', since: at }],
    count: 1,
    since: at,
    at,
    host: 'here',
    owner: 'test',
    ...more,
  };
}
