import { loadYaml } from '../../desired/yaml.ts';
import { environmentsOf } from '../../environments.ts';
import type { Context, Options } from '../context.ts';
import { environmentJson, environmentText } from '../views/env.ts';
import { desiredNow } from './lease.ts';
import { chosenStatus } from './status.ts';

/** `reconcile env NAME…`: the environment that services have, beside what is declared. */
export async function envCommand(context: Context, options: Options): Promise<number> {
  const { config, out, style, width } = context;
  const { services } = await chosenStatus(context, { names: options.names ?? [] });
  const desired = await desiredNow(config);
  // Positions are looked up in the files.
  await loadYaml();
  const environments = [];
  for (const status of services) environments.push(await environmentsOf(desired, status));
  if (options.json) out(`${JSON.stringify({ services: environments.map(environmentJson) }, null, 2)}\n`);
  else out(environments.map((environment) => environmentText(environment, { style, width })).join('\n'));
  return 0;
}
