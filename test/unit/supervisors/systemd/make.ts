import type { HostFile, Service } from '../../../../src/model.ts';
import { define, type UnitOptions } from '../../../../src/supervisors/systemd/define.ts';
import { service as anyService } from '../../planner/make.ts';

export const OPTIONS: UnitOptions = {
  manager: 'system',
  unitDir: '/etc/systemd/system',
  owner: 'default',
  version: 252,
};

type Written = Partial<Service['written']>;

export function service(written: Written, more: Partial<Omit<Service, 'written'>> = {}): Service {
  const made = anyService('web', { supervisor: 'systemd', ...more, written });
  if (written.unit === undefined) return made;
  const { command, ...packaged } = made.written;
  return { ...made, written: packaged };
}

export type RawLine = readonly [section: string, key: string, value: string | number | boolean];

/** Raw lines, which the generated types don't know. */
export function raw(...systemd: RawLine[]): Written {
  return { raw: { systemd } as unknown as NonNullable<Written['raw']> };
}

export function fileOf(service: Service, options: Partial<UnitOptions> = {}): HostFile {
  const defined = define(service, { ...OPTIONS, ...options });
  if (Array.isArray(defined)) throw new Error(defined.map(({ summary }) => summary).join('; '));
  const [file, ...others] = ('files' in defined ? defined.files : undefined) ?? [];
  if (file === undefined || others.length > 0) throw new Error('not one file');
  return file;
}

/** The values of a directive in the unit of a service. */
export function values(service: Service, key: string, options: Partial<UnitOptions> = {}): string[] {
  return fileOf(service, options)
    .text.split('\n')
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1));
}

/** What is refused, as `FIELD: why`. */
export function refused(service: Service): string[] {
  const defined = define(service, OPTIONS);
  return Array.isArray(defined) ? defined.map(({ summary }) => summary) : [];
}
