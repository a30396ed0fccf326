import type { Instance } from '../instance.ts';
import type { FoundSupervisor, ProgramsFound } from './found.ts';
import type { Readers } from './gather.ts';
import { freeName } from './service-names.ts';

export interface ReaderMeans {
  /** Units of packages become ours. */
  readonly rewrite: boolean;
  /** The supervisords that are declared already. */
  readonly instances: readonly Instance[];
  readonly logDir: string;
}

/** Who reads what of this host. */
export function readersHere({ rewrite, instances, logDir }: ReaderMeans): Readers {
  // By name, the configuration of each.
  const configs = new Map(instances.map(({ name, config }) => [name, config]));
  const isFree = ({ name, supervisor }: FoundSupervisor) =>
    (configs.get(name) ?? supervisor.config) === supervisor.config;
  const taken = (read: ProgramsFound): ProgramsFound => {
    if (read.supervisor !== undefined) configs.set(read.supervisor.name, String(read.supervisor.supervisor.config));
    return read;
  };
  return {
    units: async (asked) => {
      const { importUnits } = await import('./units.ts');
      return importUnits({ ...asked, packaged: rewrite ? 'rewritten' : 'state' });
    },
    programs: async (config) => {
      const { importPrograms } = await import('./programs.ts');
      const read = importPrograms(config, { logDir });
      const { supervisor } = read;
      if (supervisor === undefined || isFree(supervisor)) return taken(read);
      const name = freeName(supervisor.name, (other) => !isFree({ ...supervisor, name: other }));
      return taken(importPrograms(config, { logDir, name }));
    },
    configs: async () => (await import('./programs.ts')).supervisordConfigs(),
  };
}
