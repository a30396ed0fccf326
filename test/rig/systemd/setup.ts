import { hasSupervisord } from '../supervisord/needs.ts';
import { removeLeftovers } from './leftovers.ts';
import { whyNoSystemdHost } from './needs.ts';

/** Says aloud, once a run, why system tests are skipped here; after them, removes what killed ones left. */
export default function setup(): (() => Promise<void>) | undefined {
  if (!hasSupervisord())
    process.stderr.write('\nTESTS OF SUPERVISORD CANNOT RUN: it is not installed (apt-get install supervisor)\n');
  const why = whyNoSystemdHost();
  if (why === undefined) return removeLeftovers;
  for (const reason of why.split('\n')) process.stderr.write(`\nSYSTEM TESTS CANNOT RUN: ${reason}\n`);
  return undefined;
}
