import { expect, it } from 'vitest';
import { describeOnSystemd } from '../rig/systemd/describe.ts';
import { powerCutAt } from './handover/killed.ts';

/** Half of every other part: a boot takes its time. */
describeOnSystemd('a handover that a power failure ends', { timeout: 400_000 }, () => {
  it('at every fourth part: the boot starts one at most, and the next run ends it', async () => {
    const { parts, none } = await powerCutAt(1);
    expect(parts.length, parts.join('\n')).toBeGreaterThan(4);
    // Given up, and the new one not yet started at boot: better none than two.
    expect(none.filter((at) => !/disabl|at boot/.test(at))).toEqual([]);
  });
});
