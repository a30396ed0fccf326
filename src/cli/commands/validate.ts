import { definitionProblems } from '../../definitions.ts';
import { loadDesired } from '../../engine.ts';
import { createMonitor } from '../../health/monitor.ts';
import { Failure } from '../../problem.ts';
import { checkSource } from '../../sources.ts';
import { openRegistry } from '../../supervisors/index.ts';
import type { Context, Options } from '../context.ts';
import { lookForNewest } from './newest.ts';

/** `reconcile validate`: every problem at once, or how many services are well declared. */
export async function validateCommand(context: Context, options: Options): Promise<number> {
  const { config, style } = context;
  await lookForNewest(context);
  const desired = await loadDesired(config);
  await using monitor = createMonitor();
  const { runtimeDir, logDir } = config;
  await using registry = openRegistry({ owner: desired.policy.owner, runtimeDir, logDir, supervise: false, monitor });
  const supervisors = await registry.take(
    desired.services.map(({ supervisor }) => supervisor),
    desired.instances,
  );
  const problems = [...(await definitionProblems(desired, supervisors)), ...checkSource(config)];
  if (problems.length > 0) throw new Failure(...problems);
  // Those that run instances are declared as that.
  const services = new Set(desired.services.flatMap(({ name, runs }) => (runs === undefined ? [name] : []))).size;
  if (options.json) context.out(`${JSON.stringify({ valid: true, services, problems: [] }, null, 2)}\n`);
  else
    context.out(
      `${style.green('Valid:')} ${services} ${services === 1 ? 'service' : 'services'} in ${config.desiredState}\n`,
    );
  return 0;
}
