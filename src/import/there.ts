import type { Instance } from '../instance.ts';
import type { Service } from '../model.ts';
import { type Thing, thingsOf } from '../thing.ts';
import type { Imported } from './found.ts';

/** The service that is, or takes the place of, what was found; undefined where no file says anything of it. */
export function serviceFor(
  { origin }: Pick<Imported, 'origin'>,
  services: readonly Service[],
  instances: readonly Instance[],
): Service | undefined {
  return services.find(
    (service) => isIt(service, origin, instances) || thingsOf(service.written).some((thing) => isThing(thing, origin)),
  );
}

function isIt(
  { name, supervisor, written }: Service,
  origin: Imported['origin'],
  instances: readonly Instance[],
): boolean {
  switch (origin.kind) {
    case 'unit':
      return supervisor === 'systemd' && (written.unit ?? `${name}.service`) === origin.unit;
    case 'program':
      return (
        name === origin.program && supervisor === instances.find(({ config }) => config === origin.config)?.supervisor
      );
    case 'cron':
    case 'process':
    case 'file':
      return false;
  }
}

function isThing(thing: Thing, origin: Imported['origin']): boolean {
  switch (origin.kind) {
    case 'unit':
      return thing.kind === 'unit' && thing.unit === origin.unit;
    case 'program':
      return thing.kind === 'program' && thing.program === origin.thing && thing.config === origin.config;
    case 'cron':
      return thing.kind === 'cron' && spaced(thing.line) === spaced(origin.line);
    case 'process':
      return thing.kind === 'process' && thing.command.join('\0') === origin.command.join('\0');
    case 'file':
      return false;
  }
}

/** How many blanks are between words is no matter. */
function spaced(line: string): string {
  return line.trim().replace(/\s+/g, ' ');
}
