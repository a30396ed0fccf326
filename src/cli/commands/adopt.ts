import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../canonical.ts';
import { edited } from '../../capture/edit.ts';
import { tryChanges } from '../../capture/trial.ts';
import { writeChanges } from '../../capture/write.ts';
import type { Config } from '../../config.ts';
import { loadYaml } from '../../desired/yaml.ts';
import { loadDesired } from '../../engine.ts';
import { type Adoption, adoptionOf, enforced, withoutMode } from '../../import/adoption.ts';
import type { Desired } from '../../model.ts';
import type { Context, Options } from '../context.ts';
import { adoptionJson, adoptionText } from '../views/adoption.ts';
import { reportJson } from '../views/progress.ts';
import { run } from './apply.ts';
import { planFor } from './own-plan.ts';
import { show } from './plan.ts';

/**
 * `import --adopt`: what can be taken over with its process as it is, is; the rest is told, and nothing is done to it.
 * `imported` is told with it to programs.
 */
export async function adopt(
  context: Context,
  options: Options,
  names: readonly string[],
  { desired: given, imported }: { readonly desired?: Desired; readonly imported: Json },
): Promise<number> {
  const { config, out, style } = context;
  const desired = given ?? (await loadDesired(config));
  const waiting = names.filter((name) =>
    desired.services.some((service) => service.name === name && service.written.mode === 'observe'),
  );
  // With what runs a supervisord: without it nothing is known of its programs.
  const runners = desired.services.flatMap(({ id, runs }) => (runs === undefined ? [] : [id]));
  const only = { only: [...waiting, ...runners], claim: options.claim === true, restartStaged: false };
  const unread = names.filter((name) => !desired.services.some((service) => service.name === name));
  const plan = await planFor(config, enforced(desired, new Set(waiting)), only);
  const { now, left } = adoptionOf(plan, waiting);
  const told = { adoption: { now, left }, unread, plan };
  if (options.dryRun === true) {
    if (options.json) out(`${JSON.stringify({ ...(imported as object), adopt: adoptionJson(told) }, null, 2)}\n`);
    else {
      if (now.length > 0)
        show(await planFor(config, enforced(desired, new Set(now)), { ...only, only: now }), context, options);
      out(adoptionText(told, style));
    }
    return now.length > 0 ? 2 : 0;
  }
  await enforceFiles(config, desired, now);
  const json = (report: Json): Json => ({ ...(imported as object), adopt: adoptionJson(told), report }) as Json;
  if (now.length === 0) {
    if (options.json) out(`${JSON.stringify(json(null), null, 2)}\n`);
    else out(adoptionText(told, style));
    return 0;
  }
  const code = await run(context, options, { only: now, asked: [], claim: options.claim === true }, (report) =>
    json(reportJson(report)),
  );
  if (!options.json) out(adoptionText(told, style));
  return code;
}

/** Takes `mode: observe` out of the files of these. */
async function enforceFiles(config: Config, desired: Desired, names: Adoption['now']): Promise<void> {
  await loadYaml();
  const changes = names.map((name) => {
    const service = desired.services.find((one) => one.name === name);
    const path = (service && desired.locate(service.id, ['mode'])?.file) ?? `services/${name}.yaml`;
    const real = realpathSync(join(config.desiredState, path));
    const from = readFileSync(real, 'utf8');
    const to = withoutMode(from) ?? edited(from, [{ kind: 'remove', path: ['mode'] }]);
    return { path, real, from, to };
  });
  await tryChanges(config, changes);
  writeChanges(changes);
}
