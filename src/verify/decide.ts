import type { Config } from '../config.ts';
import type { Desired, Service, ServiceId } from '../model.ts';
import type { Request } from '../request.ts';
import { poolSize } from '../supervisors/supervisord/pool.ts';
import { type Book, readBook, saveBook, waiting, withoutOther, withoutQuarantine, withTrial } from './book.ts';
import { isSameRevision, type Quarantine } from './quarantine.ts';

/** What was quarantined of another revision is over. */
export function forgetOther({ stateDir }: Pick<Config, 'stateDir'>, { revision }: Pick<Desired, 'revision'>): void {
  const book = readBook(stateDir);
  saveBook(stateDir, book, withoutOther(book, revision));
}

/**
 * What a person asks for ends what is quarantined of it, before it is read what is desired. The request as it is then: what
 * was left as it is has to be asked for, to be started again. `desired`: what was desired last.
 */
export function release(
  { stateDir }: Pick<Config, 'stateDir'>,
  request: Request,
  desired: Pick<Desired, 'services' | 'git' | 'revision'> | undefined,
): Request {
  if (request.looking || (request.asked.length === 0 && request.retry !== true)) return request;
  const before = readBook(stateDir);
  const { quarantine } = before;
  if (quarantine === undefined) return request;
  const services = new Map(desired?.services.map((service) => [service.id, service]));
  const ends = (id: ServiceId) =>
    request.retry === true || request.asked.some((name) => isOf(id, services.get(id)?.group, name));
  const ids = Object.keys(quarantine.services);
  // One of a pool is not tried again without the others.
  const isWhole = (id: ServiceId) => {
    const service = services.get(id);
    const isPooled = service !== undefined && poolSize(service) !== undefined;
    return !isPooled || ids.every((other) => services.get(other)?.name !== service.name || ends(other));
  };
  const ended = ids.filter((id) => ends(id) && isWhole(id));
  if (ended.length === 0) return request;
  saveBook(stateDir, before, released(before, quarantine, new Set(ended)));
  if (request.retry !== true) return request;
  if (desired === undefined || !isSameRevision(quarantine.of, desired.revision)) return request;
  const runs = ({ id, state }: Service) => ended.includes(id) && state === 'running';
  const again = (desired.git ?? desired).services.filter(runs).map(({ id }) => id);
  return { ...request, asked: [...new Set([...request.asked, ...again])] };
}

function released(book: Book, quarantine: Quarantine, ended: ReadonlySet<ServiceId>): Book {
  const services = Object.fromEntries(Object.entries(quarantine.services).filter(([id]) => !ended.has(id)));
  let next =
    Object.keys(services).length === 0 ? withoutQuarantine(book) : { ...book, quarantine: { ...quarantine, services } };
  for (const id of ended) {
    const trial = next.trials[id];
    if (trial?.phase === 'failed') next = withTrial(next, id, waiting(trial));
  }
  return next;
}

function isOf(id: ServiceId, group: string | undefined, name: string): boolean {
  if (name.endsWith(':*')) return group === name.slice(0, -2);
  return id === name || id.split('@')[0] === name;
}
