import type { Fields, Service, ServiceId } from '../../model.ts';
import { sectionKind } from './raw.ts';
import { rawOf, type SectionKind } from './raw-options.ts';

/*
 * The instances of an event listener or a FastCGI program share what they are for: each event goes to one of them, they
 * accept on one socket. supervisord has that for the processes of one section alone (`numprocs`), which it holds as a
 * group: each can be started and stopped by itself, and a change of any is one of all (supervisor.options:
 * EventListenerPoolConfig, FastCGIGroupConfig).
 */

/** How many processes the section of a service has; undefined where each of its instances has one of its own. */
export function poolSize({ instance, written }: Service): number | undefined {
  return instance === undefined || sectionKind(written) === 'program' ? undefined : (written.instances ?? 1);
}

/** A service whose number of processes is a part of what it is: another number is another section. */
export function withPoolSize(service: Service): Service {
  const size = poolSize(service);
  if (size === undefined) return service;
  const { written } = service;
  const raw = [...rawOf(written), [sectionKind(written), NUMPROCS, size]] as unknown as Raw;
  return { ...service, written: { ...written, raw: { ...written.raw, supervisord: raw } } };
}

type Raw = NonNullable<NonNullable<Service['written']['raw']>['supervisord']>;

const NUMPROCS = 'numprocs';

/** The group that a process with such a definition is in; undefined where it is in one of its own. No service is called so. */
export function poolOf(id: ServiceId, fields: Fields): string | undefined {
  const lines = fields['raw.supervisord'] as readonly (readonly [SectionKind, string, unknown])[] | undefined;
  // Nobody but us says it.
  return lines?.some(([, key]) => key === NUMPROCS) === true ? poolNameOf(id) : undefined;
}

/** The group that an instance of a service is in, where that is in a pool at all; undefined for what is no instance. */
export function poolNameOf(id: ServiceId): string | undefined {
  return stemOf(id) === id ? undefined : `${stemOf(id)}@pool`;
}

/** Could a process of this name be in that group? */
export function mayBeIn(id: ServiceId, group: string): boolean {
  return group === poolNameOf(id);
}

/** `web@2` -> `web` */
function stemOf(id: ServiceId): string {
  const at = id.lastIndexOf('@');
  return at === -1 ? id : id.slice(0, at);
}

/** An id to render with, whose number stands for that of each process (see `numbered`); in none of these texts. */
export function idOfAny(id: ServiceId, ...texts: readonly string[]): { readonly id: ServiceId; readonly mark: string } {
  let mark = '7000000';
  while (texts.some((text) => text.includes(mark))) mark += '7';
  return { id: `${stemOf(id)}@${mark}`, mark };
}

/** The lines of a section for so many processes, from those for one whose number is `mark`. */
export function numbered(
  id: ServiceId,
  size: number,
  mark: string,
  lines: readonly (readonly [key: string, value: string])[],
): (readonly [key: string, value: string])[] {
  return [
    ['process_name', `${stemOf(id)}@${NUMBER}`],
    ['numprocs', String(size)],
    ['numprocs_start', '1'],
    ...lines.map(([key, value]) => [key, value.replaceAll(mark, NUMBER)] as const),
  ];
}

/** supervisord puts the number of the process there. */
const NUMBER = '%(process_num)d';
