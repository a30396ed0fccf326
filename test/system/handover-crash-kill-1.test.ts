import { expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { killedAt } from './handover/killed.ts';

/** One third of the parts: all of them take longer than one file should. */
describeOnSystemd('a handover that is killed', { timeout: 400_000 }, () => {
  it('at every third part, there and back: the next run ends it, and two copies never were', async () => {
    const parts = await killedAt(0, 3);
    // The plan, its beginning, each stage and its end: fewer means that they were not told.
    expect(parts.length, parts.join('\n')).toBeGreaterThan(5);
  });
});
