import type { Exit, Service } from '../model.ts';

/**
 * May a service stay ended after this exit? `always` (the default) never lets it; `on-failure` lets it after code 0. How
 * it ended may be unknown, which is no reason to act.
 */
export function exitAllowed(service: Service, exit: Exit): boolean {
  const policy = service.written.restart?.policy ?? 'always';
  if (policy === 'always') return false;
  return policy === 'never' || exit.kind === 'unknown' || (exit.kind === 'code' && exit.code === 0);
}
