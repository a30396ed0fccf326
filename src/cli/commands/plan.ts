import { existsSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../../package.json' with { type: 'json' };
import type { Config } from '../../config.ts';
import type { PlanRequest } from '../../daemon/wire.ts';
import type { Plan } from '../../model.ts';
import { Failure, why } from '../../problem.ts';
import type { Context, Options } from '../context.ts';
import { planJson, planText } from '../views/plan.ts';

/** `reconcile --dry-run`: shows the plan; exit code 2 where it has steps. */
export async function dryRun(context: Context, options: Options): Promise<number> {
  const plan = await makePlan(context, options);
  show(plan, context, options);
  return plan.steps.length > 0 ? 2 : 0;
}

/** `reconcile plan [--out FILE]`: the same, kept in a file that `reconcile apply FILE` takes. */
export async function planCommand(context: Context, options: Options): Promise<number> {
  const plan = await makePlan(context, options);
  if (options.out !== undefined) {
    const { writeAtomic } = await import('../../host/files.ts');
    try {
      writeAtomic(
        options.out,
        `${JSON.stringify({ ...(planJson(plan) as object), only: options.only ?? [], ...(options.restartStaged ? { restartStaged: true } : {}), ...(options.override === undefined ? {} : { override: options.override }) }, null, 2)}\n`,
      );
    } catch (error) {
      throw new Failure({ code: 'plan-unwritable', summary: `cannot write the plan to ${options.out}: ${why(error)}` });
    }
  }
  show(plan, context, options);
  if (options.out !== undefined)
    context.note(`Saved to ${options.out}; to apply exactly this: reconcile apply ${options.out}\n`);
  return plan.steps.length > 0 ? 2 : 0;
}

export function show(plan: Plan, context: Context, options: Options): void {
  if (options.json) context.out(`${JSON.stringify(planJson(plan), null, 2)}\n`);
  else context.out(planText(plan, { style: context.style, width: context.width }));
}

/**
 * Of the daemon where one runs that sees what we do: it has most of it at hand. Else our own, which is the same; what it
 * takes is only loaded then.
 */
export async function makePlan(context: Context, options: Options, approved = false): Promise<Plan> {
  const { config } = context;
  const { only = [], claim = false, restartStaged = false } = options;
  const wanted = { claim, restartStaged, override: options.override !== undefined, approved };
  const told = await askDaemon(config, { only: [...only], ...wanted });
  if (told !== undefined) return told;
  if (config.git !== undefined) await (await import('./newest.ts')).lookForNewest(context);
  return (await import('./own-plan.ts')).makeOwnPlan(config, { only, ...wanted });
}

async function askDaemon(
  { runtimeDir, desiredState, stateDir, logDir, host }: Config,
  wanted: Pick<PlanRequest, 'only' | 'claim' | 'restartStaged' | 'override' | 'approved'>,
): Promise<Plan | undefined> {
  const socket = join(runtimeDir, 'control.sock');
  if (!existsSync(socket)) return undefined;
  const { askPlan } = await import('../../daemon/ask-plan.ts');
  const { version } = packageJson;
  return askPlan(socket, { version, desiredState, stateDir, logDir, host, ...wanted });
}
