import { removeLeftovers } from './leftovers.ts';
import { whyNoSystemdHost } from './needs.ts';

/** Says aloud, once a run, why the tests on a real systemd are skipped here; after them, removes what killed ones left. */
export default function setup(): (() => Promise<void>) | undefined {
  const why = whyNoSystemdHost();
  if (why === undefined) return removeLeftovers;
  for (const reason of why.split('\n')) process.stderr.write(`\nSYSTEM TESTS CANNOT RUN: ${reason}\n`);
  return undefined;
}
