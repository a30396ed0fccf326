import { Failure } from '../../problem.ts';
import { reasonOf } from './runs.ts';
import type { Observer } from './sight.ts';
import { assertNoneUndying } from './taker-undying.ts';

/** Starts a unit and waits until it is up. Throws a Failure where it is not, or would be there twice. */
export async function startAndWait(o: Observer, unit: string, signal: AbortSignal): Promise<void> {
  const { manager } = o;
  // A timer has no processes of its own.
  if (unit.endsWith('.service')) await assertNoneUndying(o, unit);
  const before = await manager.property(unit, 'ActiveState');
  // systemd refuses starts beyond a unit's limit, and those before were not ours.
  if (before === 'failed') await manager.resetFailed(unit);
  const end = await manager.start(unit, signal);
  if (end === 'interrupted') {
    const summary = `cannot start ${unit}: interrupted before it was up; systemd goes on with it`;
    throw new Failure({ code: 'interrupted', summary });
  }
  const now = await manager.unit(unit);
  if (now.active === 'active' || now.active === 'reloading') return;
  // One that does its work and ends is up no more when it is asked for.
  if (now.active === 'inactive' && now.conditionsMet && now.service?.result === 'success' && end === 'done') return;
  const because = now.conditionsMet ? reasonOf(now) : 'a condition of its unit is not met';
  throw new Failure({
    code: 'start-failed',
    summary: `cannot start ${unit}: ${because}`,
    hint: `\`systemctl status ${unit}\` tells more`,
  });
}
