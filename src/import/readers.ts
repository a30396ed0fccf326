import type { Readers } from './gather.ts';

/** Who reads what of this host. `rewrite`: units of packages become ours. */
export function readersHere(_rewrite: boolean): Readers {
  return { units: async () => [], programs: async () => [] };
}
