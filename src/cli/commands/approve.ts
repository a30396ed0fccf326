import { waitingIn } from '../../control/approvals.ts';
import type { Context, Options } from '../context.ts';
import { waitsJson, waitsText } from '../views/control.ts';
import { run } from './apply.ts';
import { person } from './lease.ts';
import { makePlan } from './plan.ts';

/** `reconcile approve ID` has done what waits; without an id it is shown, and the exit code is 2 where there is any. */
export async function approveCommand(context: Context, options: Options): Promise<number> {
  const { id } = options;
  if (id !== undefined) return run(context, options, { only: [], asked: [], approve: { plan: id, by: person() } });
  const waiting = waitingIn(await makePlan(context, options));
  const waits = waiting && {
    ...waiting,
    would: await makePlan(context, { ...options, only: waiting.services }, true),
  };
  const { style, width } = context;
  context.out(options.json ? `${JSON.stringify(waitsJson(waits), null, 2)}\n` : waitsText(waits, { style, width }));
  return waits === undefined ? 0 : 2;
}
