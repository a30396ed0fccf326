import { checkOwner, EVERYTHING, loadDesired, prepare, supervisorsInUse } from '../../engine.ts';
import { createMonitor } from '../../health/monitor.ts';
import { writeAtomic } from '../../host/files.ts';
import type { Plan } from '../../model.ts';
import { Failure, why } from '../../problem.ts';
import { openRegistry } from '../../supervisors/index.ts';
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
    try {
      writeAtomic(
        options.out,
        `${JSON.stringify({ ...(planJson(plan) as object), only: options.only ?? [], ...(options.restartStaged ? { restartStaged: true } : {}) }, null, 2)}\n`,
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

/** The same path as an apply, stopped before it: reads only, needs no lock and no daemon. */
async function makePlan(context: Context, options: Options): Promise<Plan> {
  const { config } = context;
  const desired = await loadDesired(config);
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(supervisorsInUse(config, desired));
  const request = { ...EVERYTHING, only: options.only ?? [], restartStaged: options.restartStaged === true };
  const prepared = await prepare(config, desired, supervisors, request, new AbortController().signal);
  if (!options.claim) checkOwner(config, prepared.desired, prepared.observed);
  return prepared.plan;
}
