import { setTimeout as sleep } from 'node:timers/promises';
import { type ProcessRef, readWhole } from '../../host/procfs.ts';
import { Failure } from '../../problem.ts';
import type { Observer } from './sight.ts';
import { groupFolder, processesIn } from './taker-tree.ts';

/** ms that the kernel has to end what was killed. */
const KILLED = 2000;
const LOOK = 20;

/**
 * Throws where processes of a unit outlive their kill: systemd gives up on them in the end, and then starts it a second time
 * beside them.
 */
export async function assertNoneUndying({ manager }: Observer, unit: string): Promise<void> {
  const folder = groupFolder(await manager.property(unit, 'ControlGroup'));
  const begun = performance.now();
  for (;;) {
    const [active, given] = [await manager.property(unit, 'ActiveState'), processesIn(folder)];
    if (active === 'active' || active === 'reloading' || active === 'activating') return;
    const left = given.filter((one) => active !== 'deactivating' || isKilled(one));
    if (left.length === 0) return;
    if (performance.now() - begun > KILLED) {
      const pids = left.map(({ pid }) => pid).join(', ');
      const summary = `did not start ${unit} again: pid ${pids} of it was killed and is still there`;
      const hint = 'what waits for a disk or a mount, or is frozen, ends when that does';
      throw new Failure({ code: 'not-gone', summary, hint });
    }
    await sleep(LOOK);
  }
}

const SIGKILL = 1n << 8n;

/** SIGKILL is on its way to it. */
function isKilled({ pid }: ProcessRef): boolean {
  const pending = [...(readWhole(`/proc/${pid}/status`) ?? '').matchAll(/^S[ih][gd]Pnd:\s*([0-9a-f]+)$/gm)];
  return pending.some(([, mask]) => (BigInt(`0x${mask}`) & SIGKILL) !== 0n);
}
