import { setTimeout as sleep } from 'node:timers/promises';
import { lives, statOf } from '../host/procfs.ts';
import type { ServiceId } from '../model.ts';
import { formatDuration } from '../units.ts';
import { type Means, Stuck } from './means.ts';

/** ms. How often it is looked at. */
const LOOK = 100;

/**
 * Watches that a service keeps its process and stays healthy for a while; a failing dependency is no fault of its own.
 * Throws `Stuck` where it does not, or where it is interrupted.
 */
export async function soak(
  { health }: Pick<Means, 'health'>,
  id: ServiceId,
  pid: number,
  duration: number,
  signal: AbortSignal,
): Promise<void> {
  const process = statOf(pid);
  const begun = performance.now();
  const stuck = (code: string, why: string, hint?: string) => {
    const after = formatDuration(Math.round((performance.now() - begun) / 100) * 100);
    const summary = `${id} did not stay well for ${formatDuration(duration)}: after ${after} ${why}`;
    return new Stuck({ code, summary, ...(hint === undefined ? {} : { hint }) });
  };
  for (;;) {
    if (process === undefined || !lives(process)) throw stuck('not-well', `its process ${pid} was gone`);
    const state = health(id);
    if (state.kind === 'unhealthy' && state.about === 'self') {
      throw stuck('not-well', `its probe ${state.probe} failed: ${state.why}`);
    }
    const left = duration - (performance.now() - begun);
    if (left <= 0) return;
    if (signal.aborted)
      throw stuck('interrupted', 'this was interrupted', 'run `reconcile` again: it goes on from there');
    await sleep(Math.min(LOOK, left), undefined, { signal }).catch(() => {});
  }
}
