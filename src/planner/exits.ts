import type { Exit, Service } from '../model.ts';

/**
 * May a service stay ended after this exit? `always` (the default) never lets it; `on-failure` lets it after code 0. How
 * it ended may be unknown, which is no reason to act. A unit of others is restarted as its own file says: one that has
 * ended well is left so.
 */
export function exitAllowed(service: Service, exit: Exit): boolean {
  const policy = service.written.restart?.policy ?? (service.written.unit === undefined ? 'always' : 'on-failure');
  if (policy === 'always') return false;
  return policy === 'never' || exit.kind === 'unknown' || (exit.kind === 'code' && exit.code === 0);
}
