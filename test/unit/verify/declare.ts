import type { ServiceFile } from '../../../src/desired/generated/service.ts';
import type { Desired, Revision, Service } from '../../../src/model.ts';

export function service(id: string, written: Partial<ServiceFile> = {}): Service {
  const state = written.state ?? 'running';
  return {
    id,
    name: id,
    supervisor: 'builtin',
    state,
    autostart: state === 'running',
    after: written.start?.after ?? [],
    formerly: written.formerly ?? [],
    changes: 'now',
    written: { supervisor: 'builtin', command: ['sleep', '1'], ...written },
    inputs: {},
    file: `services/${id}.yaml`,
  };
}

export function desired(services: readonly Service[], revision: Revision, verify: object = { soak: '10s' }): Desired {
  return {
    revision,
    policy: { owner: 'default', prune: { kind: 'off' }, written: { verify } },
    services: [...services].sort((a, b) => (a.id < b.id ? -1 : 1)),
    instances: [],
    locate: () => undefined,
  };
}

export const at = (commit: string): Revision => ({ content: `content of ${commit}`, commit: commit.padEnd(40, '0') });
