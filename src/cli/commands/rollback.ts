import { whoAsks } from '../../daemon/asked.ts';
import type { Back } from '../../request.ts';
import { wentBack } from '../../verify/by-hand.ts';
import type { Context, Options } from '../context.ts';
import { run } from './apply.ts';
import { makeOwnPlan } from './own-plan.ts';
import { show } from './plan.ts';

/** `reconcile rollback [COMMIT]`: back to a commit, until the next one; with `--dry-run` it is only shown. */
export async function rollbackCommand(context: Context, options: Options): Promise<number> {
  const { only = [], commit } = options;
  const back: Back = { only, ...(commit === undefined ? {} : { commit }) };
  if (options.dryRun) return foretell(context, options, back);
  const code = await run(context, options, { only: [], asked: [], back });
  context.note('It stays so until the next commit; to end it: reconcile retry\n');
  return code;
}

/** `reconcile retry`: what is quarantined is tried again, on a person's word. */
export async function retryCommand(context: Context, options: Options): Promise<number> {
  return run(context, options, { only: [], asked: [], retry: true });
}

async function foretell(context: Context, options: Options, back: Back): Promise<number> {
  const { goingBack } = await import('../../verify/go-back.ts');
  const quarantine = await goingBack(context.config, { ...back, by: whoAsks() });
  const as = (desired: Parameters<typeof wentBack>[0]) => wentBack(desired, quarantine);
  const plan = await makeOwnPlan(context.config, { only: [], claim: false, restartStaged: false, as });
  show(plan, context, options);
  return plan.steps.length > 0 ? 2 : 0;
}
