import type { Instance } from '../instance.ts';
import type { Readers } from './gather.ts';

export interface ReaderMeans {
  /** Units of packages become ours. */
  readonly rewrite: boolean;
  /** The supervisords that are declared already. */
  readonly instances: readonly Instance[];
  readonly logDir: string;
}

/** Who reads what of this host. */
export function readersHere({ rewrite }: ReaderMeans): Readers {
  return {
    units: async (asked) => {
      const { importUnits } = await import('./units.ts');
      return importUnits({ ...asked, packaged: rewrite ? 'rewritten' : 'state' });
    },
    programs: async () => ({ supervisor: undefined, found: [], notices: [] }),
    configs: async () => [],
  };
}
